"""Whom a challenger is compared with: the champion, if it answers the same question."""

import ast
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from tabulate import tabulate

from ... import contract
from ...features import features
from .. import manifest as digest
from ..config import Params
from ..data import prepare
from ..errors import CannotEvaluate, FactoryError
from ..manifest import model_id
from ..metrics import definitions
from ..metrics.definitions import main_metric
from ..metrics.fairness import Predictions
from ..paths import MODEL, PREPARED, REPORTS
from ..registry import champion, versions
from ..registry.versions import Version
from ..scoring import artifact, predictions, scorer
from ..training.onnx import estimators
from ..workspace import git
from . import checks as gate
from .checks import Check, Evidence, latency, megabytes


def of(params: Params, before: list[Version], accepted: str | None) -> tuple[Version | None, str]:
    """The champion, if it answers the same question, and the rival in words.

    Raises CannotEvaluate where it answers another, and nobody has accepted that.
    """
    if not before:
        return None, "the baseline, as no model has been promoted yet"
    holder = before[-1]
    told = yaml.safe_load(git.show(holder.facts["commit"], "params.yaml") or "{}")
    question = told.get("problem"), told.get("data", {}).get("target")
    if question in ((None, None), (params.problem, params.data.target)):
        return holder, f"the champion {holder.name}"
    if not accepted:
        raise CannotEvaluate(
            "OTHER_QUESTION",
            f"the champion {holder.name} tells {question[1]} by {question[0]}, not {params.data.target} by "
            f"{params.problem}: --accept-contract-change WHY compares with the baseline instead",
        )
    return None, f"the baseline, as {holder.name} tells {question[1]}"


JSON, MARKDOWN = REPORTS / "gate.json", REPORTS / "gate.md"
PROVED = 50_000  # rows, about: the training has proven the models equal on all
HEADERS = ("", "check", "figure", "95 % interval", "limit", "code", "note")


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a model, named by the sha256 of its manifest."""

    model: str
    against: str
    accepted: str | None
    checks: list[Check]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def refusals(self) -> list[str]:
        return [check.code for check in self.checks if not check.passed]

    def table(self) -> str:
        """The checks as a Markdown table."""
        return tabulate([_row(check) for check in self.checks], HEADERS, tablefmt="github", disable_numparse=True)


def compare(
    params: Params, before: list[versions.Version], accepted: str | None = None, *, need_champion: bool = False
) -> Verdict:
    """Judge the working tree's model against the last of the versions. Raises CannotEvaluate where something is missing."""
    main_metric(params)
    holder, against = of(params, before, accepted)
    checks = gate.judge(gather(params, holder, accepted))
    if need_champion and not before:
        why = "`uv run factory promote` makes the first version"
        checks.insert(0, Check("NO_CHAMPION", "champions to compare with", 0, "1", False, note=why))
    return Verdict(model_id(), against, accepted, checks)


def gather(params: Params, holder: versions.Version | None, accepted: str | None) -> Evidence:
    """The evidence on the current test rows. Raises CannotEvaluate."""
    try:
        model = artifact.load()
        data = digest.read_manifest(PREPARED)
        ours = scorer.Scorer(model)
    except FactoryError as error:
        raise CannotEvaluate("MODEL_MISSING", str(error)) from error
    if model.manifest["data"]["train"] != data["files"]["train.parquet"]:
        raise CannotEvaluate(
            "MODEL_MISSING", "model/ was trained on other data than data/prepared/ holds: run `dvc repro`"
        )
    made_for = model.manifest["problem"]
    if made_for != params.problem:
        raise CannotEvaluate(
            "MODEL_MISSING", f"model/ is of a {made_for}, params.yaml says {params.problem}: run `dvc repro`"
        )
    test = prepare.read("test")
    row = scorer.matrix(features(test.head(1)))
    return Evidence(
        params=params,
        test=test,
        target=definitions.target_of(test, params),
        challenger=_decided(ours.score(test), model.manifest),
        champion=_decided(champion.scores(holder.facts["commit"], test), model.manifest) if holder else None,
        baseline=model.manifest["baseline"],
        latency_ms=latency(lambda: model.predict(row)),
        size_mb=megabytes(MODEL),
        parity=estimators.disagreement(MODEL, scorer.inputs(test.gather_every(-(-test.height // PROVED)))),
        tolerance=estimators.TOLERANCE,
        contract_changed=holder is not None and contract_changed(holder.commit),
        accepted=accepted,
    )


def contract_changed(commit: str) -> bool:
    """Whether contract.py says something else than in the commit; comments and layout do not count."""
    path = Path(contract.__file__)
    before = git.show(commit, f"src/{path.parent.name}/{path.name}")
    return before is None or ast.dump(ast.parse(before)) != ast.dump(ast.parse(path.read_text(encoding="utf-8")))


def forget() -> None:
    """No verdict of earlier stays where a new one may not come."""
    for path in (JSON, MARKDOWN):
        path.unlink(missing_ok=True)


def write(verdict: Verdict) -> None:
    """reports/gate.json for machines and reports/gate.md for a pull request."""
    JSON.parent.mkdir(exist_ok=True)
    checks = [asdict(check) | {"figure": _finite(check.figure)} for check in verdict.checks]
    content = {"passed": verdict.passed, "refusals": verdict.refusals, **asdict(verdict), "checks": checks}
    digest.dump(content, JSON)
    said = "passes" if verdict.passed else f"is refused: {', '.join(verdict.refusals)}"
    page = f"## The challenger {said}\n\nModel `{verdict.model[:12]}` against {verdict.against}.\n\n{verdict.table()}\n"
    MARKDOWN.write_text(page, encoding="utf-8")


def _decided(scores: pl.DataFrame, manifest: dict[str, Any]) -> Predictions:
    if predictions.has_classes(scores) != bool(manifest.get("classes")):
        raise CannotEvaluate("CHAMPION_BROKEN", "of champion and challenger only one tells several classes apart")
    said, classes = predictions.said(scores, manifest), manifest.get("classes")
    if classes:
        return Predictions(said, said.argmax(axis=1), classes)
    return Predictions(said, scores["decision"].to_numpy() if "decision" in scores.columns else None)


def _finite(figure: float | None) -> float | None:
    return figure if figure is None or np.isfinite(figure) else None  # JSON knows no infinity


def _row(check: Check) -> tuple[str, ...]:
    interval = "" if check.low is None or check.high is None else f"{check.low:.4f} to {check.high:.4f}"
    figure = "" if check.figure is None else f"{check.figure:.4g}"
    return (
        "✓" if check.passed else "✗",
        check.what,
        figure,
        interval,
        check.limit,
        check.code,
        check.note.replace("|", "/"),
    )
