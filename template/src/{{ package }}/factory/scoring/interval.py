"""The interval in which the target of a regression is expected, by the errors on rows that the model has not learned from.

Split conformal prediction (Vovk et al. 2005, Lei et al. 2018), apart for lower and higher scores, whose errors mostly differ. Of a
forecast apart by step, in units of the row's scale (Stankevičiūtė et al. 2021).
"""

import math
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

LEVEL = 0.9
GROUPS, GROUP_ROWS = 5, 200
MIN_ROWS = 40  # of which less than the share outside on each side would be one row
PART = "part "
"""Of a forecast's rows held out the number of their part, the oldest first; no column of users ends in a space."""
MOST_WIDER = 2.0
CALM = 0.05  # share of the rows with the smallest scales
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


def fitted_by_step(target: Vector, score: Vector, rows: pl.DataFrame, least: float | None) -> dict[str, Any] | None:
    """The same of a forecast: `low` and `high` by the step of the row, in units of its `scale`; neighbours together while rows are few.

    A row without a scale has the usual one for its score; with a score of 0, the distances are those in `still`. No lower end is
    below `least`, which the target never is. `rows` have the numbers of their parts in PART.
    """
    if len(target) < MIN_ROWS or not np.isfinite(score).all():
        return None
    step, scale = rows["step"].to_numpy(), rows["scale"].cast(pl.Float64).to_numpy()
    usual = (scale > 0) & (score != 0)
    ratio = float(np.median(scale[usual] / np.abs(score[usual]))) if usual.any() else 0.0
    unit = _unit(score, scale, ratio)
    horizon = int(step.max())
    groups = np.array_split(np.arange(1, horizon + 1), max(1, min(horizon, len(target) // GROUP_ROWS)))
    errors = np.divide(target - score, unit, out=np.zeros_like(score), where=unit > 0)
    measured = unit > 0  # a dead series has no unit, and its errors of 0 would narrow the intervals of those that live
    rest = _ends(errors[measured])
    if rest is None:
        return None
    ends = np.array([_ends(errors[measured & np.isin(step, group)]) or rest for group in groups])
    middle, half = ends.mean(axis=1), (ends[:, 1] - ends[:, 0]) / 2 * _widening(errors, rows[PART].to_numpy(), measured)
    low, high = (np.repeat(each, list(map(len, groups))).tolist() for each in (middle - half, middle + half))
    calmest = float(np.quantile(scale[scale > 0], CALM)) * max(map(abs, rest)) if (scale > 0).any() else 0.0
    still = _ends((target - score)[~measured]) or (-calmest, calmest)
    return {"level": LEVEL, "low": low, "high": high, "scale": ratio, "still": [*still], "least": least}


def bounds(score: Vector, interval: dict[str, Any], rows: pl.DataFrame | None = None) -> tuple[Vector, Vector]:
    """The lower and the upper end for each score; of a forecast the rows have `step` and `scale`."""
    if "edges" in interval:
        group, unit, least = np.searchsorted(interval["edges"], score), np.ones_like(score), None
    elif rows is None:
        raise ValueError("the interval of a forecast depends on the rows")
    else:
        group = rows["step"].to_numpy().clip(1, len(interval["low"])) - 1
        unit = _unit(score, rows["scale"].cast(pl.Float64).to_numpy(), interval["scale"])
        least = interval["least"]
    still = interval.get("still", (0.0, 0.0))  # which models of before lack
    ends = zip(("low", "high"), still, strict=True)
    low, high = (score + np.where(unit > 0, unit * np.array(interval[end])[group], of_still) for end, of_still in ends)
    return low if least is None else np.maximum(low, np.minimum(score, least)), high


def _unit(score: Vector, scale: Vector, usual: float) -> Vector:
    """The scale of each row; of one without, the usual share of its score."""
    return np.where(scale > 0, scale, usual * np.abs(score))


def _widening(errors: Vector, part: NDArray[np.int64], measured: NDArray[np.bool_]) -> float:
    """By which factor the ends of the errors before each part hold those of the part, all parts together; never less than 1.

    All series err alike at one time, and not as before: the errors of one time count for much less than their number.
    """
    needed = [np.ones(1)]
    for each in np.unique(part)[1:]:
        ends = _ends(errors[measured & (part < each)])
        if ends and ends[0] < ends[1]:
            middle, half = (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2
            needed.append(np.abs(errors[measured & (part == each)] - middle) / half)
    return float(np.quantile(np.concatenate(needed), LEVEL).clip(1, MOST_WIDER))


def _ends(errors: Vector) -> tuple[float, float] | None:
    """The errors of which equally few are below and above, counting one more row; None of too few."""
    if len(errors) < MIN_ROWS:
        return None
    outside = (1 - LEVEL) / 2
    place = math.floor((len(errors) + 1) * outside) - 1
    ordered = np.sort(errors)
    return float(ordered[place]), float(ordered[-1 - place])
