"""Run in a project whose package is `adopted`: what adoption proposes for tables, and what the gate says of a model.

`judge.py FOLDER` writes, for each NAME.json there, contract, features and parameters into FOLDER/NAME, takes them over, trains,
and writes the gate's refusals, and what a careful person would have done. All in one process and without DVC, since starting
others would take longest.
"""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

QUICK = {"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 8, "l2_regularization": 1.0, "random_state": 0}
UNSET = ("FLOOR",)
"""Whose limit an adoption writes by the first model's figures."""


def main(folder: Path) -> None:
    """Propose and judge each case; one that fails keeps none of the others from being tried."""
    for path in sorted(folder.glob("*.json")):
        case = json.loads(path.read_text("utf-8"))
        _attempt(_proposed, path, case)
        if path.with_suffix("").is_dir():
            _attempt(_prepared, path, case)
            _attempt(_judged, path, case)
        print(f"judged: {path.stem}", flush=True)


def _attempt(what: Callable[[Path, dict[str, Any]], dict[str, Any]], path: Path, case: dict[str, Any]) -> None:
    """Write the result beside the case, or the error."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("adopted", "reference")]:
        del sys.modules[name]  # imported again, they read the project's files as they are now
    from adopted.factory.errors import FactoryError

    try:
        facts = what(path, case)
    except (FactoryError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        facts = {"error": f"{type(error).__name__}: {error}"}
    path.with_suffix(what.__name__.replace("_", ".")).write_text(json.dumps(facts), "utf-8")


def _proposed(path: Path, case: dict[str, Any]) -> dict[str, Any]:
    """The proposal that --yes accepts; its files are written into the case's folder, and copied to their places."""
    from adopted.factory.adopt import defaults, render, source
    from adopted.factory.adopt.profile import profile
    from adopted.factory.adopt.proposal import UserChoices
    from adopted.factory.adopt.proposal import propose as found

    rows = source.one_table([Path(case["table"])])
    proposal = found(profile(rows), rows, UserChoices(**case["choices"]))
    if "person" not in case:
        proposal = replace(proposal, parameters=QUICK)
    for file in render.write(proposal, defaults.BaselineResult(), path.with_suffix("")):
        shutil.copyfile(path.with_suffix("") / file, file)
    return {
        "excluded": {role.name: role.why for role in proposal.with_role("excluded")},
        "id": proposal.name_of("id"),
        "repeats": proposal.repeats,
        "time": proposal.time,
        "sensitive": [role.name for role in proposal.roles if role.sensitive],
        "asked": [finding.columns for finding in proposal.findings],
        "findings": [f"{finding.kind}: {finding.subject}: {finding.evidence}" for finding in proposal.findings],
    }


def _prepared(path: Path, case: dict[str, Any]) -> dict[str, Any]:
    """Prepare the rows; where they are to be compared with a person's, choose the model, too, as adoption does."""
    from adopted.factory import config, manifest
    from adopted.factory.data import prepare, split
    from adopted.factory.paths import PREPARED
    from adopted.factory.training import candidates, selection

    params = config.load()
    shutil.rmtree(PREPARED, ignore_errors=True)
    PREPARED.mkdir(parents=True)
    for name, part in zip(("train", "test"), split.split(prepare.check(Path(case["table"]), params), params), strict=True):
        part.write_parquet(PREPARED / f"{name}.parquet")
    manifest.write_manifest(PREPARED, {"ledger": "", "deliveries": []})
    if "person" not in case:
        return {}
    choice = selection.run(params)
    candidate = choice.chosen.candidate if choice else candidates.default()
    selection.write(candidate)
    return {"model": candidate.name}


def _judged(path: Path, case: dict[str, Any]) -> dict[str, Any]:
    """The refusals as `{code: [what was found]}`, and the comparison with the case's person."""
    from adopted.factory import config
    from adopted.factory.gate import checks, compare
    from adopted.factory.metrics import definitions
    from adopted.factory.training import train

    params, table = config.load(), Path(case["table"])
    train.run(params)
    evidence = compare.gather(params, None, None)
    refused: dict[str, list[str]] = {}
    for check in checks.run_checks(evidence):
        if not check.passed and check.code not in UNSET:
            refused.setdefault(check.code, []).append(f"{check.what}: {check.note}")
    metric = definitions.main_metric(params)
    facts = {"refused": refused, "certified": float(metric(evidence.target, evidence.challenger.score))}
    if "person" not in case:
        return facts
    import reference

    return facts | reference.compare(table, case["person"])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
