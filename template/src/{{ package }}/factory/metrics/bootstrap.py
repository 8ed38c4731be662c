"""Metrics with 95% intervals, by a percentile bootstrap over the rows (Efron & Tibshirani 1993).

Where several rows share an id, whole ids are resampled (Field & Welsh 2007): their rows are alike, so that there are fewer
cases than rows.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .definitions import Metric, Vector

RESAMPLES = 200
MAX_RESAMPLE_ROWS = 20_000

Ids = NDArray[np.int64] | None
"""The code of each row's id where ids repeat, otherwise None."""


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


def estimates(
    metrics: Mapping[str, Metric],
    target: Vector,
    score: Vector,
    baseline: Vector | float | list[float],
    ids: Ids = None,
) -> dict[str, Estimate]:
    """Every metric, with its interval (Efron & Tibshirani 1993, ch. 13).

    `baseline` is the constant score of a model that knows the mean of the training target alone, or
    how frequent each class is; for a forecast, the score of each row by the seasonal naive one.
    """
    size = min(len(target), MAX_RESAMPLE_ROWS)
    resamples = _resamples(target, ids, size)
    trivial = np.full_like(score, baseline)

    def estimate(metric: Metric) -> Estimate:
        value = metric(target, score)
        low, high = _interval(value, [metric(target[rows], score[rows]) for rows in resamples], size / len(target))
        return Estimate(float(value), low, high, float(metric(target, trivial)))

    return {name: estimate(metric) for name, metric in metrics.items()}


def interval(metric: Metric, target: Vector, score: Vector, ids: Ids = None, most: int | None = None) -> Interval:
    """The metric, with its interval, of resamples of at most so many rows."""
    return difference(lambda rows: float(metric(target[rows], score[rows])), target, ids, most)


def improvement(metric: Metric, target: Vector, score: Vector, other: Vector, ids: Ids = None) -> Interval:
    """By how much the score is better than the other by the metric, with a paired interval.

    Both are measured on the same resampled rows, so that what is hard for both cancels out
    (Efron & Tibshirani 1993, ch. 13 and 16); positive is better, whatever the metric's direction.
    """

    def gain(rows: Any) -> float:
        return float(metric.direction * (metric(target[rows], score[rows]) - metric(target[rows], other[rows])))

    return difference(gain, target, ids)


def difference(gain: Callable[[Any], float], target: Vector, ids: Ids = None, most: int | None = None) -> Interval:
    """The gain on all rows, and the interval of what it is on resampled ones."""
    value, size = gain(slice(None)), min(len(target), most or MAX_RESAMPLE_ROWS)
    return Interval(
        value, *_interval(value, [gain(rows) for rows in _resamples(target, ids, size)], size / len(target))
    )


def standard_error(values: Vector, ids: Ids = None) -> float:
    """Of their mean; rows of one id count together (Liang & Zeger 1986)."""
    deviations = values - values.mean()
    sums = deviations if ids is None else np.bincount(ids, deviations)
    return float(np.sqrt((sums**2).sum()) / len(values))


def _resamples(target: Vector, ids: Ids, size: int) -> list[NDArray[np.int64]]:
    generator = np.random.default_rng(0)
    resamples = (
        (generator.integers(0, len(target), size) for _ in range(RESAMPLES))
        if ids is None
        else _resamples_of_ids(ids, size, generator)
    )
    return [rows for rows in resamples if np.ptp(target[rows]) > 0]


def _resamples_of_ids(ids: NDArray[np.int64], size: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """All rows of ids that are drawn, so many of them that about that many rows are expected."""
    by_id = np.argsort(ids, kind="stable")
    sizes = np.unique(ids, return_counts=True)[1]
    ends = np.cumsum(sizes)
    count = max(1, round(len(sizes) * size / len(ids)))
    for _ in range(RESAMPLES):
        drawn = generator.integers(0, len(sizes), count)
        last = np.cumsum(sizes[drawn])
        yield by_id[np.arange(last[-1]) + np.repeat(ends[drawn] - last, sizes[drawn])]


def _interval(value: float, resampled: list[float], part: float) -> tuple[float, float]:
    """The middle 95 % of the resampled values.

    Where the resamples are but a part of the table's size they scatter more than it would, by the root of how much
    smaller they are (the m out of n bootstrap, Bickel et al. 1997): so they are drawn towards the value by as much.
    NaN where all rows have the same target, so that no resample shows anything.
    """
    if not resampled:
        return np.nan, np.nan
    spread = np.sqrt(part)
    low, high = spread * np.quantile(resampled, [0.025, 0.975]) + (1 - spread) * value
    return float(low), float(high)
