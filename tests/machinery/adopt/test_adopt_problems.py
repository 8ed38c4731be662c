"""The type of problem by the target, and tables that are refused."""

import polars as pl
import pytest
from late_flights.factory import errors

from machinery.adopt.adopt_table import ROWS, TABLE, propose

PROBLEMS = {
    "number": ("price", "regression", None),
    "two words": ("sex", "classification", "f"),
    "words": ("colour", "multiclass", None),
}


@pytest.mark.parametrize("target, problem, positive", PROBLEMS.values(), ids=PROBLEMS)
def test_problems(target, problem, positive):
    result = propose(target=target).target
    assert (result.problem, result.positive) == (problem, positive)


@pytest.mark.parametrize("values, problem", [([0, 1, 2], "multiclass"), ([3, 5, 8], "regression"), ([0, 1], "classification")])
def test_whole_numbers(values, problem):
    table = TABLE.with_columns(grade=pl.Series((values * ROWS)[:ROWS]))
    assert propose(table, "grade").target.problem == problem
    assert propose(table, "grade", problem="regression").target.problem == "regression"


def test_rarer_value_is_the_one_to_find():
    table = TABLE.with_columns(left=pl.Series((["stays"] * 9 + ["goes"]) * 40))
    assert propose(table, "left").target.positive == "goes"


REFUSED = {
    "no column 'cost' in the table; its columns: Unnamed: 0, customer_id": (TABLE, {"target": "cost"}),
    "no column 'Prize' in the table; did you mean price?": (TABLE, {"target": "Prize"}),
    "version: the target has the same value in all rows": (TABLE, {"target": "version"}),
    "nothing: the target has no value in any of the 400 rows": (TABLE, {"target": "nothing"}),
    "note: multiclass needs 3 to 100 classes, there are about 400 distinct values: free text or a number?": (
        TABLE,
        {"target": "note"},
    ),
    "seen: a date cannot be the target": (TABLE, {"target": "seen"}),
    "price: 20 rows have a value, at least 50": (TABLE.head(20), {}),
    "no feature column left to predict price": (TABLE.select("price"), {}),
    "colour: regression needs a numeric target": (TABLE, {"target": "colour", "problem": "regression"}),
    "colour: classification needs 2 distinct values, there are 3": (
        TABLE,
        {"target": "colour", "problem": "classification"},
    ),
    "size: cannot be the time: no dates": (TABLE, {"time": "size"}),
    "nothing: cannot be the id: 400 rows have no value": (TABLE, {"id": "nothing"}),
    "colour: multiclass needs 3 to 100 classes, there are 2": (
        TABLE.with_columns(colour=pl.col("sex")),
        {"target": "colour", "problem": "multiclass"},
    ),
    "sex: named twice": (TABLE, {"id": "sex", "sensitive": ("sex",)}),
    "price: is the target": (TABLE, {"roles": {"price": "excluded"}}),
    "tags: type List is not supported: derive": (TABLE.with_columns(tags=["a"]), {"target": "tags"}),
    "lists: type List is not supported: derive": (TABLE.with_columns(lists=["a"]), {"sensitive": ("lists",)}),
    "kind: class 'rare' has 1 of 400 rows": (
        TABLE.with_columns(kind=pl.Series(["a", "b", "c", "d"] * 99 + ["a", "b", "c", "rare"])),
        {"target": "kind"},
    ),
}


@pytest.mark.parametrize("message, case", REFUSED.items(), ids=REFUSED)
def test_refusals(message, case):
    table, choices = case
    with pytest.raises(errors.FactoryError) as refusal:
        propose(table, **choices)
    assert str(refusal.value).startswith(message) and "\n" not in str(refusal.value)
