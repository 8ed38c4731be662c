"""Rows in, features out, row by row: no state and no I/O, so that training and scoring agree."""

import polars as pl


def features(rows: pl.DataFrame) -> pl.DataFrame:
    """What the model looks at: numbers, and categories as `pl.Enum`; null means unknown.

    >>> from datetime import datetime
    >>> rows = pl.DataFrame(
    ...     {"scheduled_departure": [datetime(2013, 2, 4, 18, 30)], "distance": [600], "scheduled_minutes": [120]}
    ... )
    >>> rows.select(hour_of_day(), average_speed()).row(0)
    (18.5, 5.0)
    """
    return rows.select(
        "carrier",
        "origin",
        hour_of_day(),
        pl.col("scheduled_departure").dt.weekday().alias("weekday"),
        "departure_delay",
        "distance",
        "scheduled_minutes",
        average_speed(),
        plane_age(),
        "seats",
        "temperature",
        "wind_speed",
        gust_excess(),
        "precipitation",
        "visibility",
        "pressure",
    )


def hour_of_day() -> pl.Expr:
    """Scheduled hour of departure, 0 to 24, with minutes as its fraction."""
    time = pl.col("scheduled_departure").dt
    return (time.hour() + time.minute() / 60).alias("hour")


def average_speed() -> pl.Expr:
    """Miles per scheduled minute: a tight schedule leaves no slack to make up for a delay."""
    return (pl.col("distance") / pl.col("scheduled_minutes")).alias("average_speed")


def plane_age() -> pl.Expr:
    """Years since the aircraft was built, on the day of the flight.

    >>> from datetime import datetime
    >>> pl.DataFrame({"scheduled_departure": [datetime(2013, 1, 1)], "plane_built": [1999]}).select(plane_age()).item()
    14
    """
    return (pl.col("scheduled_departure").dt.year() - pl.col("plane_built")).alias("plane_age")


def gust_excess() -> pl.Expr:
    """By how much gusts exceed the mean wind, in km/h; no gusts reported means none.

    >>> pl.DataFrame({"wind_speed": [20.0, 20.0, None], "wind_gust": [35.0, None, 40.0]}).select(
    ...     gust_excess()
    ... ).to_series().to_list()
    [15.0, 0.0, None]
    """
    gust = pl.coalesce("wind_gust", "wind_speed")
    return (gust - pl.col("wind_speed")).alias("gust_excess")
