"""The first parameters, by cross-validation, and the gate's limits, by the metrics of the first model."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from .. import config
from ..errors import FactoryError
from ..gate import compare
from ..metrics import definitions
from ..paths import REPORTS
from ..scoring import artifact
from ..training.estimator import build
from ..validation.bounds import rounded_bound
from .dates import TEMPORAL
from .profile import Column, numbers
from .target import Target

SMALL_TREES = {
    "max_iter": 150,
    "learning_rate": 0.05,
    "max_leaf_nodes": 8,
    "l2_regularization": 1.0,
    "random_state": 0,
}
LARGE_TREES = SMALL_TREES | {"max_iter": 300, "max_leaf_nodes": 31}
MANY_ROWS = SMALL_TREES | {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 31}
"""For tables of many rows; `factory tune` searches further."""
LARGE_TABLE = 20_000  # rows
MAX_ROWS, MAX_CELLS, MIN_ROWS = 6_000, 200_000, 30
"""Limits of the sample for cross-validation."""
CLEAR_IMPROVEMENT = 0.95  # of the loss
RELAXED = {"CALIBRATION": "calibration", "LATENCY": "latency_ms", "SIZE": "size_mb"}
"""Limits that start at what the first model shows if that is worse; how it treats people is no matter of habit."""
FAIRNESS = {
    "selection_ratio": (0.8, "the four-fifths rule: the least share of another group's selection rate"),
    "error_gap": (0.2, "between their error rates: a fifth, as in the four-fifths rule"),
}
"""Limits of decisions about groups of people, each with its reason."""
ROOM = {"latency_ms": 2}  # times the first measurement: the next may be on a busier machine


@dataclass(frozen=True)
class BaselineResult:
    """Metrics of the first model, on which limits and tests are based; `limits` are lines of the section `gate`.

    `strongest` is the feature that matters most, and its share of the importance of all.
    """

    better: bool = False
    metric: str = ""
    value: float = 0.0
    baseline: float = 0.0
    limits: tuple[dict[str, Any], ...] = ()
    strongest: tuple[str, float] | None = None


def parameters(columns: list[Column], target: Target) -> dict[str, Any]:
    """The section `model` of params.yaml for these features."""
    large = MANY_ROWS if target.rows >= LARGE_TABLE else LARGE_TREES
    if target.problem == "multiclass":  # which has trees for each class
        return MANY_ROWS if target.rows >= LARGE_TABLE else SMALL_TREES
    tried = [column for column in columns if column.kind not in TEMPORAL]
    try:
        with threadpool_limits(1):  # small fits would wait for each other
            better = bool(tried) and _loss(large, tried, target) < CLEAR_IMPROVEMENT * _loss(SMALL_TREES, tried, target)
    except (FactoryError, TypeError, ValueError):  # of the user's own model.py: the pipeline will report it
        return SMALL_TREES
    return large if better else SMALL_TREES


def baseline_result() -> BaselineResult:
    """The metrics in reports/ of the model that was just trained."""
    metric = config.load().evaluation.metric
    evaluation = json.loads((REPORTS / "evaluation.json").read_text(encoding="utf-8"))
    estimate = evaluation["metrics"][metric]
    sign = definitions.direction(metric)
    better = min(sign * estimate["low"], sign * estimate["high"]) > sign * estimate["baseline"]
    checks = json.loads(compare.JSON.read_text(encoding="utf-8"))["checks"]
    limits = (_floor(estimate, better), *_relaxed_limits(checks))
    strongest = _strongest(evaluation["importance"])
    return BaselineResult(better, metric, estimate["value"], estimate["baseline"], limits, strongest)


def _strongest(importance: list[dict[str, Any]]) -> tuple[str, float] | None:
    total = sum(max(each["loss"], 0) for each in importance)
    first = max(importance, key=lambda each: each["loss"], default=None)
    return (first["feature"], first["loss"] / total) if first and total else None


def _loss(settings: dict[str, Any], columns: list[Column], target: Target) -> float:
    """The loss by threefold cross-validation on rows of the sample."""
    outcomes = numbers(target.column)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(~np.isnan(outcomes)))
    rows = rows[: max(MIN_ROWS, min(MAX_ROWS, MAX_CELLS // len(columns)))]
    features, truth = np.column_stack([numbers(column)[rows] for column in columns]), outcomes[rows]
    if target.problem == "classification":
        truth = (truth == truth.max()).astype(np.float64)
    metric = definitions.METRICS[target.problem]["rmse" if target.problem == "regression" else "log_loss"]
    schema = pl.Schema({column.name: pl.Enum([]) if column.kind == "String" else pl.Float64() for column in columns})
    losses = []
    for train, test in KFold(3).split(rows):
        if np.ptp(truth[train]) == 0 or np.ptp(truth[test]) == 0:
            continue  # too rare to evaluate
        estimator = build(target.problem, settings, schema).fit(features[train], truth[train])
        losses.append(metric(truth[test], artifact.predictor(estimator)(features[test])))
    return float(np.mean(losses)) if losses else 0.0


def _floor(estimate: dict[str, float], better: bool) -> dict[str, Any]:
    """Halfway between the baseline and the first model, if that is better."""
    value, baseline = estimate["value"], estimate["baseline"]
    if not better:
        return {
            "name": "floor",
            "value": f"{baseline:.3g}",
            "why": "the baseline, a constant prediction",
        }
    why = f"halfway between the baseline, {baseline:.3g}, and the first model, {value:.3g}"
    return {"name": "floor", "value": f"{(value + baseline) / 2:.3g}", "why": why}


def _relaxed_limits(checks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Limits that the first model exceeds, raised so that later models cannot exceed them further."""
    figures: dict[str, float] = {}
    for check in checks:
        name = RELAXED.get(check["code"])
        if name and not check["passed"] and check["figure"] is not None:
            figures[name] = max(figures.get(name, 0), check["figure"])
    for name, figure in figures.items():
        usual = config.Gate.model_fields[name].default
        yield {
            "name": name,
            "value": f"{rounded_bound(figure * ROOM.get(name, 1), 'max', pl.Float64()):g}",
            "why": f"the first model has {figure:.2g}, the default limit is {usual:g}: bring it down",
        }
