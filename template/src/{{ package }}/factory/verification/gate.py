"""The gate again: on the version's own test rows, by its own limits, main's and those of the champion before it."""

import ast
import json
import tempfile
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from .. import PACKAGE, manifest, sections
from ..config import Params
from ..errors import CannotEvaluate, FactoryError, Refused
from ..gate import compare
from ..gate.checks import megabytes, run_checks
from ..gate.evidence import Evidence, part
from ..gate.result import sentence
from ..metrics import definitions
from ..paths import MODEL, PREPARED, REPORTS
from ..registry import champion
from ..registry.versions import Version
from ..training.onnx import parity
from ..workspace import git
from .closeness import NEARLY
from .comparison import differences
from .reproduction import Reproduction

CODE = "GATE_DIFFERS"
MEASURED_ONCE = {"LATENCY", "PARITY"}
"""Checks of the machine and of the code at the time, which the record alone holds."""
DOUBTS = {"LEAKAGE", "SMALL_TEST", "DUPLICATES", "TRAIN_TEST_GAP"}
DOUBTED_BY = "gate/data_checks.py"
"""The module of these checks: a version whose commit does not have it was made before there were any."""
FEATURES = f"""
import sys
import polars as pl
from {PACKAGE} import contract
from {PACKAGE}.features import features
rows = pl.read_parquet(sys.argv[1])
features(rows.select(contract.Row.column_names())).write_parquet(sys.argv[2])
"""


def check(version: Version, before: Version | None, main: str | None, reproduction: Reproduction) -> str:
    """In words by whose limits the version passes the gate. Raises Refused where it does not, and CannotEvaluate."""
    facts, rows = version.facts, _test_rows(version, reproduction)
    _check_metrics(version, reproduction)
    own = _params(version.commit, version.name)
    accepted = facts["gate"].get("accepted")
    reference, _ = compare.reference_model(own, [before] if before else [], accepted)
    judges: dict[str, Params] = {}
    if reference and not facts["gate"].get("accepted_limits"):
        judges[reference.name] = _params(reference.commit, reference.name)
    if main:
        judges["main"] = _params(main, "main")
    evidence = _evidence(own, version, reference, rows, reproduction)
    older = git.show(version.commit, f"src/{PACKAGE}/factory/{DOUBTED_BY}") is None
    if not older:
        features, train = partial(_run, FEATURES, reproduction), reproduction.folder / PREPARED / "train.parquet"
        evidence = replace(evidence, train=part(pl.scan_parquet(train), features), tested=part(rows, features))
    used = {version.name: own} | {name: each for name, each in judges.items() if _comparable(each, own, rows)}
    for name, params in used.items():
        _check_passed(name, replace(evidence, params=params), MEASURED_ONCE | (DOUBTS if older else set()))
    return f"passed on {rows.height:,} test rows by the limits of {', '.join(used)}"


def _params(commit: str, name: str) -> Params:
    return sections.parse(git.show(commit, "params.yaml") or "", f"params.yaml of {name}", Params.model_validate)


def _comparable(params: Params, own: Params, rows: pl.DataFrame) -> bool:
    """Whether the limits are of the version's question, and of columns that it has."""
    asked = (params.problem, params.data.target) == (own.problem, own.data.target)
    columns = {*params.group_columns, *([params.data.id] if params.data.repeats else [])}
    return (
        asked
        and (not (params.value or params.decision) or bool(own.value or own.decision))
        and columns <= set(rows.columns)
    )


def _check_passed(name: str, evidence: Evidence, left_out: Collection[str]) -> None:
    """Raises Refused where a check fails that is not left out."""
    failed = [each for each in run_checks(evidence) if not each.passed and each.code not in left_out]
    if failed:
        reasons = "; ".join(f"{each.code}: {sentence(each).partition('. Next: ')[0]}" for each in failed)
        raise Refused(CODE, f"by the limits of {name} it does not pass: {reasons}")


def _evidence(
    own: Params, version: Version, before: Version | None, rows: pl.DataFrame, made: Reproduction
) -> Evidence:
    facts = manifest.read_manifest(made.folder / MODEL)
    theirs = compare.scores(before, rows, own, made.folder / PREPARED) if before else None
    return Evidence(
        params=own,
        test=rows,
        target=definitions.target_of(rows, own),
        challenger=compare.as_predictions(_run(champion.SCORE, made, rows), facts, rows),
        champion=compare.as_predictions(theirs, facts, rows) if theirs is not None else None,
        baseline=facts["baseline"],
        latency_ms=0,
        size_mb=megabytes(made.folder / MODEL),
        parity=None,
        tolerance=parity.TOLERANCE,
        contract_changed=before is not None and _contract(before.commit) != _contract(version.commit),
        accepted=version.facts["gate"].get("accepted"),
        validation=facts.get("validation"),
    )


def _test_rows(version: Version, made: Reproduction) -> pl.DataFrame:
    """The prepared test rows, if they are those that the record names."""
    folder, recorded = made.folder / PREPARED, version.facts.get("test")  # not in records before 0.3.0
    found = manifest.read_manifest(folder)["files"]["test.parquet"]
    if recorded not in (None, found):
        raise Refused(CODE, f"the record of {version.name} names other test rows than its commit gives")
    return pl.read_parquet(folder / "test.parquet")


def _check_metrics(version: Version, made: Reproduction) -> None:
    """Raises Refused where the record's metrics are others than those of the worktree."""
    path = made.folder / REPORTS / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8")) if path.exists() else version.facts["metrics"]
    found = list(differences(version.facts["metrics"], metrics, tolerance=NEARLY))
    if found:
        raise Refused(CODE, f"the record of {version.name} has other metrics: {'; '.join(found[:3])}")


def _run(script: str, made: Reproduction, rows: pl.DataFrame) -> pl.DataFrame:
    """What the script makes of the rows in the worktree, with the version's own code and environment."""
    with tempfile.TemporaryDirectory() as folder:
        source, destination = Path(folder, "rows.parquet"), Path(folder, "scores.parquet")
        rows.write_parquet(source)
        try:
            made.run_python(script, str(source), str(destination))
        except FactoryError as error:
            raise CannotEvaluate(
                "CHAMPION_BROKEN", f"the model does not run in its own environment: {error}"
            ) from error
        return pl.read_parquet(destination)


def _contract(commit: str) -> str:
    """What contract.py of the commit says; comments and layout do not count."""
    return ast.dump(ast.parse(git.show(commit, f"src/{PACKAGE}/contract.py") or ""))
