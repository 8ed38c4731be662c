"""The time of a row whose parts stand in several columns."""

import re
from datetime import date, datetime
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import config, errors
from late_flights.factory.data import prepare, row_time, split
from tests.factory import toy
from tests.factory.cli_runner import refused, run

PARTS = ["year", "month", "day"]


def data(*parts):
    return config.Data(target="answer", time=list(parts))


def times(table, *parts):
    return row_time.times(table, data(*parts)).to_list()


def test_parts_make_a_time():
    table = pl.DataFrame({"y": [2018.0, 2019.0], "m": [3, 12], "d": ["01", "31"], "h": [9, 23], "mi": [5, 59]})
    assert times(table, "y", "m") == [date(2018, 3, 1), date(2019, 12, 1)]
    assert times(table, "y", "m", "d") == [date(2018, 3, 1), date(2019, 12, 31)]
    assert times(table, "y", "m", "d", "h") == [datetime(2018, 3, 1, 9), datetime(2019, 12, 31, 23)]
    assert times(table.lazy(), "y", "m", "d", "h", "mi") == [datetime(2018, 3, 1, 9, 5), datetime(2019, 12, 31, 23, 59)]


@pytest.mark.parametrize("dtype", [pl.String, pl.Enum(["Jan", "march", "SEPT"])])
def test_months_may_be_words(dtype):
    table = pl.DataFrame({"y": [2018] * 3, "m": pl.Series(["Jan", "march", "SEPT"], dtype=dtype)})
    assert times(table, "y", "m") == [date(2018, 1, 1), date(2018, 3, 1), date(2018, 9, 1)]


def parts_of(rows):
    seen = pl.col("seen").dt
    return rows.with_columns(year=seen.year().cast(pl.Int64), month=seen.strftime("%b"), day=seen.day().cast(pl.Int64))


@pytest.fixture
def by_parts(project, monkeypatch):
    """A project whose rows have the parts of their time."""

    class Row(toy.Row):
        year = dy.Int64()
        month = dy.String()
        day = dy.Int64(nullable=True)

    class LabelledRow(Row):
        answer = dy.Bool()

    monkeypatch.setattr(contract, "Row", Row)
    monkeypatch.setattr(contract, "LabelledRow", LabelledRow)
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "time": PARTS}), encoding="utf-8")


def deliver(rows):
    rows.select(contract.LabelledRow.column_names()).write_csv("rows.csv")
    return "rows.csv"


@pytest.mark.usefixtures("by_parts")
def test_newest_rows_by_the_parts_are_the_test():
    rows = parts_of(toy.rows(2000))
    assert run("ingest", deliver(rows)).exit_code == 0
    run("prepare")
    train, test = prepare.read("train"), prepare.read("test")
    assert train["seen"].max() < test["seen"].min() and 0 < test.height < train.height
    extent = prepare.extent(test, config.load())
    assert (extent["from"], extent["to"]) == (f"{test['seen'].min():%Y-%m-%d}", f"{test['seen'].max():%Y-%m-%d}")


@pytest.mark.usefixtures("by_parts")
@pytest.mark.parametrize(
    "changed, message",
    [
        ({"month": pl.lit("Feb"), "day": pl.lit(31)}, "year, month, day: no such time, 50 of 50 rows, .*e.g. 2020, Feb, 31"),
        ({"year": pl.lit(2999)}, "year, month, day: in the future, 50 of 50 rows"),
    ],
)
def test_impossible_time_is_refused(changed, message):
    rows = parts_of(toy.rows(50)).with_columns(**changed)
    assert re.search(message, refused("ingest", deliver(rows)))


@pytest.mark.usefixtures("by_parts")
def test_gap_in_a_part():
    rows = parts_of(toy.rows(50)).with_columns(day=pl.when(pl.int_range(pl.len()) > 2).then("day"))
    with pytest.raises(errors.FactoryError, match=r"^year, month, day: 3 rows have no time"):
        split.split(rows, config.load())


@pytest.mark.usefixtures("by_parts")
def test_part_that_is_none():
    run("ingest", deliver(parts_of(toy.rows(50))))
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "time": ["year", "seen"]}), encoding="utf-8")
    assert refused("prepare").startswith("params.yaml: data.time: seen is not a part of one, such as a month, but Datetime")


@pytest.mark.parametrize("parts", [["year"], ["a"] * 7, []])
def test_time_of_too_few_or_too_many_parts(parts):
    with pytest.raises(ValueError, match="time"):
        config.Data(target="answer", time=parts)
