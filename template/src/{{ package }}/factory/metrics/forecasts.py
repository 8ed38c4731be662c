"""What a forecast has to beat, and which of its errors are alike."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..config import Forecast
from ..forecasting.rows import BETTER_FIRST, series_number
from ..tables.chunks import Rows, collect
from .scaled import Vector

MIN_BLOCKS = 6
"""With fewer, a sign test has no significant result."""


def blocks(rows: Rows, forecast: Forecast) -> NDArray[np.int64]:
    """The code of each row's block of target times, as long as the horizon.

    Errors at one time are alike in all series, and so are those of all steps from one origin (Künsch 1989). Where there are
    fewer blocks than can be resampled, and more series, whole series are the cases.
    """
    place = (pl.col(forecast.time).rank("dense") - 1) // forecast.horizon
    by_time, series = collect(rows.select(place.alias("time"), series_number(forecast.groups).alias("series")))
    few = by_time.n_unique() < MIN_BLOCKS and series.n_unique() > by_time.n_unique()
    return (series if few else by_time).to_numpy().astype(np.int64)


def naive_forecasts(rows: Rows, constant: float) -> dict[str, Vector]:
    """What is forecast without a model, by name; where a series has no history, the mean of all."""
    known = collect(rows.select(BETTER_FIRST)).cast(pl.Float64)
    filled = known.select(pl.coalesce(name, "naive", "mean", pl.lit(constant)).alias(name) for name in BETTER_FIRST)
    return {each.name: each.to_numpy() for each in filled}
