"""How good scores are: each metric with its interval and the value of a trivial baseline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn import metrics as sk

from . import binary, multiclass
from .config import Params
from .slices import Rows, column

Vector = NDArray[np.float64]
Metric = Callable[[Vector, Vector], float]

RESAMPLES = 200
RESAMPLED = 20_000
"""Rows of a resample at most."""
HIGHER_IS_BETTER = {"average_precision", "roc_auc", "r2", "accuracy", "balanced_accuracy", "macro_f1"}


@dataclass(frozen=True)
class Estimate:
    """A metric on the test rows, its 95 % interval, and what the baseline reaches on them."""

    value: float
    low: float
    high: float
    baseline: float


@dataclass(frozen=True)
class Difference:
    """What a figure is better by, and its 95 % interval."""

    value: float
    low: float
    high: float


def _error_quantile(share: float) -> Metric:
    return lambda target, score: np.quantile(score - target, share)


METRICS: dict[str, dict[str, Metric]] = {
    "classification": binary.METRICS,
    "multiclass": multiclass.METRICS,
    "regression": {
        "mae": sk.mean_absolute_error,
        "rmse": sk.root_mean_squared_error,
        "r2": sk.r2_score,
        **{f"error_q{round(share * 100):02}": _error_quantile(share) for share in (0.05, 0.25, 0.5, 0.75, 0.95)},
    },
}
"""By problem and name, functions of target and score. The error is prediction minus target.

The target of several classes is their codes, and the score has the shape (rows, classes).
"""


def direction(name: str) -> int:
    """1 if more of the metric is better, -1 if less is."""
    return 1 if name in HIGHER_IS_BETTER else -1


def target_of(rows: Rows, params: Params) -> Vector:
    """The target as numbers, shape (rows,); true is 1, and a class its place among the contract's."""
    return column(rows, params.data.target).to_physical().cast(pl.Float64).to_numpy()


def one_score(target: Vector, score: Vector) -> tuple[Vector, Vector]:
    """Target and score as they are; of classes, whether the most probable one was right and its probability."""
    return (target, score) if score.ndim == 1 else ((score.argmax(axis=1) == target).astype(float), score.max(axis=1))


def estimates(problem: str, target: Vector, score: Vector, baseline: float | list[float]) -> dict[str, Estimate]:
    """Every metric of the problem, with a percentile bootstrap over the rows (Efron & Tibshirani 1993, ch. 13).

    `baseline` is the constant score of a model that knows the mean of the training target alone, or
    how frequent each class is.
    """
    draws = _resamples(target)
    trivial = np.full_like(score, baseline)

    def estimate(metric: Metric) -> Estimate:
        value = metric(target, score)
        low, high = _interval(value, [metric(target[rows], score[rows]) for rows in draws], len(target))
        return Estimate(float(value), low, high, float(metric(target, trivial)))

    return {name: estimate(metric) for name, metric in METRICS[problem].items()}


def improvement(problem: str, name: str, target: Vector, score: Vector, other: Vector) -> Difference:
    """By how much the score is better than the other by the metric, with a paired percentile bootstrap.

    Both are measured on the same resampled rows, so that what is hard for both cancels out
    (Efron & Tibshirani 1993, ch. 13 and 16); positive is better, whatever the metric's direction.
    """
    metric, sign = METRICS[problem][name], direction(name)

    def better(rows: Any) -> float:
        return float(sign * (metric(target[rows], score[rows]) - metric(target[rows], other[rows])))

    return difference(better, target)


def difference(better: Callable[[Any], float], target: Vector) -> Difference:
    """The difference on all rows and the interval of what it is on resampled ones."""
    value = better(slice(None))
    return Difference(value, *_interval(value, [better(rows) for rows in _resamples(target)], len(target)))


def calibration_error(target: Vector, score: Vector) -> float:
    """Expected calibration error (Naeini et al. 2015) over tenths of the scores: 0 where scores are true rates."""
    tenths = np.array_split(np.argsort(score, kind="stable"), 10)
    return float(sum(abs((target[rows] - score[rows]).sum()) for rows in tenths) / len(target))


def _resamples(target: Vector) -> list[NDArray[np.int64]]:
    generator = np.random.default_rng(0)
    size = min(len(target), RESAMPLED)
    draws = (generator.integers(0, len(target), size) for _ in range(RESAMPLES))
    return [rows for rows in draws if np.ptp(target[rows]) > 0]


def _interval(value: float, drawn: list[float], rows: int) -> tuple[float, float]:
    """The middle 95 % of the resamples.

    Where they are smaller than the table they scatter more than it would, by the root of how much smaller
    they are (the m out of n bootstrap, Bickel et al. 1997): so they are drawn towards the value by as much.
    """
    spread = np.sqrt(min(rows, RESAMPLED) / rows)
    low, high = spread * np.quantile(drawn, [0.025, 0.975]) + (1 - spread) * value
    return float(low), float(high)
