"""How far counts are from a reference, and how far they may be: what another window of the reference would exceed once in so many.

Rows of one day share their weather and their customers: they are not independent, and a test of rows alarms every day. The
sample here is one of days.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # type: ignore[import-untyped]  # which scikit-learn brings

from ..scoring.profile import FEWEST, Counts, Vector

TOGETHER = 7  # windows
CHANCE = {1: 0.01, TOGETHER: 0.003}
"""The share of quiet windows that may be beyond their limits, and of quiet runs."""
LOSS = {1: 1.0, TOGETHER: 1.2}  # by how much the variance of the middle is above that of a mean
SMALLEST_DISTANCE, SMALLEST_SHARE = 0.05, 0.02
"""Less matters to nobody, however many rows show it."""
STEP = 1.25  # between the sizes to which reference windows are thinned


def distances(reference: Counts, counts: Counts, length: int = 1) -> tuple[Vector, Vector]:
    """The distance of each window, or of each run of windows together, from the reference, and its limit."""
    total, others = reference.sum(axis=0), reference.sum(axis=0) - runs(reference, length)
    most = _limits(lambda rows: distance(runs(thinned(reference, rows), length), others), counts, length)
    values = distance(runs(counts, length), total)
    return padded(values, len(counts)), padded(np.maximum(most, SMALLEST_DISTANCE), len(counts))


def trailing_distances(before: Counts, counts: Counts) -> tuple[Vector, Vector]:
    """The distance of each window from its own reference, shape (windows, windows of the reference, cells), and its limit."""
    total = before.sum(axis=1)
    own = distance(thinned(before, counts.sum(axis=1)[:, None]), total[:, None] - before)
    return distance(counts, total), np.maximum(_most(own), SMALLEST_DISTANCE)


def cell_shares(reference: Counts, counts: Counts, cell: int, length: int = 1) -> tuple[Vector, Vector]:
    """The share of one cell in each window, or in the middle of each run of windows, and its limit."""

    def middles(table: Counts) -> Vector:
        return middle(shares(table)[:, cell], length)

    most = _limits(lambda rows: middles(thinned(reference, rows)), counts, length)
    least = shares(reference.sum(axis=0))[cell] + SMALLEST_SHARE
    return padded(middles(counts), len(counts)), padded(np.maximum(most, least), len(counts))


def middle(values: Vector, length: int) -> Vector:
    """The mean of each run of so many, without the two lowest and the two highest of seven, lest one odd day counts as many.

    NaN of a run in which one is unknown.
    """
    cut, known = 2 if length == TOGETHER else 0, _windowed(values, length)
    means = np.sort(known, axis=-1)[..., cut : length - cut].mean(axis=-1)
    return np.where(np.isnan(known).any(axis=-1), np.nan, means)


def mean_limit(values: Vector, length: int = 1) -> float:
    """How far the middle of so many more values may be from the mean: if they are independent, or as their runs are."""
    if len(values) < FEWEST:
        return np.nan
    alone = values.var(ddof=1)
    together = max(alone * LOSS[length] / length, middle(values, length).var() if len(values) > length else 0)
    return float(stdtrit(len(values) - 1, 1 - CHANCE[length] / 2) * np.sqrt(together + alone / len(values)))


def prediction_limit(values: Vector, chance: float, overlap: int = 1) -> Vector:
    """What another value of the same kind exceeds with that chance, over the last axis; NaN of too few.

    By Student's t; of runs that overlap, fewer are independent.
    """
    if values.shape[-1] < FEWEST:
        return np.full(values.shape[:-1], np.nan)
    known = np.isfinite(values)
    number = np.maximum(known.sum(axis=-1), 1)
    mean = np.where(known, values, 0.0).sum(axis=-1) / number
    squares = np.where(known, (values - mean[..., None]) ** 2, 0.0).sum(axis=-1)
    deviation = np.sqrt(squares / np.maximum(number - 1, 1) * (1 + overlap / number))
    freedom = np.maximum((number - 1) / np.sqrt(overlap), 1)
    return np.where(number >= FEWEST, mean + stdtrit(freedom, 1 - chance) * deviation, np.nan)


def distance(counts: Counts, total: Counts) -> Vector:
    """The Jensen-Shannon distance of each row of counts from the total; NaN where there are none."""
    one, other = shares(counts), shares(total)
    square = _entropy((one + other) / 2) - (_entropy(one) + _entropy(other)) / 2
    return np.sqrt(np.maximum(square, 0))


def psi(counts: Counts, total: Counts) -> Vector:
    """The population stability index of each row of counts."""
    one, other = np.maximum(shares(counts), 1e-4), np.maximum(shares(total), 1e-4)
    index: Vector = ((one - other) * np.log(one / other)).sum(axis=-1)
    return index


def shares(counts: Counts) -> Vector:
    """Of each row of counts; NaN where there are none."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), np.nan)


def thinned(counts: Counts, rows: Any) -> Counts:
    """The counts of about so many rows of each window, drawn at random, but the same each time."""
    kept = np.minimum(rows / np.maximum(counts.sum(axis=-1), 1), 1)[..., None]
    return np.random.default_rng(0).binomial(counts, kept) if (kept < 1).any() else counts


def runs(values: NDArray[Any], length: int) -> NDArray[Any]:
    """The sums of so many consecutive windows."""
    sums: NDArray[Any] = _windowed(values, length).sum(axis=-1)
    return sums


def padded(values: Vector, windows: int) -> Vector:
    """Values of runs, each at the last of its windows."""
    return np.append(np.full(windows - len(values), np.nan), values)


def _limits(known: Callable[[float], Vector], counts: Counts, length: int) -> Vector:
    """The limit of each run of windows, by the reference's values as they are in windows of as many rows."""
    sizes = STEP ** np.floor(np.log(np.maximum(runs(counts.sum(axis=1), length) / length, 1)) / np.log(STEP))
    found = {size: _most(known(size), length) for size in np.unique(sizes).tolist()}
    return np.array([found[size] for size in sizes.tolist()])


def _most(values: Vector, length: int = 1) -> Vector:
    """The limit of distances and shares, which vary evenly as logarithms."""
    return np.minimum(np.exp(prediction_limit(np.log(np.maximum(values, 1e-3)), CHANCE[length], length)), 1)


def _windowed(values: NDArray[Any], length: int) -> NDArray[Any]:
    if len(values) < length:
        return np.empty((0, *values.shape[1:], length), values.dtype)
    return np.lib.stride_tricks.sliding_window_view(values, length, axis=0)


def _entropy(of: Vector) -> Vector:
    entropy: Vector = -(of * np.log2(np.where(of > 0, of, 1))).sum(axis=-1)
    return entropy
