"""What simple methods forecast, from the same window as everything else (Hyndman & Athanasopoulos 2021, ch. 5.2)."""

import numpy as np
import polars as pl

from .grid import POSITION
from .settings import Settings

LAST, SLOPE, PHASE = "last ", "slope ", "phase "


def by_step(windows: pl.DataFrame, settings: Settings, keys: list[str]) -> pl.LazyFrame:
    """By origin, series and step what all but the seasonal ones forecast. `windows` are of `settings.window` rows each, oldest first."""
    from . import smoothing

    ahead = settings.gap + np.arange(1, settings.horizon + 1)
    values = windows[settings.target].cast(pl.Float64).to_numpy().reshape(-1, settings.window)
    found = smoothing.forecasts(values, settings.season, ahead)
    smoothed = [pl.Series(name, each.ravel(), nan_to_null=True) for name, each in found.items()]
    summary = _summary(windows.lazy(), settings, keys)
    table = summary.join(steps(settings), how="cross", maintain_order="left_right").with_columns(smoothed)
    return table.with_columns((pl.col("naive") + pl.col(SLOPE) * (settings.gap + pl.col("step"))).alias("drift"))


def steps(settings: Settings) -> pl.LazyFrame:
    """The steps of a horizon."""
    return pl.LazyFrame({"step": range(1, settings.horizon + 1)}, {"step": pl.Int16})


def seasonal(windows: pl.DataFrame, settings: Settings, keys: list[str]) -> pl.LazyFrame:
    """By origin, series and phase of the season the newest known value."""
    known = windows.lazy().filter(pl.col(settings.target).is_not_null())
    phase = (pl.col(POSITION) % settings.season).alias(PHASE)
    return known.group_by([*keys, phase], maintain_order=True).agg(
        pl.col(settings.target).last().cast(pl.Float64).alias(LAST)
    )


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
