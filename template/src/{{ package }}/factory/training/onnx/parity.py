"""Whether two engines give the same scores of one model, by what matters: the spread of the scores, and the decisions."""

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-3  # of the spread: beyond what float32 loses by rounding, and below what a wrong branch of a tree does
ROUNDING = 1e-6  # by which a score may differ from a threshold, or from another class's, and still equal it

Scores = NDArray[np.float64]


def differences(expected: Scores, scores: Scores) -> Scores:
    """The largest difference of each row's scores, as a share of their standard deviation; infinite where there is none to compare.

    Of scores that are all equal, as a share of their size.
    """
    if scores.shape != expected.shape or not np.isfinite(scores).all():
        return np.full(len(expected), np.inf)
    by_class = np.abs(scores - expected).reshape(len(expected), *expected.shape[1:] or (1,))
    return np.asarray(by_class.max(axis=1) / _spread(expected))


def other_decisions(expected: Scores, scores: Scores, threshold: float | None) -> NDArray[np.bool_]:
    """The rows that one engine decides otherwise: by the threshold, if there is one, or for another class; ties aside."""
    if expected.ndim > 1:
        first, second = scores.argmax(axis=1), expected.argmax(axis=1)
        rows = np.arange(len(expected))
        return np.asarray(expected[rows, second] - expected[rows, first] > ROUNDING)
    if threshold is None:
        return np.zeros(len(expected), bool)
    turned = (scores >= threshold) != (expected >= threshold)
    return np.asarray(turned & (np.abs(expected - threshold) > ROUNDING))


def largest(expected: Scores, scores: Scores, threshold: float | None = None) -> float:
    """The largest of the differences; infinite where a decision differs."""
    by_row = differences(expected, scores)
    if np.isfinite(by_row).all() and other_decisions(expected, scores, threshold).any():
        return float("inf")
    return float(by_row.max(initial=0))


def _spread(scores: Scores) -> float:
    if not scores.size:
        return 1.0
    spread, size = float(scores.std(axis=0).mean()), float(np.abs(scores).max())
    return spread if spread > ROUNDING * size else size or 1.0
