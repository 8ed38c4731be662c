"""What simple methods forecast, from the same window as everything else (Hyndman & Athanasopoulos 2021, ch. 5.2)."""

import numpy as np
import polars as pl

from .grid import POSITION
from .settings import Settings

LAST, SLOPE, PHASE = "last ", "slope ", "phase "


def summary(windows: pl.DataFrame, settings: Settings, keys: list[str]) -> pl.DataFrame:
    """By origin and series what does not depend on the step: `naive`, `mean`, `scale`, and the slope of the trend."""
    value = pl.col(settings.target).cast(pl.Float64)
    known, places = value.drop_nulls(), pl.col(POSITION).filter(value.is_not_null())
    steps = (places.last() - places.first()).cast(pl.Float64)
    seasonal, naive = ((value - value.shift(lag)).abs().mean() for lag in (settings.season, 1))
    return windows.group_by(keys, maintain_order=True).agg(
        known.last().alias("naive"),
        known.mean().alias("mean"),
        pl.when(seasonal > 0).then(seasonal).when(naive > 0).then(naive).alias("scale"),
        pl.when(steps > 0).then((known.last() - known.first()) / steps).otherwise(0.0).alias(SLOPE),
    )


def smoothed(windows: pl.DataFrame, settings: Settings, keys: list[str]) -> pl.DataFrame:
    """By origin, series and step the forecasts by exponential smoothing. `windows` are of `settings.window` rows each."""
    from . import smoothing

    ahead = settings.gap + np.arange(1, settings.horizon + 1)
    values = windows[settings.target].cast(pl.Float64).to_numpy().reshape(-1, settings.window)
    units = windows.select(keys).gather_every(settings.window)
    steps = pl.Series("step", np.tile(np.arange(1, len(ahead) + 1), len(values)), pl.Int16)
    found = smoothing.forecasts(values, settings.season, ahead)
    columns = [pl.Series(name, each.ravel()).fill_nan(None) for name, each in found.items()]
    return units[np.repeat(np.arange(len(values)), len(ahead))].with_columns(steps, *columns)


def seasonal(windows: pl.DataFrame, settings: Settings, keys: list[str]) -> pl.DataFrame:
    """By origin, series and phase of the season the newest known value."""
    known = windows.filter(pl.col(settings.target).is_not_null())
    phase = (pl.col(POSITION) % settings.season).alias(PHASE)
    return known.group_by([*keys, phase], maintain_order=True).agg(
        pl.col(settings.target).last().cast(pl.Float64).alias(LAST)
    )
