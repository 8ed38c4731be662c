"""What contract.py has to define: each mistake is one line that names the class, the rule or the invariant."""

import dataframely as dy
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors
from late_flights.factory.validation import definition


class Row(dy.Schema):
    amount = dy.Float64()


class LabelledRow(Row):
    answer = dy.Bool()


def of_rule(yields):
    class Ruled(LabelledRow):
        @dy.rule()
        def is_sensible(cls):
            return yields

    return {"LabelledRow": Ruled}


def of_invariant(yields):
    return {"DELIVERY": {"is sensible": yields}}


WRONG = {
    "number of each row": (of_rule(pl.col("amount") / 2), "is_sensible: yields Float64"),
    "a number": (of_rule(3), "is_sensible: is 3, not an expression"),
    "misspelt column of a rule": (of_rule(pl.col("amuont") > 2), "is_sensible: no column amuont, did you mean amount?"),
    "number of a delivery": (of_invariant(pl.col("amount").mean()), "is sensible: yields Float64"),
    "truth of each row": (of_invariant(pl.col("amount") > 2), "is sensible: yields a value for each row"),
    "truth": (of_invariant(True), "is sensible: is True, not an expression"),
    "misspelt column": (of_invariant(pl.col("amuont").mean() > 2), "is sensible: no column amuont, did you mean amount?"),
    "invariants as a list": ({"DELIVERY": [pl.col("amount").mean() > 2]}, "DELIVERY has to be a dict"),
    "no schema": ({"Row": 3}, "Row has to be a class derived from dy.Schema"),
    "target alone": (
        {"Row": Row, "LabelledRow": type("LabelledRow", (dy.Schema,), {"answer": dy.Bool()})},
        "LabelledRow lacks amount",
    ),
}


@pytest.fixture(autouse=True)
def sensible(monkeypatch):
    for name, value in {"Row": Row, "LabelledRow": LabelledRow, "DELIVERY": {}}.items():
        monkeypatch.setattr(contract, name, value)


@pytest.mark.parametrize("declared, message", WRONG.values(), ids=WRONG)
def test_contract_that_is_none(monkeypatch, declared, message):
    for name, value in declared.items():
        monkeypatch.setattr(contract, name, value)
    with pytest.raises(errors.FactoryError) as refusal:
        definition.check()
    assert f"{refusal.value}".startswith(f"contract.py: {message}")


def test_misspelt_class(monkeypatch):
    monkeypatch.setattr(contract, "LabeledRow", contract.LabelledRow, raising=False)
    monkeypatch.delattr(contract, "LabelledRow")
    with pytest.raises(errors.FactoryError, match=r"contract\.py has no LabelledRow, did you mean LabeledRow\?"):
        definition.check()


def test_rules_and_invariants_are_accepted(monkeypatch):
    monkeypatch.setattr(contract, "LabelledRow", of_rule(pl.col("amount") < 2)["LabelledRow"])
    monkeypatch.setattr(contract, "DELIVERY", {"is sensible": pl.col("amount").mean() < 2})
    definition.check()
