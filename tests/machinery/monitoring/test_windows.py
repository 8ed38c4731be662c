"""Windows: days that are counted, merged until they have enough rows, and read as they were written."""

import json
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from late_flights.factory.monitoring.windows import Window, merge, of_day
from late_flights.factory.scoring.profile import Bins

BINS = [Bins("number", "number", edges=(1.0, 2.0)), Bins("place", "category", values=("a", "b")), Bins("note", "text")]
DAY = date(2026, 1, 1)
ROWS = pl.DataFrame({"number": [1.0, None, 9.0], "place": ["a", "new", None], "note": ["x", "y", None]})


def cells(window: Window) -> dict[str, list[int]]:
    return {name: counts.tolist() for name, counts in window.counts.items()}


def test_day_is_counted():
    window = of_day(DAY, ROWS, BINS, {"place": 2})
    assert cells(window) == {"number": [1, 0, 1, 1], "place": [1, 0, 1, 1], "note": [2, 1]}
    assert (window.rows, window.received, window.medians) == (3, 5, {"number": 5.0})


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("place", ["0" * 64] * 3),
        pl.Series("number", ["one"] * 3),
    ],
)
def test_column_of_another_kind_is_not_counted(column):
    assert column.name not in of_day(DAY, ROWS.with_columns(column), BINS).counts


def test_column_of_nothing_is_missing():
    empty = ROWS.with_columns(number=pl.lit(None), place=pl.lit(None))
    assert cells(of_day(DAY, empty, BINS)) == {"number": [0, 0, 0, 3], "place": [0, 0, 0, 3], "note": [2, 1]}


def test_days_are_merged_until_they_have_enough_rows():
    days = [replace(of_day(DAY + timedelta(days=place), ROWS, BINS), rows=90) for place in range(8)]
    windows = merge(days)
    assert [(window.first.day, window.last.day, window.rows, window.complete) for window in windows] == [
        (1, 3, 270, True),
        (4, 6, 270, True),
        (7, 8, 180, False),
    ]
    assert cells(windows[0])["place"] == [3, 0, 3, 3] and windows[0].medians == {"number": 5.0}


def test_refused_rows_fill_a_window():
    (window,) = merge([Window(DAY, DAY, 0, {}, refused={"place": 150}), Window(DAY, DAY, 60, {}, refused={"number": 10})])
    assert window.complete is True and window.refused == {"place": 150, "number": 10}


def test_window_is_read_as_it_was_written():
    window = replace(of_day(DAY, ROWS, BINS, {"place": 2}), bias=0.5, labelled=3, metric=(0.7, 0.6, 0.8))
    read = Window.from_json(json.loads(json.dumps({**window.to_json(), "model": "v1"})))
    assert read.to_json() == window.to_json() and cells(read) == cells(window) and read.metric == window.metric
