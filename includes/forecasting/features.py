"""History in, what it shows of each series out; rows in, features out: without state or I/O."""

from datetime import datetime

import polars as pl


def history(rows: pl.DataFrame, origin: datetime) -> pl.DataFrame:
    """What the newest observations show, the last of which are of the origin: by series and hour ahead.

    Each series has every hour, up to `forecast.window` of them, and null where there is no value. Only these rows are
    known when a forecast is made: what this function returns is part of `Row`.

    >>> hours = pl.datetime_range(datetime(2013, 2, 1), datetime(2013, 2, 28, 5), "1h", eager=True)
    >>> rows = pl.DataFrame({"hour": hours}).select(
    ...     "hour", airport=pl.lit("JFK"), departures=pl.col("hour").dt.hour(), wind_speed=12.0, visibility=16.1
    ... )
    >>> history(rows, datetime(2013, 2, 28, 5)).row(0)[1:]
    (datetime.datetime(2013, 2, 28, 6, 0), 6.0, 0.0, 12.0, 16.1)
    """
    weeks = pl.concat(rows.with_columns(pl.col("hour").dt.offset_by(f"{number}w")) for number in (1, 2, 3))
    ahead = weeks.filter(pl.col("hour").is_between(origin, pl.lit(origin).dt.offset_by("1d"), closed="right"))
    usual = ahead.group_by("airport", "hour").agg(pl.col("departures").mean().alias("usual"))
    return usual.sort("airport", "hour").join(lately(rows, origin), on="airport", how="left")


def lately(rows: pl.DataFrame, origin: datetime) -> pl.DataFrame:
    """The last three hours of each airport: departures beyond those of a week ago, and the weather."""
    beyond = pl.col("departures") - pl.col("departures").shift(168).over("airport")
    last = rows.with_columns(beyond.alias("beyond")).filter(pl.col("hour") > pl.lit(origin).dt.offset_by("-3h"))
    return last.group_by("airport").agg(
        pl.col("beyond").mean().alias("recent_change"),
        pl.col("wind_speed").max().alias("recent_wind"),
        pl.col("visibility").min().alias("recent_visibility"),
    )


def features(rows: pl.DataFrame) -> pl.DataFrame:
    """What the model looks at: numbers, and categories as `pl.Enum`; null means unknown.

    Beside what `history` returns, a row has its `step` from the origin, the columns known ahead, and of its series simple
    forecasts, such as `seasonal_naive`, and the `scale` by which it varies (docs/model.md).
    """
    return rows.select(
        "airport",
        "step",
        pl.col("hour").dt.hour().alias("hour_of_day"),
        pl.col("hour").dt.weekday().alias("weekday"),
        "holiday",
        "naive",
        "seasonal_naive",
        "mean",
        "drift",
        "smooth",
        "scale",
        "usual",
        "recent_change",
        "recent_wind",
        "recent_visibility",
    )
