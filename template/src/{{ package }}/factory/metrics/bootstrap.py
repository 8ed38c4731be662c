"""Metrics with 95% intervals, by a percentile bootstrap over the rows (Efron & Tibshirani 1993)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .definitions import METRICS, Metric, Vector

RESAMPLES = 200
MAX_RESAMPLE_ROWS = 20_000


@dataclass(frozen=True)
class Interval:
    """A figure and its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate(Interval):
    """A metric on the test rows, its 95% interval, and what the baseline reaches on them."""

    baseline: float


def estimates(problem: str, target: Vector, score: Vector, baseline: float | list[float]) -> dict[str, Estimate]:
    """Every metric of the problem, with its interval (Efron & Tibshirani 1993, ch. 13).

    `baseline` is the constant score of a model that knows the mean of the training target alone, or
    how frequent each class is.
    """
    resamples = _resamples(target)
    trivial = np.full_like(score, baseline)

    def estimate(metric: Metric) -> Estimate:
        value = metric(target, score)
        low, high = _interval(value, [metric(target[rows], score[rows]) for rows in resamples], len(target))
        return Estimate(float(value), low, high, float(metric(target, trivial)))

    return {name: estimate(metric) for name, metric in METRICS[problem].items()}


def interval(metric: Metric, target: Vector, score: Vector) -> Interval:
    """The metric, with its interval."""
    return difference(lambda rows: float(metric(target[rows], score[rows])), target)


def improvement(metric: Metric, target: Vector, score: Vector, other: Vector) -> Interval:
    """By how much the score is better than the other by the metric, with a paired interval.

    Both are measured on the same resampled rows, so that what is hard for both cancels out
    (Efron & Tibshirani 1993, ch. 13 and 16); positive is better, whatever the metric's direction.
    """

    def gain(rows: Any) -> float:
        return float(metric.direction * (metric(target[rows], score[rows]) - metric(target[rows], other[rows])))

    return difference(gain, target)


def difference(gain: Callable[[Any], float], target: Vector) -> Interval:
    """The gain on all rows, and the interval of what it is on resampled ones."""
    value = gain(slice(None))
    return Interval(value, *_interval(value, [gain(rows) for rows in _resamples(target)], len(target)))


def _resamples(target: Vector) -> list[NDArray[np.int64]]:
    generator = np.random.default_rng(0)
    size = min(len(target), MAX_RESAMPLE_ROWS)
    resamples = (generator.integers(0, len(target), size) for _ in range(RESAMPLES))
    return [rows for rows in resamples if np.ptp(target[rows]) > 0]


def _interval(value: float, resampled: list[float], rows: int) -> tuple[float, float]:
    """The middle 95 % of the resampled values.

    Where the resamples are smaller than the table they scatter more than it would, by the root of how much
    smaller they are (the m out of n bootstrap, Bickel et al. 1997): so they are drawn towards the value by as much.
    """
    spread = np.sqrt(min(rows, MAX_RESAMPLE_ROWS) / rows)
    low, high = spread * np.quantile(resampled, [0.025, 0.975]) + (1 - spread) * value
    return float(low), float(high)
