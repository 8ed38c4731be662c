"""Limits of a column: what other deliveries may honestly hold, and what stands for no value."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from late_flights.factory.adopt import limits, profile

ROWS = 300
PLACES = np.linspace(0, 1, ROWS)
WARM = (0.9 + 33.7 * PLACES).round(1)


def found(name, values):
    column = profile.profile(pl.DataFrame({name: values}).lazy())[name]
    return limits.limits(column, is_key=False)


EITHER = {
    "temperature": WARM,
    "temp_max": WARM.astype(int),
    "atemp": WARM,
    "profit": 9 + 90 * PLACES,
    "celsius": 15 + 20 * PLACES,
}


@pytest.mark.parametrize("name, values", EITHER.items(), ids=EITHER)
def test_what_was_never_below_zero_may_be(name, values):
    assert found(name, values)["min"] < -9


NEVER = {
    "another": (WARM * 10).astype(int),
    "price": WARM,
    "floor_area": 50 + 20 * PLACES,
    "ratio": 0.2 + 0.3 * PLACES,
    "rained": np.where(PLACES < 0.5, 0, WARM),
}


@pytest.mark.parametrize("name, values", NEVER.items(), ids=NEVER)
def test_counts_prices_shares_and_what_is_often_zero_end_there(name, values):
    assert found(name, values)["min"] == 0


@pytest.mark.parametrize("first, unknown", [(1905, 1900), (1931, 1900), (1975, 1970), (2013, 1970)])
def test_dates_that_stand_for_none(first, unknown):
    values = [date(first, 5, 1) + timedelta(days=100 * i) for i in range(ROWS)]
    allowed = found("began", values)
    assert date(unknown, 1, 1) < allowed["min"] < values[0] and values[-1] < allowed["max"] < date(9999, 12, 31)


def test_an_open_end_that_the_table_has_is_one_of_the_dates():
    assert found("until", [date(2020, 1, 1)] * 9 + [date(9999, 12, 31)])["max"] == date(9999, 12, 31)


def test_a_flag_that_is_seldom_more_than_0_may_be_a_count():
    assert found("spaces", [1] * 30 + [0] * 270)["max"] > 1
    assert found("female", [1] * 90 + [0] * 210) == {"min": 0, "max": 1}


def test_of_few_rows_the_highest_value_says_little():
    ends = found("visits", np.tile(np.arange(5), 60))["max"], found("visits", np.tile(np.arange(5), 300))["max"]
    assert ends == (50, 10)


def test_hours_with_fractions_end_at_24():
    assert (found("hour", 22.9 * PLACES)["max"], found("hour", (23 * PLACES).astype(int))["max"]) == (24, 23)
