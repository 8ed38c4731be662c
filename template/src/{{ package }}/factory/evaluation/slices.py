"""How the model does in the groups of the slice columns, and in which of them its scores are too high or too low."""

from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtrit  # type: ignore[import-untyped]  # which scikit-learn brings

from ..config import Params
from ..metrics import bootstrap, fairness
from ..metrics.definitions import Metric, Vector, ids_of, main_metric, top_class
from .formatting import number

MIN_ROWS = 30
WITH_INTERVAL = 15  # groups of each column: the ones that the report lists
CONFIDENCE = 0.95
NO_INTERVAL = {"low": None, "high": None}


def slices(test: pl.DataFrame, target: Vector, score: Vector, baseline: Any, params: Params) -> pl.DataFrame:
    """The main metric, its interval, and the mean target and score in each large enough group of the slice columns.

    Groups are in the gate's order, the smallest gain over the trivial baseline first. For several classes the means
    are those of whether the prediction is right and of its probability. `bias` is the mean score minus the mean target;
    its interval holds for all groups together (Bonferroni), since one group in twenty would seem off by chance, and counts
    rows of one id, or of one block of a forecast's target times, as one case.
    """
    metric, trivial = main_metric(params), np.full_like(score, baseline)
    outcome, confidence = top_class(target, score)
    ids = ids_of(test, params)
    found = []
    for column in params.group_columns:
        measured, _ = fairness.group_metrics(test, column, metric, target, score, trivial, MIN_ROWS)
        found += [(column, group, group.members, place) for place, group in enumerate(measured)]
    probability = 1 - (1 - CONFIDENCE) / 2 / max(len(found), 1)
    return pl.DataFrame(
        [
            {
                "column": column,
                "value": group.group,
                "rows": group.rows,
                metric.name: group.value,
                **(_interval(metric, target, score, rows, ids) if place < WITH_INTERVAL else NO_INTERVAL),
                "baseline": group.reference,
                "gain": group.gain,
                "mean_target": float(outcome[rows].mean()),
                "mean_score": float(confidence[rows].mean()),
                **_bias(confidence[rows] - outcome[rows], None if ids is None else ids[rows], probability),
            }
            for column, group, rows, place in found
        ],
        infer_schema_length=None,
    )


def deviations(slices: pl.DataFrame, params: Params) -> list[str]:
    """A sentence for each group whose scores are too high or too low beyond chance, the largest bias first."""
    if slices.is_empty():
        return []
    off = slices.filter((pl.col("bias_low") > 0) | (pl.col("bias_high") < 0))
    subject = {"classification": "Scores", "multiclass": "Probabilities"}.get(params.problem, "Predictions")

    def sentence(row: dict[str, Any]) -> str:
        size = abs(row["bias"])
        amount = number(size) if params.is_number else f"{100 * size:.2g} percentage points"
        direction = "high" if row["bias"] > 0 else "low"
        return f"{subject} for {row['column']}={row['value']} are {amount} too {direction} on average."

    return [sentence(row) for row in off.sort(pl.col("bias").abs(), descending=True).to_dicts()]


def _interval(metric: Metric, target: Vector, score: Vector, rows: Any, ids: bootstrap.Ids) -> dict[str, float]:
    interval = bootstrap.interval(metric, target[rows], score[rows], None if ids is None else ids[rows])
    return {"low": interval.low, "high": interval.high}


def _bias(differences: Vector, ids: bootstrap.Ids, probability: float) -> dict[str, float | None]:
    """The mean difference, and its interval by cases: rows, or all rows of an id or block."""
    mean, cases = float(differences.mean()), len(differences) if ids is None else len(np.unique(ids))
    if cases == 1:
        return {"bias": mean, "bias_low": None, "bias_high": None}
    deviation = np.sqrt(cases / (cases - 1)) * bootstrap.standard_error(differences, ids)
    margin = float(stdtrit(cases - 1, probability) * deviation)
    return {"bias": mean, "bias_low": mean - margin, "bias_high": mean + margin}
