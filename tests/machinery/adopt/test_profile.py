"""Types, formats and missing values of a table, and columns that mix types."""

from datetime import date, datetime

import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.adopt import profile, source
from late_flights.factory.tables import chunks


def read(values, rows=40):
    """The facts about a column whose values come again and again."""
    column = pl.DataFrame({"it": (list(values) * rows)[:rows]}, strict=False)
    return profile.profile(column.lazy())["it"]


FORMATS = {
    "whole": (["1", "-2", "+3"], "Int64", {}, 1),
    "decimal": (["1.5", ".5", "2e3"], "Float64", {}, 1.5),
    "thousands": (["1,234", "12", "1,234,567"], "Int64", {"thousands": ","}, 1234),
    "thousands and decimals": (["1,234.5", "12"], "Float64", {"thousands": ","}, 1234.5),
    "European": (["1.234,5", "12,25"], "Float64", {"thousands": ".", "decimal": ","}, 1234.5),
    "decimal comma": (["1234,5", "12,25"], "Float64", {"decimal": ","}, 1234.5),
    "ISO day": (["2024-01-31", "2024-02-01"], "Date", {}, date(2024, 1, 31)),
    "German day": (["31.01.2024", "01.02.2024"], "Date", {"format": "%d.%m.%Y"}, date(2024, 1, 31)),
    "American day": (["01/31/2024", "02/01/2024"], "Date", {"format": "%m/%d/%Y"}, date(2024, 1, 31)),
    "British day": (["31/01/2024", "01/02/2024"], "Date", {"format": "%d/%m/%Y"}, date(2024, 1, 31)),
    "month in words": (["31-Jan-2024", "01-Feb-2024"], "Date", {"format": "%d-%b-%Y"}, date(2024, 1, 31)),
    "time": (["2024-01-31 10:30:00", "2024-02-01 00:00:00"], "Datetime", {}, datetime(2024, 1, 31, 10, 30)),
    "American time": (["01/31/2024 10:30"], "Datetime", {"format": "%m/%d/%Y %H:%M"}, datetime(2024, 1, 31, 10, 30)),
    "yes": (["yes", "No"], "Bool", {"true": ["yes"], "false": ["No"]}, True),
    "true": (["True", "false"], "Bool", {}, True),
    "blanks": ([" 12 ", "7"], "Int64", {}, 12),
    "codes": (["00123", "04567"], "String", {}, "00123"),
    "words": (["red", " blue"], "String", {}, "red"),
}


@pytest.mark.parametrize("values, kind, metadata, first", FORMATS.values(), ids=FORMATS)
def test_formats(values, kind, metadata, first):
    column = read(values)
    assert (column.kind, column.format.metadata, column.sample[0]) == (kind, metadata, first)
    assert column.missing == 0


def test_day_or_month_first_is_reported_as_uncertain():
    assert "%d/%m/%Y" in read(["01/02/2024", "03/04/2024"]).format.note


@pytest.mark.parametrize("unknown", ["NA", "?", "-", "None", "", None])
def test_unknown_among_numbers(unknown):
    column = read(["1", "2", "3", unknown])
    assert (column.kind, column.missing) == ("Int64", 10)


def test_none_may_be_a_category():
    column = read(["None", "some", "much"])
    assert (column.missing, column.values) == (0, ["None", "much", "some"])
    assert read(["NA", "some", "much", "more"]).missing == 10


def test_number_that_means_unknown():
    column = read([1, 5, 7, -999])
    assert column.missing == 10 and column.low == 1 and column.format.metadata == {"missing": ["-999"]}
    assert read([1, 5, 7, -9]).missing == 0


def test_what_the_sample_does_not_show(monkeypatch):
    monkeypatch.setattr(profile, "SAMPLE_ROWS", 10)
    values = [str(i) for i in range(50)]
    assert read([*values[:-1], "n/a"], 50).missing == 1
    assert read([*values[:-1], "1.5"], 50).kind == "Float64"
    with pytest.raises(errors.FactoryError, match=r"^it: 1 of 50 values are not Int64, e.g. 'abc': fix them"):
        read([*values[:-1], "abc"], 50)


def test_facts():
    column = read([1.5, None, 3.0, 8.25])
    assert (column.rows, column.missing, column.different, column.low, column.high) == (40, 10, 3, 1.5, 8.25)
    assert not column.unique and read(range(40)).unique and read([f"k{i}" for i in range(40)]).unique


def numbers(values, dtype):
    return profile.profile(pl.DataFrame({"it": pl.Series(values, dtype=dtype)}).lazy())["it"]


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt8, pl.UInt64])
def test_narrow_and_unsigned_numbers(dtype):
    column = numbers([0, 1, 99] * 9, dtype)
    assert (column.kind, column.low, column.high) == ("Int64", 0, 99)


def test_numbers_beyond_64_bits_and_beyond_all_limits():
    assert numbers([1, 2**64 - 1] * 9, pl.UInt64).kind == "Float64"
    column = numbers([1.5, float("nan"), 3.0] * 9, pl.Float64)
    assert (column.missing, column.high, column.format.metadata) == (9, 3.0, {"missing": ["NaN"]})
    column = numbers([1.5, float("-inf"), 3.0] * 9, pl.Float64)
    assert (column.missing, column.high, column.format.metadata) == (9, 3.0, {"missing": ["-inf", "inf"]})


def test_days_beyond_the_calendar():
    assert read(["-0044-03-15", "2020-01-01"]).kind == "String"
    assert (read(["0001-01-01"]).low, read(["9999-12-31"]).high) == (date(1, 1, 1), date(9999, 12, 31))


def test_more_columns_than_are_asked_for_at_once(monkeypatch):
    monkeypatch.setattr(chunks, "EXPRESSIONS_PER_QUERY", 2)
    table = pl.DataFrame({f"c{i}": range(i, i + 9) for i in range(5)})
    assert [column.low for column in profile.profile(table.lazy()).values()] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", ["*", "^x.*$", "two\nlines", "\x1b[31m"])
def test_names_that_cannot_be_written(name):
    with pytest.raises(errors.FactoryError, match=r"^column .*: rename it"):
        source.check_names(["a b", name])


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["1", "2", "3"])])
def test_categories_stay_what_they_are(dtype):
    column = profile.profile(pl.DataFrame({"it": pl.Series(["1", "2", "3"] * 9, dtype=dtype)}).lazy())["it"]
    assert (column.kind, column.values) == ("String", ["1", "2", "3"])
