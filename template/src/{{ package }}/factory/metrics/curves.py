"""The curves that fit the problem, as small tables for the report and for `dvc plots`."""

import numpy as np
import polars as pl
from sklearn import metrics as sk

from .definitions import Vector, one_score

POINTS = 200
GUESSES = 10


def classification(target: Vector, score: Vector) -> dict[str, pl.DataFrame]:
    """Precision against recall, ROC, and how often it was true where the model said so."""
    precision, recall, _ = sk.precision_recall_curve(target, score)
    false_rate, true_rate, _ = sk.roc_curve(target, score)
    return {
        "precision_recall": _thin(pl.DataFrame({"recall": recall[::-1], "precision": precision[::-1]})),
        "roc": _thin(pl.DataFrame({"false_positive_rate": false_rate, "true_positive_rate": true_rate})),
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
    """How often it was right where it was so sure, how often among the surest rows, and within the first few guesses."""
    right, sure = one_score(target, score)
    order, places = np.argsort(-sure, kind="stable"), np.arange(1, len(target) + 1)
    own = score[places - 1, target.astype(int)]
    rank = (score > own[:, None]).sum(axis=1)
    guesses = np.arange(1, min(score.shape[1], GUESSES) + 1)
    return {
        "calibration": _by_tenth(right, sure, pl.col("predicted", "observed").mean()),
        "coverage": _thin(pl.DataFrame({"rows": places / len(target), "right": right[order].cumsum() / places})),
        "guesses": pl.DataFrame({"guesses": guesses, "right": [float((rank < most).mean()) for most in guesses]}),
    }


CURVES = {"classification": classification, "multiclass": multiclass, "regression": regression}


def _thin(curve: pl.DataFrame) -> pl.DataFrame:
    rows = np.unique(np.linspace(0, curve.height - 1, POINTS).round().astype(int))
    return curve[rows]


def _by_tenth(target: Vector, score: Vector, *figures: pl.Expr, **named: pl.Expr) -> pl.DataFrame:
    rows = pl.DataFrame({"predicted": score, "observed": target}).sort("predicted")
    tenth = (pl.int_range(pl.len()) * 10 // pl.len()).alias("tenth")
    return rows.group_by(tenth, maintain_order=True).agg(*figures, **named)
