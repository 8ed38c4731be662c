"""Values that look like another column, and other spellings of a category."""

import numpy as np
import polars as pl
import pytest
from late_flights.factory.data.contract_diff import similarity

KNOWN = pl.Series("known", np.random.default_rng(0).normal(20, 6, 500))
LATER = pl.Series("later", np.random.default_rng(1).normal(20, 6, 300))


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
        ("proportion", pl.Series("proportion", ["A", "B"] * 9), pl.Series("part", ["X", "Y"]), False),
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
    "value, known",
    [
        ("RED", "Red"),
        ("r ed", "Red"),
        ("re\u0301sume\u0301", "résumé"),
        ("semi\u2013final", "semi-final"),
        ("Reed", None),
        ("resume", None),
    ],
)
def test_spelling_of_a_known_category(value, known):
    assert similarity.known_spelling(value, ["Green", "Red", "résumé", "semi-final"]) == known
