"""The interval in which the target of a regression is expected, by the errors on rows that the model has not learned from.

Split conformal prediction (Vovk et al. 2005, Lei et al. 2018), apart for lower and higher scores, whose errors mostly differ.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.9
GROUPS, GROUP_ROWS = 5, 200
MIN_ROWS = 40  # of which less than the share outside on each side would be one row
Vector = NDArray[np.float64]


def fitted(target: Vector, score: Vector) -> dict[str, Any] | None:
    """What a manifest holds: between `edges` of the score the distances `low` and `high` from it; None of too few rows."""
    if len(target) < MIN_ROWS or not np.isfinite(score).all():
        return None
    groups = max(1, min(GROUPS, len(target) // GROUP_ROWS))
    edges = np.unique(np.quantile(score, np.linspace(0, 1, groups + 1)[1:-1], method="lower"))
    group, errors = np.searchsorted(edges, score), target - score
    ends = [_ends(errors[group == each]) for each in range(len(edges) + 1)]
    if any(end is None for end in ends):  # scores that are mostly equal
        edges, ends = np.empty(0), [_ends(errors)]
    low, high = (list(each) for each in zip(*filter(None, ends), strict=True))
    return {"level": LEVEL, "edges": edges.tolist(), "low": low, "high": high}


def bounds(score: Vector, interval: dict[str, Any]) -> tuple[Vector, Vector]:
    """The lower and the upper end for each score."""
    group = np.searchsorted(interval["edges"], score)
    return score + np.array(interval["low"])[group], score + np.array(interval["high"])[group]


def within(target: Vector, score: Vector, interval: dict[str, Any]) -> NDArray[np.bool_]:
    """Which targets are in their interval."""
    low, high = bounds(score, interval)
    return (low <= target) & (target <= high)


def _ends(errors: Vector) -> tuple[float, float] | None:
    """The errors of which equally few are below and above, counting one more row; None of too few."""
    if len(errors) < MIN_ROWS:
        return None
    outside = (1 - LEVEL) / 2
    place = math.floor((len(errors) + 1) * outside) - 1
    ordered = np.sort(errors)
    return float(ordered[place]), float(ordered[-1 - place])
