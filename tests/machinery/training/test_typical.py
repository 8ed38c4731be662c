"""Typical values: what most rows have, and nothing that belongs to one person."""

from datetime import UTC, date, datetime, time

import polars as pl
from late_flights.factory import manifest
from late_flights.factory.paths import MODEL
from late_flights.factory.training.typical import typical

NAMES = ["Zoë Müller-2", "Li Wei-7", "Ann Smith-3"]


def of(values, dtype=None):
    return typical(pl.DataFrame({"x": pl.Series(values, dtype=dtype)}))["x"]


def test_numbers_are_rounded_medians():
    assert of([1, 123_456, 10**9], pl.Int64) == 123_000
    assert of([0.123456, 0.123456, None, float("inf"), float("nan")]) == 0.123
    assert of([float("nan")]) is None


def test_times_are_whole_hours():
    assert of([datetime(2020, 1, 2, 3, 4, 5)]) == "2020-01-02T03:00:00.000000"
    assert of([datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)]).startswith("2020-01-02T03:00:00")
    assert of([date(2020, 1, 2), date(2020, 1, 3), date(2021, 1, 1)]) == "2020-01-03"
    assert of([time(12, 30)]).startswith("12:30:00")


def test_texts_show_their_shape_alone():
    assert of(NAMES) == "Xx Xxx-0"
    assert of([*NAMES, "ATL", "JFK"]) == "XXX"
    assert of(["ATL"] * 1000, pl.Categorical) == "XXX"
    assert of(["東京1"]) == "xx0"


def test_categories_are_the_most_frequent_ones():
    assert of(["b", "a", "b"], pl.Enum(["a", "b"])) == "b"
    assert of([True, False, False]) is False


def test_mostly_unknown_is_unknown():
    assert of([None, 1]) is None and of([None, 1, 1]) == 1
    assert of([], pl.Date) is None and of([[1]]) is None


def test_manifest_has_them(trained):
    values = manifest.read_manifest(MODEL)["typical"]
    assert list(values) == ["key", "seen", "kind", "amount", "gap"] and values["key"] == "x000"
