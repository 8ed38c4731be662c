"""Challenger against champion on the same test rows: gather the evidence, run the checks, report the result."""

import ast
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from tabulate import tabulate

from ... import contract
from ...features import features
from .. import manifest
from ..config import Params
from ..data import prepare
from ..errors import CannotEvaluate, FactoryError
from ..metrics import definitions
from ..metrics.fairness import Predictions
from ..paths import MODEL, PREPARED, REPORTS
from ..registry import champion
from ..registry.versions import Version
from ..scoring import artifact, predictions, scorer
from ..training.onnx import estimators
from ..workspace import git
from . import checks
from .checks import Check, Evidence

JSON, MARKDOWN, SCRIPT = (REPORTS / f"gate.{ending}" for ending in ("json", "md", "js"))
PARITY_ROWS = 50_000  # about: the training has proven the models equal on all
HEADERS = ("", "check", "figure", "95 % interval", "limit", "code", "note")


@dataclass(frozen=True)
class GateResult:
    """The checks of a model, named by the sha256 of its manifest and its version, and what it was compared with."""

    model: str
    reference: str
    accepted: str | None
    checks: list[Check]
    version: str | None = None

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
    params: Params, previous: list[Version], accepted: str | None = None, *, require_champion: bool = False
) -> GateResult:
    """Check the working tree's model against the last of the versions. Raises CannotEvaluate."""
    definitions.main_metric(params)
    version, reference = reference_model(params, previous, accepted)
    results = checks.run_checks(gather(params, version, accepted))
    if require_champion and not previous:
        why = "`uv run factory promote` makes the first version"
        results.insert(0, Check("NO_CHAMPION", "champions to compare with", 0, "1", False, note=why))
    model = manifest.model_id()
    promoted = (version.name for version in reversed(previous) if (version.record or {}).get("model") == model)
    return GateResult(model, reference, accepted, results, next(promoted, None))


def reference_model(params: Params, previous: list[Version], accepted: str | None) -> tuple[Version | None, str]:
    """The champion, if it predicts the same target, and in words what the challenger is compared with.

    Raises CannotEvaluate where it predicts another, and nobody has accepted that.
    """
    if not previous:
        return None, "the baseline, as no model has been promoted yet"
    version = previous[-1]
    settings = yaml.safe_load(git.show(version.facts["commit"], "params.yaml") or "{}")
    problem, target = settings.get("problem"), settings.get("data", {}).get("target")
    if (problem, target) in ((None, None), (params.problem, params.data.target)):
        return version, f"the champion {version.name}"
    if not accepted:
        raise CannotEvaluate(
            "OTHER_QUESTION",
            f"the champion {version.name} tells {target} by {problem}, not {params.data.target} by "
            f"{params.problem}: --accept-contract-change WHY compares with the baseline instead",
        )
    return None, f"the baseline, as {version.name} tells {target}"


def gather(params: Params, version: Version | None, accepted: str | None) -> Evidence:
    """The evidence on the current test rows, against the version if there is one. Raises CannotEvaluate."""
    model, challenger = _challenger(params)
    test = prepare.read("test")
    row = scorer.matrix(features(test.head(1)))
    return Evidence(
        params=params,
        test=test,
        target=definitions.target_of(test, params),
        challenger=_predictions(challenger.score(test), model.manifest),
        champion=_predictions(champion.scores(version.facts["commit"], test), model.manifest) if version else None,
        baseline=model.manifest["baseline"],
        latency_ms=checks.latency(lambda: model.predict(row)),
        size_mb=checks.megabytes(MODEL),
        parity=estimators.disagreement(MODEL, scorer.feature_matrix(test.gather_every(-(-test.height // PARITY_ROWS)))),
        tolerance=estimators.TOLERANCE,
        contract_changed=version is not None and contract_changed(version.commit),
        accepted=accepted,
    )


def contract_changed(commit: str) -> bool:
    """Whether contract.py says something else than in the commit; comments and layout do not count."""
    path = Path(contract.__file__)
    old = git.show(commit, f"src/{path.parent.name}/{path.name}")
    return old is None or ast.dump(ast.parse(old)) != ast.dump(ast.parse(path.read_text(encoding="utf-8")))


def delete_reports() -> None:
    """No earlier result stays where a new one may not come."""
    for path in (JSON, MARKDOWN, SCRIPT):
        path.unlink(missing_ok=True)


def write_reports(result: GateResult) -> None:
    """reports/gate.json for machines, gate.md for a pull request, and gate.js, which report.html shows at its head."""
    JSON.parent.mkdir(exist_ok=True)
    content = {
        "passed": result.passed,
        "refusals": result.refusals,
        "model": result.model,
        "version": result.version,
        "against": result.reference,
        "accepted": result.accepted,
        "checks": [asdict(check) | {"figure": _finite(check.figure)} for check in result.checks],
    }
    manifest.dump(content, JSON)
    outcome = "passes" if result.passed else f"is refused: {', '.join(result.refusals)}"
    page = (
        f"## The challenger {outcome}\n\nModel `{result.model[:12]}` against {result.reference}.\n\n{result.table()}\n"
    )
    MARKDOWN.write_text(page, encoding="utf-8")
    shown = content | {"headers": HEADERS, "checks": [_row(check) for check in result.checks]}
    SCRIPT.write_text(f"showGate({json.dumps(shown)})\n", encoding="utf-8")


def _challenger(params: Params) -> tuple[artifact.Artifact, scorer.Scorer]:
    """The model here, if it was trained on the prepared data for the problem in params.yaml. Raises CannotEvaluate."""
    try:
        model = artifact.load()
        data = manifest.read_manifest(PREPARED)
        challenger = scorer.Scorer(model)
    except FactoryError as error:
        raise CannotEvaluate("MODEL_MISSING", str(error)) from error
    if model.manifest["data"]["train"] != data["files"]["train.parquet"]:
        raise CannotEvaluate(
            "MODEL_MISSING", "model/ was trained on other data than data/prepared/ holds: run `dvc repro`"
        )
    if (problem := model.manifest["problem"]) != params.problem:
        raise CannotEvaluate(
            "MODEL_MISSING", f"model/ is of a {problem}, params.yaml says {params.problem}: run `dvc repro`"
        )
    return model, challenger


def _predictions(scores: pl.DataFrame, facts: dict[str, Any]) -> Predictions:
    if predictions.has_classes(scores) != bool(facts.get("classes")):
        raise CannotEvaluate("CHAMPION_BROKEN", "of champion and challenger only one tells several classes apart")
    values, classes = predictions.from_frame(scores, facts), facts.get("classes")
    if classes:
        return Predictions(values, values.argmax(axis=1), classes)
    return Predictions(values, scores["decision"].to_numpy() if "decision" in scores.columns else None)


def _finite(figure: float | None) -> float | None:
    return figure if figure is None or np.isfinite(figure) else None  # JSON knows no infinity


def _row(check: Check) -> tuple[str, ...]:
    interval = "" if check.low is None or check.high is None else f"{check.low:.4f} to {check.high:.4f}"
    figure = "" if check.figure is None else f"{check.figure:.4g}"
    note = check.note.replace("|", "/")
    return "✓" if check.passed else "✗", check.what, figure, interval, check.limit, check.code, note
