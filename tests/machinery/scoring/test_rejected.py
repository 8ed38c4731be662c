"""Rows divided by the contract: every row is on one side, the reasons are those that a refusal names."""

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors
from late_flights.factory.scoring import rejected
from late_flights.factory.validation import rules
from tests.factory import toy

pytestmark = pytest.mark.usefixtures("trained")
ROWS = toy.rows(6).drop("answer", strict=False).with_columns(pl.lit("green").cast(pl.Enum(toy.KINDS)).alias("kind"))
TEXT = ROWS.cast(pl.String)


def changed(table, **values):
    """The table with these values in its second, fourth and last row."""
    bad = pl.int_range(pl.len()).is_in([1, 3, 5])
    return table.with_columns(pl.when(bad).then(pl.lit(value)).otherwise(name).alias(name) for name, value in values.items())


DIVIDED = {
    "limit": (changed(ROWS, amount=100.5), {"amount: above max 100": 3}),
    "limit of text": (changed(TEXT, amount="100.5"), {"amount: above max 100": 3}),
    "no value": (changed(TEXT, amount=None), {"amount: nullability (no value)": 3}),
    "type": (changed(TEXT, amount="much"), {"amount: not Float64": 3}),
    "category": (changed(TEXT, kind="pink"), {"kind: not one of red, green, blue": 3}),
    "number that the type cannot hold": (ROWS.with_columns(gap=pl.Series([1, 70_000] * 3)), {"gap: not Int16": 3}),
    "two columns": (changed(TEXT, kind="red", amount="95"), {"red_is_small": 3}),
    "two reasons": (changed(TEXT, amount="-1", gap="11"), {"amount: below min 0": 3, "gap: above max 10": 3}),
    "a rule of which one value is lost": (changed(TEXT, kind="red", amount="much"), {"amount: not Float64": 3}),
}


@pytest.mark.parametrize("table, counts", DIVIDED.values(), ids=DIVIDED)
def test_rows_are_divided_and_the_reasons_counted(table, counts):
    division = rejected.divide(table.with_columns(answer=pl.lit("as it is")), "answer")
    assert division.counts == counts
    assert division.rejected.drop(rejected.REASON, "answer").equals(table[[1, 3, 5]])
    assert [*division.rejected["answer"]] == ["as it is"] * 3
    assert [*division.rejected[rejected.REASON]] == ["; ".join(counts)] * 3
    assert division.valid.equals(rules.validate(table[[0, 2, 4]], contract.Row))
    with pytest.raises(errors.ContractViolation) as error:
        rules.validate(table, contract.Row)
    assert all(reason in str(error.value) for reason in counts)


def test_valid_rows_are_all_there():
    division = rejected.divide(TEXT)
    assert division.valid.equals(ROWS) and division.rejected.is_empty() and not division.counts
    assert division.rejected.columns == [*ROWS.columns, rejected.REASON]


@pytest.mark.parametrize("table", [ROWS.drop("amount"), ROWS.with_columns(more=1), ROWS.with_columns(amount=ROWS["seen"])])
def test_what_is_wrong_with_all_rows_is_refused(table):
    with pytest.raises(errors.ContractViolation, match=r"missing|not in the contract|type is"):
        rejected.divide(table)
