"""Challenger against champion on the same test rows: gather the evidence, run the checks, report the result."""

import ast
import json
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from pydantic import ValidationError

from ... import contract
from .. import manifest
from ..config import Forecast, Params
from ..data import integrity, observations, prepare
from ..errors import CannotEvaluate, FactoryError
from ..evaluation import confusion
from ..metrics import definitions, ranking
from ..metrics.fairness import Predictions
from ..paths import MODEL, PREPARED, REPORTS
from ..registry import champion
from ..registry.trust import trust
from ..registry.validity import after
from ..registry.versions import Version
from ..scoring import artifact, predictions, scorer
from ..scoring.feature_table import features
from ..scoring.texts import Encoders
from ..training.onnx import estimators, parity
from ..workspace import git
from . import checks, latency, limits
from .evidence import Check, Evidence, part
from .result import CHALLENGER, HEADERS, VALIDATION, GateResult

JSON, MARKDOWN, SCRIPT = (REPORTS / f"gate.{ending}" for ending in ("json", "md", "js"))
LIVE = REPORTS / "gate.live.json"
PARITY_ROWS = 50_000  # about: the training has proven the models equal on all


def compare(
    params: Params,
    previous: list[Version],
    accepted: str | None = None,
    accepted_limits: str | None = None,
    *,
    require_champion: bool = False,
) -> GateResult:
    """Check the working tree's model against the last of the versions. Raises CannotEvaluate."""
    definitions.main_metric(params)
    integrity.check()
    trusted = after(previous, trust())
    commits = limits.commits(trusted, previous)
    version, reference = reference_model(params, previous, accepted)
    evidence = gather(params, version, accepted)
    because = (accepted_limits or "").strip() or None
    weaker = limits.weaker(params, commits, trusted.policies, because)
    results = [*checks.run_checks(evidence), *(weaker or [limits.as_strict(commits)])]
    results += limits.allowed(trusted.policies, params)
    if require_champion and not previous:
        results.insert(0, Check("NO_CHAMPION", "promoted versions to compare with", 0, "≥ 1", False))
    model = manifest.model_id()
    promoted = (
        version.name for version in reversed(previous) if not version.problem and version.facts["model"] == model
    )
    own, figures = next(promoted, None), metrics(evidence, manifest.read_manifest(MODEL).get("validation"))
    rows, problem = evidence.test.height, params.problem
    return GateResult(model, reference, accepted, results, own, rows, problem, figures, because if weaker else None)


def metrics(evidence: Evidence, validation: dict[str, Any] | None = None) -> dict[str, dict[str, float]]:
    """Every metric of the challenger and of the reference on the same test rows, and the challenger's on validation rows.

    Empty where a score is not finite.
    """
    target, score = evidence.target, evidence.challenger.score
    if not np.isfinite(score).all():
        return {}
    validated = {name: {VALIDATION: each["value"]} for name, each in (validation or {}).get("metrics", {}).items()}
    return {
        name: {
            CHALLENGER: float(metric(target, score)),
            evidence.reference_name: float(metric(target, evidence.reference)),
            **validated.get(name, {}),
        }
        for name, metric in definitions.metrics_of(evidence.params).items()
        if metric.judges
    }


def reference_model(params: Params, previous: list[Version], accepted: str | None) -> tuple[Version | None, str]:
    """The champion, if it predicts the same target, and in words what the challenger is compared with.

    Raises CannotEvaluate where it predicts another target, or other times of it, and nobody has accepted that.
    """
    if not previous:
        return None, "the baseline (there was no champion)"
    version = previous[-1]
    settings = yaml.safe_load(git.show(version.facts["commit"], "params.yaml") or "{}")
    problem, target = settings.get("problem"), settings.get("data", {}).get("target")
    same = (problem, target) in ((None, None), (params.problem, params.data.target))
    if same and answers(settings.get("forecast"), params.forecast):
        return version, f"the champion {version.name} ({version.signature})"
    if not accepted:
        theirs = _question(target, problem, settings.get("forecast"))
        ours = _question(params.data.target, params.problem, params.model_dump()["forecast"])
        raise CannotEvaluate(
            "OTHER_QUESTION",
            f"the champion {version.name} predicts {theirs}, this model {ours}: with --accept-contract-change WHY it is compared "
            "with the baseline instead",
        )
    return None, f"the baseline (the champion {version.name} predicts {target})"


def answers(theirs: Any, ours: Forecast | None) -> bool:
    """Whether what the champion forecasts, as its params.yaml states it, has each series and step that is forecast now."""
    if ours is None:
        return True
    try:
        of = Forecast.model_validate(theirs)
    except ValidationError:
        return False
    same = (set(of.groups), of.time, of.every) == (set(ours.groups), ours.time, ours.every)
    return same and of.gap <= ours.gap and of.gap + of.horizon >= ours.gap + ours.horizon


def _question(target: str, problem: str, forecast: dict[str, Any] | None) -> str:
    names = ("group", "time", "every", "horizon", "gap")
    stated = [f"{name} {each}" for name in names if (each := (forecast or {}).get(name))]
    return f"{target} ({', '.join([problem, *stated])})"


def scores(version: Version, test: pl.DataFrame, params: Params, folder: Path = PREPARED) -> pl.DataFrame:
    """What the version answers to the prepared test rows; of a forecast, by its own rows at the same origins. Raises CannotEvaluate."""
    if not params.forecast:
        return champion.scores(version, test)
    return champion.forecasts(version, test, folder / observations.FILE, params.forecast.keys)


