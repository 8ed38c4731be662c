"""Figures, and the ticks of axes, as people read them."""

from datetime import datetime

import pytest
from late_flights.factory.evaluation import formatting, svg


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (2013, "2,013"),
        (1234567, "1,234,567"),
        (0.85634, "0.8563"),
        (-12.34567, "\N{MINUS SIGN}12.35"),
        (4321.9, "4,322"),
        (999.96, "1,000"),
        (3.2e-7, "3.2e\N{MINUS SIGN}07"),
        (float("nan"), "unknown"),
        (True, "True"),
        (None, "None"),
        (datetime(2020, 1, 2, 3, 4, 5), "2020-01-02 03:04"),
    ],
)
def test_writes_numbers_for_people(value, text):
    assert formatting.number(value) == text


@pytest.mark.parametrize(("value", "text"), [(2013, "2013"), (-5, "\N{MINUS SIGN}5"), (12345, "12,345"), (872.5, "872.5")])
def test_writes_years_as_years(value, text):
    assert formatting.cell(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0%"),
        (0.0004, "< 0.1%"),
        (0.0994, "9.9%"),
        (0.0996, "10%"),
        (0.75, "75%"),
        (1.0, "100%"),
        (-0.032, "\N{MINUS SIGN}3.2%"),
    ],
)
def test_writes_shares_as_percentages(value, text):
    assert formatting.share(value) == text


def test_writes_numbers_of_a_column_with_the_same_decimals():
    assert [formatting.number(v, like=0.5) for v in (0.5, 0.00012, -0.00001)] == ["0.5000", "0.0001", "0.0000"]


def test_ticks_of_counts_are_whole():
    assert svg.Axis("k", 1, 3, whole=True).ticks() == [1, 2, 3]


@pytest.mark.parametrize(
    ("low", "high", "ticks"), [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-3, 7, [-2, 0, 2, 4, 6]), (0, 0.011, [0, 0.005, 0.01])]
)
def test_ticks_are_round(low, high, ticks):
    assert svg.Axis("", low, high).ticks() == pytest.approx(ticks)
