"""The scorer: one row alone takes a fast path, on which it is scored, or refused, as it is among others; the matrix."""

from datetime import datetime

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors
from late_flights.factory.scoring import scorer as scoring
from late_flights.factory.validation import rules
from tests.factory import toy


class Sized(dy.Schema):
    words = dy.List(dy.String(), min_length=2, max_length=3)
    code = dy.Binary(nullable=True)


@pytest.mark.parametrize("words", [["a"], ["a", "b", "c", "d"]])
def test_length_of_a_list_holds_for_one_row_as_for_many(words):
    row = pl.DataFrame({"words": [words], "code": [b"x"]})
    for rows in (row, pl.concat([row, row])):
        with pytest.raises(errors.ContractViolation, match=r"words: .* m.._length .*\["):
            rules.validate(rows, Sized)


@pytest.fixture
def scorer(trained):
    return scoring.Scorer.load()


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_one_row_scores_as_among_many_without_polars(scorer, problem, monkeypatch):
    rows = toy.rows(50, problem)
    together = scorer.score(rows)
    monkeypatch.setattr(scoring, "features", None)
    assert pl.concat([scorer.score(row) for row in rows.iter_slices(1)]).equals(together)


BROKEN = [
    {"key": "x1"},
    {"amount": 95.0, "kind": "red"},
    {"amount": 100.5},
    {"amount": float("nan")},
    {"kind": None},
    {"gap": 11},
    {"seen": datetime(1999, 1, 1)},
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_broken_row_is_refused_as_by_the_contract(scorer, broken):
    row = (
        toy.rows(1)
        .drop("answer")
        .with_columns(pl.lit(value).cast(toy.Row.columns()[n].dtype).alias(n) for n, value in broken.items())
    )
    with pytest.raises(errors.ContractViolation) as expected:
        rules.validate(row, toy.Row)
    with pytest.raises(errors.ContractViolation) as violation:
        scorer.score(row)
    assert str(violation.value) == str(expected.value)


CHANGED = {
    "others": lambda rows: toy.features(rows).with_columns(pl.col("amount") * 0),
    "not expressions alone": lambda rows: toy.features(rows).with_columns(rows["amount"] * 0),
}


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED)
def test_features_that_changed_are_made_by_polars(trained, monkeypatch, changed):
    rows = toy.rows(1)
    before = scoring.Scorer.load()
    monkeypatch.setattr(scoring, "features", changed)
    after = scoring.Scorer.load()
    assert after.score(rows)["score"].item() == after.predict(rows.drop("answer")).item()
    assert before._compiled and not after._compiled


def test_rule_that_changed_holds(trained, monkeypatch):
    class Row(toy.Row):
        @dy.rule()
        def red_is_small(cls) -> pl.Expr:
            return pl.col("amount") < 0

    monkeypatch.setattr(contract, "Row", Row)
    with pytest.raises(errors.ContractViolation, match="red_is_small"):
        scoring.Scorer.load().score(toy.rows(1))


def test_matrix_holds_codes_and_nan():
    kinds = pl.Series("kind", ["b", None], dtype=pl.Enum(["a", "b"]))
    values = scoring.matrix(pl.DataFrame([kinds, pl.Series("yes", [True, None]), pl.Series("n", [7, None])]))
    assert values.dtype == np.float32 and values.flags.c_contiguous
    np.testing.assert_array_equal(values, [[1, 1, 7], [np.nan, np.nan, np.nan]])
