"""What simple methods forecast, from the same window as everything else (Hyndman & Athanasopoulos 2021, ch. 5.2)."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from . import smoothing
from .grid import POSITION
from .settings import Settings

LAST, SLOPE = "last ", "slope "


def by_step(windows: pl.DataFrame, settings: Settings, keys: list[str]) -> pl.LazyFrame:
    """By origin, series and step the forecasts of all. `windows` are of `settings.window` rows each, oldest first."""
    ahead = settings.gap + np.arange(1, settings.horizon + 1)
    values = windows[settings.target].cast(pl.Float64).to_numpy().reshape(-1, settings.window)
    found = {LAST: _of_last_season(values, settings.season, ahead)}
    found |= smoothing.forecasts(values, settings.season, ahead)
    summary = _summary(windows.lazy(), settings, keys)
    return (
        summary.join(steps(settings), how="cross", maintain_order="left_right")
        .with_columns(pl.Series(name, each.ravel(), nan_to_null=True) for name, each in found.items())
        .with_columns(
            pl.coalesce(LAST, "mean").alias("seasonal_naive"),
            (pl.col("naive") + pl.col(SLOPE) * (settings.gap + pl.col("step"))).alias("drift"),
        )
    )


def steps(settings: Settings) -> pl.LazyFrame:
    """The steps of a horizon."""
    return pl.LazyFrame({"step": range(1, settings.horizon + 1)}, {"step": pl.Int16})


def _of_last_season(values: smoothing.Values, season: int, ahead: NDArray[np.int64]) -> smoothing.Values:
    """For each window the newest known value of the phase of the season that is so many steps ahead; NaN where there is none."""
    rows, width = values.shape
    seasons = -(-width // season)
    parts = np.full((rows, seasons * season), np.nan)
    parts[:, -width:] = values
    parts = parts.reshape(rows, seasons, season)[:, ::-1]
    newest = np.argmax(~np.isnan(parts), axis=1)[:, None]
    return np.take_along_axis(parts, newest, axis=1)[:, 0, (ahead - 1) % season]


def _summary(windows: pl.LazyFrame, settings: Settings, keys: list[str]) -> pl.LazyFrame:
    """By origin and series what does not depend on the step: `naive`, `mean`, `scale`, and the slope of the trend."""
    value = pl.col(settings.target).cast(pl.Float64)
    known, places = value.drop_nulls(), pl.col(POSITION).filter(value.is_not_null())
    steps = (places.last() - places.first()).cast(pl.Float64)
    seasonal, naive = ((value - value.shift(lag)).abs().mean() for lag in (settings.season, 1))
    by = [*keys, pl.lit(0).alias("")]  # of a single column that is sorted, polars adds up in another order
    return windows.group_by(by, maintain_order=True).agg(
        known.last().alias("naive"),
        known.mean().alias("mean"),
        pl.when(seasonal > 0).then(seasonal).when(naive > 0).then(naive).alias("scale"),
        pl.when(steps > 0).then((known.last() - known.first()) / steps).otherwise(0.0).alias(SLOPE),
    )
