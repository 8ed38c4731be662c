"""Values that look like another unit, another column or another spelling of a category."""

import numpy as np
import polars as pl
import pytest
from late_flights.factory.data.contract_diff import similarity

KNOWN = pl.Series("known", np.random.default_rng(0).normal(20, 6, 500))
LATER = pl.Series("later", np.random.default_rng(1).normal(20, 6, 300))


@pytest.mark.parametrize("factor", [f for ratio in similarity.UNITS for f in (ratio, 1 / ratio)])
def test_factor_between_units_is_named(factor):
    assert "another unit" in similarity.unit_change(KNOWN, LATER * factor)


def test_units_are_called_by_name():
    assert "cents" in similarity.unit_change(KNOWN, LATER * 100)
    assert "(miles and kilometres)" in similarity.unit_change(KNOWN, LATER / 1.609)
    assert "°F in place of °C" in similarity.unit_change(KNOWN, LATER * 1.8 + 32)
    assert "°C in place of °F" in similarity.unit_change(KNOWN * 1.8 + 32, LATER)
    assert "°F in place of °C" in similarity.unit_change(KNOWN, (LATER + 6) * 1.8 + 32)  # in another season


def test_whole_season_that_is_far_beyond_is_another_unit():
    assert "looks like another unit" in similarity.unit_change(KNOWN, (LATER - LATER.mean() / 3) * 100)


OTHER = {
    "same": LATER,
    "shifted": LATER + 30,
    "outliers": pl.concat([LATER, LATER[:20] * 1000]),
    "other shape": pl.Series([200.0, 200.1] * 100),
    "no factor": LATER * 7,
    "nothing": pl.Series([None], dtype=pl.Float64),
}


@pytest.mark.parametrize("new", OTHER.values(), ids=OTHER)
def test_other_changes_are_no_unit(new):
    assert similarity.unit_change(KNOWN, new) is None


@pytest.mark.parametrize(
    "old, known, new, same",
    [
        ("fare", KNOWN, LATER.alias("fare_usd"), True),
        ("fare", KNOWN, (LATER * 100).alias("fareCents"), True),
        ("fare", None, LATER.alias("Fare"), True),
        ("fare", KNOWN, LATER.alias("price"), True),
        ("fare", KNOWN, (LATER * 3).alias("price"), False),
        ("fare", KNOWN, pl.Series("price", [None] * 3, dtype=pl.Float64), False),
        ("port", pl.Series(["A", "B", "B"]), pl.Series("harbour_port", ["B", "A"]), True),
        ("port", pl.Series(["A", "B"] * 9), pl.Series("support", ["X", "Y"]), False),
        ("paid", pl.Series([True, False]), pl.Series("member", [False, True]), False),
        (
            "id",
            pl.Series([f"k{i}" for i in range(100, 200)]),
            pl.Series("key", [f"k{i}" for i in range(500, 600)]),
            True,
        ),
    ],
)
def test_new_column_may_be_an_old_one(old, known, new, same):
    assert bool(similarity.rename_score(old, known, new)) == same


@pytest.mark.parametrize(
    "value, message",
    [("RED", "'Red' but for case or blanks"), ("r ed", "'Red' but for"), ("Reed", "close to 'Red'"), ("x", None)],
)
def test_new_category_may_be_a_typing_error(value, message):
    result = similarity.similar_category(value, ["Green", "Red"])
    assert result == message if message is None else message in result
