"""Limits that a person would write."""

from datetime import date, datetime

import polars as pl
import pytest
from late_flights.factory.validation import bounds


@pytest.mark.parametrize(
    "value, kind, dtype, limit",
    [
        (51234, "max", pl.Int64(), 60000),
        (612, "max", pl.Float64(), 800),
        (10.5, "max", pl.Float64(), 12),
        (0.031, "max", pl.Float64(), 0.04),
        (5, "min", pl.Int16(), 4),
        (-11, "min", pl.Int16(), -15),
        (-0.5, "max", pl.Int16(), 0),
        (0, "min", pl.Int16(), 0),
        (0, "min_exclusive", pl.Int16(), -1),
        (31000, "max", pl.Int16(), 32767),
        (32767, "max_exclusive", pl.Int16(), None),
        (-1, "min", pl.UInt8(), 0),
        (4, "max_length", pl.String(), 5),
        (1, "min_length", pl.String(), 0),
        (float("inf"), "max", pl.Float64(), None),
        (datetime(2023, 5, 6, 7), "max", pl.Datetime(), datetime(2030, 1, 1)),
        (date(2019, 5, 6), "min", pl.Date(), date(2010, 1, 1)),
        (date(2010, 1, 1), "min_exclusive", pl.Date(), date(2000, 1, 1)),
        (date(9999, 1, 1), "max", pl.Date(), None),
    ],
)
def test_limit_is_round_with_room(value, kind, dtype, limit):
    assert bounds.rounded_bound(value, kind, dtype) == limit
