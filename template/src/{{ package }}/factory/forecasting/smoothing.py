"""A forecast by exponential smoothing: the mean of a level, a damped trend and the theta method, seasonally adjusted.

Each is weighted over its parameters by how well it has forecast the window itself (Hyndman et al. 2008; Assimakopoulos & Nikolopoulos
2000; Gardner 2006). Such a mean is hard to beat for short series, of which there is little to learn (Makridakis et al. 2020).
"""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rows import SMOOTHED

Values = NDArray[np.float64]

LEVELS = [(share, 0.0, 1.0) for share in (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)]
TRENDS = list(product((0.1, 0.3, 0.6, 0.9), (0.05, 0.2), (0.9, 0.98)))
"""How much a level and a trend take of each error, and how much of the trend is left at the next step."""
SHARPNESS = 4  # of the weights: twice the error is a sixteenth of the weight
FADING = 0.7  # of a season's pattern, from one season to the one before
SMALLEST = 0.01  # factor of a season's pattern
VALUES = 8_000  # at a time, of which all states stay in the cache of a processor


def forecasts(windows: Values, season: int, ahead: NDArray[np.int64]) -> dict[str, Values]:
    """For each window, oldest first and NaN where unknown, what is forecast so many steps ahead, by the names of the methods.

    A pattern of the season is a factor where all values are positive, and is added otherwise. NaN of windows without a value.
    """
    result = np.full((len(SMOOTHED), len(windows), len(ahead)), np.nan)
    filled = _filled(windows)
    season = season if season <= windows.shape[1] else 1
    at_once = max(1, VALUES // windows.shape[1])
    usable, positive = ~np.isnan(filled[:, 0]), (filled > 0).all(axis=1)
    for multiplied, rows in ((True, usable & positive), (False, usable & ~positive)):
        for start in range(0, int(rows.sum()), at_once):
            part = np.flatnonzero(rows)[start : start + at_once]
            result[:, part] = _adjusted(windows[part], filled[part], season, ahead, multiplied)
    return dict(zip(SMOOTHED, result, strict=True))


def _adjusted(windows: Values, filled: Values, season: int, ahead: NDArray[np.int64], multiplied: bool) -> list[Values]:
    """The forecasts of values without their pattern, with it again."""
    phase, shown = (ahead - 1) % season, np.arange(-windows.shape[1], 0) % season
    trend = _trend(windows, filled, season)
    if multiplied:
        pattern = _pattern(windows / np.maximum(trend, SMALLEST * filled), season, 1.0)
        pattern = np.maximum(pattern / (_sum(pattern)[:, None] / season), SMALLEST)
        return [each * _at(pattern, phase) for each in _methods(filled / _at(pattern, shown), season, ahead)]
    pattern = _pattern(windows - trend, season, 0.0)
    pattern -= _sum(pattern)[:, None] / season
    return [each + _at(pattern, phase) for each in _methods(filled - _at(pattern, shown), season, ahead)]


def _filled(windows: Values) -> Values:
    """The last known value where one is missing, and before the first that one."""
    places = np.where(np.isnan(windows), -1, np.arange(windows.shape[1]))
    last = np.maximum.accumulate(places, axis=1)
    first = np.argmax(places >= 0, axis=1)[:, None]
    result: Values = np.take_along_axis(windows, np.where(last < 0, first, last), axis=1)
    return result


def _seasons(values: Values, season: int) -> Values:
    """The whole seasons of each row, oldest first: (rows, seasons, season)."""
    count = values.shape[1] // season
    return values[:, -count * season :].reshape(len(values), count, season)


def _trend(windows: Values, filled: Values, season: int) -> Values:
    """The means of the seasons, with straight lines between their middles."""
    parts, known = _seasons(windows, season), ~np.isnan(_seasons(windows, season))
    counts = known.sum(axis=2)
    means = _sum(np.where(known, parts, 0)) / np.maximum(counts, 1)
    means = np.where(counts > 0, means, _sum(_seasons(filled, season)) / season)
    width, count = windows.shape[1], means.shape[1]
    middles = width - season * np.arange(count, 0, -1) + (season - 1) / 2
    if count == 1:
        return np.repeat(means, width, axis=1)
    place = np.arange(width)
    left = np.clip(np.searchsorted(middles, place) - 1, 0, count - 2)
    share = np.clip((place - middles[left]) / season, -0.5, 1.5)
    result: Values = _at(means, left) * (1 - share) + _at(means, left + 1) * share
    return result


def _pattern(detrended: Values, season: int, usual: float) -> Values:
    """By phase the mean over seasons, of which earlier ones count less: (rows, season)."""
    parts = _seasons(detrended, season).swapaxes(1, 2)
    weights = FADING ** np.arange(parts.shape[2])[::-1] * ~np.isnan(parts)
    total = _sum(weights)
    mean = _sum(np.nan_to_num(parts) * weights) / np.maximum(total, 1e-12)
    return np.where(total > 0, mean, usual)


def _methods(values: Values, season: int, ahead: NDArray[np.int64]) -> list[Values]:
    """The mean of all three, and of these the level and the trend, for values without a season."""
    level, trend = (_weighted(values, each, season, ahead) for each in (LEVELS, TRENDS))
    time = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    slope = _sum(values * time) / max((time**2).sum(), 1)
    theta = level + slope[:, None] / 2 * ahead
    return [(level + trend + theta) / 3, level, trend]


def _weighted(
    values: Values, parameters: list[tuple[float, float, float]], season: int, ahead: NDArray[np.int64]
) -> Values:
    """The mean over the parameters, the more of each the smaller its errors were in the window."""
    leads = sorted({int(ahead[0]), int(ahead[len(ahead) // 2]), int(ahead[-1])})
    start = min(season, values.shape[1] // 3)
    level, trend = _states(values, parameters)
    times = np.arange(1, ahead[-1] + 1)
    gains = np.array([np.cumsum(left**times) * bool(slope) for _, slope, left in parameters])[:, None]
    error = np.sum([_errors(values, level + gains[..., lead - 1, None] * trend, lead, start) for lead in leads], axis=0)
    forecasts = level[..., -1:] + trend[..., -1:] * gains[..., ahead - 1]
    weights = ((error.min(axis=0) + 1e-12) / (error + 1e-12)) ** SHARPNESS
    mixed: Values = sum(weight[:, None] * forecast for weight, forecast in zip(weights, forecasts, strict=True))
    total: Values = sum(weight for weight in weights)  # in this order for one row as for many
    return np.asarray(mixed / total[:, None])


def _errors(values: Values, forecast: Values, lead: int, start: int) -> Values:
    """The mean absolute error of what was forecast so many steps before; 0 where the window is too short to know."""
    known = values[:, start + lead :]
    return np.asarray(_sum(np.abs(known - forecast[..., start : values.shape[1] - lead])) / max(known.shape[1], 1))


def _states(values: Values, parameters: list[tuple[float, float, float]]) -> tuple[Values, Values]:
    """By parameters, level and trend after each value: a matrix times those before, and what follows the first value.

    Each pass adds what is twice as far back, for all times at once (Hyndman et al. 2008, ch. 2): a service has no scipy, whose
    filters go step by step.
    """
    shares = np.array([(share, share * slope_share) for share, slope_share, _ in parameters])[:, :, None, None]
    past = np.array([[[1 - s, left * (1 - s)], [-s * slope, left * (1 - s * slope)]] for s, slope, left in parameters])
    first, step = values[:, :1], 1
    level, trend = (shares[:, which] * (values - first) for which in (0, 1))
    while step < values.shape[1]:
        (a, b), (c, d) = past.transpose(1, 2, 0)[..., None, None]
        before, sloping = level[..., :-step], trend[..., :-step]
        more = a * before + b * sloping, c * before + d * sloping
        level[..., step:] += more[0]
        trend[..., step:] += more[1]
        past, step = past @ past, 2 * step
    return first + level, trend


def _at(values: Values, places: NDArray[np.int64]) -> Values:
    """These columns, in memory by row as all else."""
    return np.take(values, places, axis=1)


def _sum(values: NDArray[Any]) -> Values:
    """Over the last axis, in the same order for one row as for many, so that the bytes are the same."""
    return np.asarray(np.ascontiguousarray(values).sum(axis=-1))
