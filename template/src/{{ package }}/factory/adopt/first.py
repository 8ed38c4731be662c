"""What the first model shows: whether it is better than knowing nothing, and where the gate's limits begin."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from .. import compare, config, evaluate, metrics
from ..limits import roomy
from .context import Outcome

LIMITS = {
    "CALIBRATION": "calibration",
    "FAIRNESS_SELECTION": "selection_gap",
    "FAIRNESS_ERROR": "error_gap",
    "LATENCY": "latency_ms",
    "SIZE": "size_mb",
}
BELOW_ONE = ("selection_gap",)


def outcome() -> Outcome:
    """What reports/ say of the model that was just trained."""
    metric = config.load().evaluation.metric
    estimate = json.loads((evaluate.REPORTS / "evaluation.json").read_text(encoding="utf-8"))["metrics"][metric]
    sign = metrics.direction(metric)
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
        limit = roomy(figure, "max", pl.Float64())
        usual = config.Gate.model_fields[name].default
        value = min(limit, 0.99) if name in BELOW_ONE else limit
        yield {
            "name": name,
            "value": f"{value:g}",
            "why": f"the first model has {figure:.2g}; {usual:g} is usual: bring it down",
        }
