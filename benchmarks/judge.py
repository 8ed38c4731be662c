"""Run in a project whose package is `adopted`: what adoption proposes for tables, and what the gate says of a model.

`judge.py propose FOLDER` writes, for each NAME.json there, contract, features and parameters into FOLDER/NAME;
`judge.py gate FOLDER/NAME` takes them over, trains, and writes the gate's refusals, and what a careful person would have done.
Neither runs DVC or another process, which would take longest.
"""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

QUICK = {"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 8, "l2_regularization": 1.0, "random_state": 0}

UNSET = ("FLOOR",)
"""Whose limit an adoption writes by the first model's figures."""


def propose(folder: Path) -> None:
    """Propose, as --yes accepts it, and write what would be written; or why nothing can be."""
    from adopted.factory.errors import FactoryError

    for path in sorted(folder.glob("*.json")):
        try:
            facts = _proposed(path)
        except (
            FactoryError,
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
        ) as error:  # the other tables are to be proposed as well
            facts = {"error": f"{type(error).__name__}: {error}"}
        path.with_suffix(".proposed").write_text(json.dumps(facts), "utf-8")


def _proposed(path: Path) -> dict[str, Any]:
    from adopted.factory.adopt import defaults, render, source
    from adopted.factory.adopt.profile import profile
    from adopted.factory.adopt.proposal import UserChoices
    from adopted.factory.adopt.proposal import propose as found

    case = json.loads(path.read_text("utf-8"))
    rows = source.one_table([Path(case["table"])])
    proposal = found(profile(rows), rows, UserChoices(**case["choices"]))
    features = [role.column for role in proposal.with_role("feature")]
    fitting = defaults.parameters(features, proposal.target) if "person" in case else QUICK
    proposal = replace(proposal, parameters=fitting)
    render.write(proposal, defaults.BaselineResult(), path.with_suffix(""))
    return {
        "excluded": {role.name: role.why for role in proposal.with_role("excluded")},
        "id": proposal.name_of("id"),
        "repeats": proposal.repeats,
        "time": [role.name for role in proposal.with_role("time")],
        "sensitive": [role.name for role in proposal.roles if role.sensitive],
        "findings": [f"{finding.kind}: {finding.subject}: {finding.evidence}" for finding in proposal.findings],
    }


def gate(folder: Path) -> None:
    """Judge a model of these files: the refusals as `{code: [what was found]}`, and the comparison with the case's person."""
    for path in folder.rglob("*.*"):
        shutil.copyfile(path, path.relative_to(folder))
    from adopted.factory.errors import FactoryError

    case = json.loads(folder.with_name(f"{folder.name}.json").read_text("utf-8"))
    try:
        facts = _judged(Path(case["table"]))
        if "person" in case:
            import reference

            facts |= reference.compare(Path(case["table"]), case["person"])
    except (FactoryError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        facts = {"error": f"{type(error).__name__}: {error}"}
    folder.with_name(f"{folder.name}.judged").write_text(json.dumps(facts), "utf-8")


def _judged(table: Path) -> dict[str, Any]:
    from adopted.factory import config, manifest
    from adopted.factory.data import prepare, split
    from adopted.factory.gate import checks, compare
    from adopted.factory.metrics import definitions
    from adopted.factory.paths import PREPARED
    from adopted.factory.training import train

    params = config.load()
    shutil.rmtree(PREPARED, ignore_errors=True)
    PREPARED.mkdir(parents=True)
    for name, part in zip(("train", "test"), split.split(prepare.check(table, params), params), strict=True):
        part.write_parquet(PREPARED / f"{name}.parquet")
    manifest.write_manifest(PREPARED, {"ledger": "", "deliveries": []})
    train.run(params)
    evidence, refused = compare.gather(params, None, None), {}
    for check in checks.run_checks(evidence):
        if not check.passed and check.code not in UNSET:
            refused.setdefault(check.code, []).append(f"{check.what}: {check.note}")
    metric = definitions.main_metric(params)
    return {"refused": refused, "certified": float(metric(evidence.target, evidence.challenger.score))}


if __name__ == "__main__":
    {"propose": propose, "gate": gate}[sys.argv[1]](Path(sys.argv[2]).resolve())
