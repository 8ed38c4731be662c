"""What the first model shows: whether it is better than knowing nothing, and where the gate's limits begin."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from ... import model as yours
from .. import config
from ..gate import compare
from ..metrics import definitions
from ..paths import REPORTS
from ..scoring import artifact
from ..validation.bounds import rounded_bound
from .profile import TEMPORAL, Column, numbers
from .target import Question

LIMITS = {
    "CALIBRATION": "calibration",
    "FAIRNESS_SELECTION": "selection_gap",
    "FAIRNESS_ERROR": "error_gap",
    "LATENCY": "latency_ms",
    "SIZE": "size_mb",
}
BELOW_ONE = ("selection_gap",)


@dataclass(frozen=True)
class Outcome:
    """What the first model showed, on which limits and tests rest: `limits` are lines of the section `gate`."""

    better: bool = False
    metric: str = ""
    value: float = 0.0
    baseline: float = 0.0
    limits: tuple[dict[str, Any], ...] = ()


def outcome() -> Outcome:
    """What reports/ say of the model that was just trained."""
    metric = config.load().evaluation.metric
    estimate = json.loads((REPORTS / "evaluation.json").read_text(encoding="utf-8"))["metrics"][metric]
    sign = definitions.direction(metric)
    better = min(sign * estimate["low"], sign * estimate["high"]) > sign * estimate["baseline"]
    checks = json.loads(compare.JSON.read_text(encoding="utf-8"))["checks"] if compare.JSON.exists() else []
    limits = (_floor(estimate, better), *_ratchets(checks))
    return Outcome(better, metric, estimate["value"], estimate["baseline"], limits)


def _floor(estimate: dict[str, float], better: bool) -> dict[str, Any]:
    """Half-way between knowing nothing and the first model, if that is better."""
    value, baseline = estimate["value"], estimate["baseline"]
    if not better:
        return {"name": "floor", "value": f"{baseline:.3g}", "why": "what knowing the target's mean alone gives"}
    why = f"half-way from the baseline's {baseline:.3g} to the first model's {value:.3g}"
    return {"name": "floor", "value": f"{(value + baseline) / 2:.3g}", "why": why}


def _ratchets(checks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Limits that the first model does not keep: no later one may be further beyond."""
    figures: dict[str, float] = {}
    for check in checks:
        name = LIMITS.get(check["code"])
        if name and not check["passed"] and check["figure"] is not None:
            figures[name] = max(figures.get(name, 0), check["figure"])
    for name, figure in figures.items():
        limit = rounded_bound(figure, "max", pl.Float64())
        usual = config.Gate.model_fields[name].default
        value = min(limit, 0.99) if name in BELOW_ONE else limit
        yield {
            "name": name,
            "value": f"{value:g}",
            "why": f"the first model has {figure:.2g}; {usual:g} is usual: bring it down",
        }


CAUTIOUS = {"max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 8, "l2_regularization": 1.0, "random_state": 0}
CAPABLE = {"max_iter": 300, "learning_rate": 0.05, "max_leaf_nodes": 31, "l2_regularization": 1.0, "random_state": 0}
LARGE = {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 31, "l2_regularization": 1.0, "random_state": 0}
"""Of many rows; `factory tune` searches further."""

MANY = 20_000
ROWS, CELLS, LEAST = 6_000, 200_000, 30
"""Rows and cells that are tried on at most, and rows at least."""
CLEARLY = 0.95  # of the loss


def parameters(columns: list[Column], question: Question) -> dict[str, Any]:
    """The section `model` of params.yaml for these features."""
    able = LARGE if question.rows >= MANY else CAPABLE
    if question.problem == "multiclass":  # which has trees for each class
        return LARGE if question.rows >= MANY else CAUTIOUS
    tried = [column for column in columns if column.kind not in TEMPORAL]
    try:
        with threadpool_limits(1):  # small fits would wait for each other
            clearly = bool(tried) and _loss(able, tried, question) < CLEARLY * _loss(CAUTIOUS, tried, question)
    except ValueError:  # of a model.py of the project's own: the pipeline says what it cannot take
        return CAUTIOUS
    return able if clearly else CAUTIOUS


def _loss(chosen: dict[str, Any], columns: list[Column], question: Question) -> float:
    """Of rows of the sample that it has not learned from, by threefold cross-validation."""
    target = numbers(question.target)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(~np.isnan(target)))
    rows = rows[: max(LEAST, min(ROWS, CELLS // len(columns)))]
    features, truth = np.column_stack([numbers(column)[rows] for column in columns]), target[rows]
    if question.problem == "classification":
        truth = (truth == truth.max()).astype(np.float64)
    metric = definitions.METRICS[question.problem]["rmse" if question.problem == "regression" else "log_loss"]
    texts = [place for place, column in enumerate(columns) if column.kind == "String"]
    losses = []
    for learned, seen in KFold(3).split(rows):
        if np.ptp(truth[learned]) == 0 or np.ptp(truth[seen]) == 0:
            continue  # too rare to be told
        estimator = yours.model(question.problem, texts, **chosen).fit(features[learned], truth[learned])
        losses.append(metric(truth[seen], artifact.predictor(estimator)(features[seen])))
    return float(np.mean(losses)) if losses else 0.0
