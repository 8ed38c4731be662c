"""What a valid observation is, and the rows to score that follow from it: types, ranges, missing values, categories."""

from datetime import datetime

import dataframely as dy
import polars as pl

from .factory.forecasting import KNOWN_AHEAD, rows
from .features import history


class Observation(dy.Schema):
    """One hour at one airport of New York, as it is delivered."""

    airport = dy.Enum(["EWR", "JFK", "LGA"])
    hour = dy.Datetime(min=datetime(2000, 1, 1), max=datetime(2100, 1, 1), description="when it begins, local time")
    holiday = dy.Bool(metadata=KNOWN_AHEAD, description="of the United States")
    wind_speed = dy.Float64(nullable=True, min=0, max=150, description="km/h")
    visibility = dy.Float64(nullable=True, min=0, max=20, description="km")
    departures = dy.Int16(nullable=True, min=0, max=150, description="flights that left; null while that is not known")


Row, LabelledRow = rows(Observation, history, group="airport", time="hour", target="departures")


DELIVERY = {
    "at most 5 % of the hours lack the weather": pl.col("visibility").is_null().mean() <= 0.05,
    "flights leave from all three airports": pl.col("airport").n_unique() == 3,
    "no more than half of the hours are without a departure": (pl.col("departures") == 0).mean() <= 0.5,
}
"""Invariants of a whole delivery: each a name and an expression that yields true or false."""
