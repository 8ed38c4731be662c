"""The curves of each problem, as small tables for the report and for `dvc plots`."""

import numpy as np
import polars as pl

from ..config import Params
from ..decision import Value
from . import threshold
from .definitions import Vector, top_class

POINTS = 200
MAX_K = 10


def classification(target: Vector, score: Vector) -> dict[str, pl.DataFrame]:
    """Precision against recall, ROC, and how often it was true at each probability."""
    _, true_positives, false_positives = threshold.counts(target, score)
    recall, precision = true_positives / true_positives[-1], true_positives / (true_positives + false_positives)
    false_rate = false_positives / false_positives[-1]
    return {
        "precision_recall": _thin(pl.DataFrame({"recall": [0.0, *recall], "precision": [1.0, *precision]})),
        "roc": _thin(pl.DataFrame({"false_positive_rate": [0.0, *false_rate], "true_positive_rate": [0.0, *recall]})),
        "calibration": _by_tenth(target, score, pl.col("predicted", "observed").mean()),
    }


def regression(target: Vector, score: Vector) -> dict[str, pl.DataFrame]:
    """Observed against predicted values by tenths of the predictions, and the errors' distribution."""
    observed, quantile = pl.col("observed"), np.linspace(0, 1, POINTS)
    spread = {"low": observed.quantile(0.1), "high": observed.quantile(0.9)}
    return {
        "predicted_observed": _by_tenth(target, score, pl.col("predicted", "observed").mean(), **spread),
        "errors": pl.DataFrame({"quantile": quantile, "error": np.quantile(score - target, quantile)}),
    }


def multiclass(target: Vector, score: Vector) -> dict[str, pl.DataFrame]:
    """How often the top class was right by its probability, among the most confident rows, and within the top k."""
    right, confidence = top_class(target, score)
    order, rows = np.argsort(-confidence, kind="stable"), np.arange(1, len(target) + 1)
    true_score = score[rows - 1, target.astype(int)]
    rank = (score > true_score[:, None]).sum(axis=1)
    places = np.arange(1, min(score.shape[1], MAX_K) + 1)
    return {
        "calibration": _by_tenth(right, confidence, pl.col("predicted", "observed").mean()),
        "coverage": _thin(pl.DataFrame({"rows": rows / len(target), "right": right[order].cumsum() / rows})),
        "top_k": pl.DataFrame({"k": places, "accuracy": [float((rank < k).mean()) for k in places]}),
    }


def utility(target: Vector, score: Vector, value: Value) -> pl.DataFrame:
    """What a decision earns on average, by the threshold: from deciding always to deciding never."""
    thresholds, totals = threshold.utilities(target, score, value)
    curve = pl.DataFrame({"threshold": [1.0, *thresholds], "utility": totals / len(target)}).reverse()
    return _thin(pl.concat([curve.head(1).with_columns(threshold=pl.lit(0.0)), curve]))


def of_decisions(target: Vector, score: Vector, params: Params) -> dict[str, pl.DataFrame]:
    """What decisions find and earn: by the number of rows acted on where that is limited, else by the threshold."""
    if not params.decision:
        return {"utility": utility(target, score, params.value)} if params.value else {}
    _, true_positives, false_positives = threshold.counts(target, score)
    acted = np.append(0.0, (true_positives + false_positives) / len(target))
    found = np.append(0.0, true_positives / true_positives[-1])
    curves = {"gains": _thin(pl.DataFrame({"rows": acted, "found": found}))}
    if params.value:
        _, totals = threshold.utilities(target, score, params.value)
        curves["value"] = _thin(pl.DataFrame({"rows": acted, "value": totals / len(target)}))
    return curves


CURVES = {
    "classification": classification,
    "multiclass": multiclass,
    "regression": regression,
    "forecasting": regression,
}


def _thin(curve: pl.DataFrame) -> pl.DataFrame:
    rows = np.unique(np.linspace(0, curve.height - 1, POINTS).round().astype(int))
    return curve[rows]


def _by_tenth(target: Vector, score: Vector, *statistics: pl.Expr, **named: pl.Expr) -> pl.DataFrame:
    rows = pl.DataFrame({"predicted": score, "observed": target}).sort("predicted")
    tenth = (pl.int_range(pl.len()) * 10 // pl.len()).alias("tenth")
    return rows.group_by(tenth, maintain_order=True).agg(*statistics, **named)