def gather(params: Params, version: Version | None, accepted: str | None) -> Evidence:
    """The evidence on the current test rows, against the version if there is one. Raises CannotEvaluate."""
    model, challenger = _challenger(params)
    test = prepare.read("test")
    row = scorer.feature_matrix(test.head(1), model.texts)
    return Evidence(
        params=params,
        test=test,
        target=definitions.target_of(test, params),
        challenger=as_predictions(challenger.score(test), model.manifest, test),
        champion=as_predictions(scores(version, test, params), model.manifest, test) if version else None,
        baseline=model.manifest["baseline"],
        latency_ms=latency.milliseconds(lambda: model.predict(row)),
        size_mb=checks.megabytes(MODEL),
        parity=_parity(test, model.texts) if (MODEL / "model.onnx").exists() else None,
        tolerance=parity.TOLERANCE,
        contract_changed=version is not None and contract_changed(version.commit),
        accepted=accepted,
        validation=model.manifest.get("validation"),
        interval=model.manifest.get("interval"),
        train=part(prepare.scan("train"), partial(_features, encoders=model.texts)),
        tested=part(test, partial(_features, encoders=model.texts)),
    )


def contract_changed(commit: str) -> bool:
    """Whether contract.py differs from the commit's; comments and layout do not count."""
    path = Path(contract.__file__)
    old = git.show(commit, f"src/{path.parent.name}/{path.name}")
    return old is None or ast.dump(ast.parse(old)) != ast.dump(ast.parse(path.read_text(encoding="utf-8")))


def delete_reports() -> None:
    """Delete the last result, which must not be taken for that of a comparison that fails."""
    for path in (JSON, MARKDOWN, SCRIPT):
        path.unlink(missing_ok=True)


def write_reports(result: GateResult) -> None:
    """reports/gate.json for machines, gate.md for a pull request, and gate.js, which report.html shows at its head."""
    JSON.parent.mkdir(exist_ok=True)
    content = to_json(result)
    of = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": git.commit()}
    manifest.dump(content | of, JSON)
    MARKDOWN.write_text(result.markdown(), encoding="utf-8")
    shown = content | {"headers": HEADERS, "checks": result.cells()}
    SCRIPT.write_text(f"showGate({json.dumps(shown)})\n", encoding="utf-8")


def write_live(result: GateResult) -> None:
    """reports/gate.live.json, the last result on live rows."""
    LIVE.parent.mkdir(exist_ok=True)
    manifest.dump(to_json(result), LIVE)


def to_json(result: GateResult) -> dict[str, Any]:
    """The result for machines."""
    return {
        "passed": result.passed,
        "refusals": result.refusals,
        "model": result.model,
        "version": result.version,
        "against": result.reference,
        "accepted": result.accepted,
        "accepted_limits": result.accepted_limits,
        "problem": result.problem,
        "rows": result.rows,
        "metrics": {name: {who: _finite(value) for who, value in by.items()} for name, by in result.metrics.items()},
        "checks": [asdict(check) | {"figure": _finite(check.figure)} for check in result.checks],
    }


def _challenger(params: Params) -> tuple[artifact.Artifact, scorer.Scorer]:
    """The current model, if it was trained on the prepared data for the problem in params.yaml. Raises CannotEvaluate."""
    try:
        model = artifact.load()
        data = manifest.read_manifest(PREPARED)
        challenger = scorer.Scorer(model)
        ranking.check(model.manifest, params.decision)
    except FactoryError as error:
        raise CannotEvaluate("MODEL_MISSING", str(error)) from error
    if model.manifest["data"]["train"] != data["files"]["train.parquet"]:
        raise CannotEvaluate(
            "MODEL_MISSING", "model/ was not trained on the data in data/prepared/: run `uv run dvc repro`"
        )
    if (problem := model.manifest["problem"]) != params.problem:
        raise CannotEvaluate(
            "MODEL_MISSING", f"model/ is a {problem}, params.yaml asks for {params.problem}: run `uv run dvc repro`"
        )
    return model, challenger


def _features(rows: pl.DataFrame, encoders: Encoders) -> pl.DataFrame:
    return encoders(features(rows.select(contract.Row.column_names())))


def _parity(test: pl.DataFrame, encoders: Encoders) -> float:
    sample = test.gather_every(-(-test.height // PARITY_ROWS))
    return estimators.disagreement(MODEL, scorer.feature_matrix(sample, encoders))


def as_predictions(scores: pl.DataFrame, facts: dict[str, Any], rows: pl.DataFrame | None = None) -> Predictions:
    """A version's scores, in the order of this manifest's classes. Raises CannotEvaluate where there are none."""
    if predictions.has_classes(scores) != bool(facts.get("classes")):
        raise CannotEvaluate("CHAMPION_BROKEN", "only one of champion and challenger is a multiclass model")
    values, classes = predictions.from_frame(scores, facts), facts.get("classes")
    if classes:
        return Predictions(values, values.argmax(axis=1), classes)
    if facts.get("decision"):
        return Predictions(values, confusion.decisions(values, facts, rows))
    return Predictions(values, scores["decision"].to_numpy() if "decision" in scores.columns else None)


def _finite(figure: float | None) -> float | None:
    return figure if figure is None or np.isfinite(figure) else None  # JSON knows no infinity
