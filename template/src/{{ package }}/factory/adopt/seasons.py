"""After how many steps a series repeats, and how far its past says what comes, by autocorrelation."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .time_series import GROUP, PLACE, VALUE, Series, Step

MOST_SERIES, MOST_STEPS = 50, 3000  # looked at
SEASONS = 3  # that there are to be, at least
CLEAR = 0.1  # of a correlation: less is no season
LONGER = 0.05  # by which a longer season has to be clearer than a shorter one
WEEK, DAY, HOUR, YEAR = 10_080, 1440, 60, 12  # in minutes, and a year in months
WEEKS = 52

Values = NDArray[np.float64]


def season(series: Series) -> int:
    """The number of steps after which the typical series repeats, 1 if it does not."""
    samples, best, clear = list(_samples(series)), 1, CLEAR
    for lag in lags(series.step):
        long = [_without_trend(each, lag) for each in samples if len(each) >= SEASONS * lag]
        correlation, pairs = autocorrelation(long, lag)
        if correlation > max(clear, 2 / max(pairs, 1) ** 0.5):
            best, clear = lag, correlation + LONGER
    return best


def memory(series: Series, season: int) -> float:
    """The correlation of the values with those one step before, or one season before where that is closer."""
    samples = list(_samples(series))
    return max(autocorrelation(samples, lag)[0] for lag in {1, season})


def lags(step: Step) -> Iterator[int]:
    """The seasons that a step of that length may have, the shortest first."""
    if step.months:
        periods = [YEAR]
    elif step.count >= WEEK:
        periods = [WEEKS * WEEK]
    else:
        periods = [HOUR, DAY, WEEK]
    yield from (period // step.count for period in periods if period % step.count == 0 and period > step.count)


def autocorrelation(samples: list[Values], lag: int) -> tuple[float, int]:
    """The correlation of values so many steps apart, of all series together, and the number of pairs."""
    products, pairs = 0.0, 0
    for values in samples:
        deviations = values - np.nanmean(values)
        variance = float(np.nanmean(deviations**2))
        if variance and len(values) > lag:
            both = deviations[lag:] * deviations[:-lag] / variance
            products += float(np.nansum(both))
            pairs += int(np.count_nonzero(~np.isnan(both)))
    return (products / pairs if pairs else 0.0), pairs


def _samples(series: Series) -> Iterator[Values]:
    """The newest values of some series, with the gaps as NaN."""
    known = series.observations.drop_nulls(VALUE)
    groups = known[GROUP].unique().sort()
    for group in groups.gather_every(max(1, -(-len(groups) // MOST_SERIES))):
        places, values = known.filter(pl.col(GROUP) == group).select(pl.col(PLACE).floor().cast(pl.Int64), VALUE)
        index = places.to_numpy() - places.min()
        full = np.full(int(index.max()) + 1, np.nan)
        full[index] = values.to_numpy()
        yield full[-MOST_STEPS:]


def _without_trend(values: Values, lag: int) -> Values:
    """The values less the mean of the season around each."""
    known = ~np.isnan(values)
    sums, counts = (np.convolve(each, np.ones(lag), "same") for each in (np.where(known, values, 0), known))
    centred: Values = values - sums / np.maximum(counts, 1)
    return centred
