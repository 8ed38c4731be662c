"""The gate's limits, by the metrics of the first model."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from .. import config
from ..gate import compare
from ..metrics import definitions
from ..paths import REPORTS
from ..validation.bounds import rounded_bound
from .target import baseline_of

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


def _floor(estimate: dict[str, float], better: bool) -> dict[str, Any]:
    """Halfway between the baseline and the first model, if that is better."""
    value, baseline = estimate["value"], estimate["baseline"]
    if not better:
        return {
            "name": "floor",
            "value": f"{baseline:.3g}",
            "why": f"the baseline, {baseline_of(config.load().problem)}",
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
