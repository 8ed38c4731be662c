"""Rows against a contract: what is wrong is named, what is only written differently is understood."""

from datetime import UTC, date, datetime

import dataframely as dy
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors
from late_flights.factory.validation import rules
from tests.factory import toy

ROW = {"key": "k1", "seen": datetime(2020, 5, 1), "kind": "green", "amount": 5.5, "gap": None}


def rows(**changed):
    """One valid row and one with these values."""
    return pl.DataFrame([ROW | {"key": "k0"}, ROW | changed], strict=False, infer_schema_length=None)


def violation(table, schema=toy.Row):
    with pytest.raises(errors.ContractViolation) as error:
        rules.validate(table, schema)
    return str(error.value)


BROKEN = {
    "nullability": ({"amount": None}, "amount: nullability (no value), 1 of 2 rows, first in data row 2"),
    "least": ({"amount": -1.0}, "amount: below min 0, 1 of 2 rows, first in data row 2, e.g. amount = -1.0"),
    "most": ({"gap": 11}, "gap: above max 10, 1 of 2 rows, first in data row 2, e.g. gap = 11"),
    "NaN": ({"amount": float("nan")}, "amount: NaN, 1 of 2 rows"),
    "infinity": ({"amount": float("inf")}, "amount: infinite, 1 of 2 rows"),
    "time": ({"seen": datetime(1999, 1, 1)}, "seen: below min 2020-01-01 00:00:00, 1 of 2 rows"),
    "pattern": ({"key": "x"}, "key: regex"),
    "category": ({"kind": "pink"}, "kind: not one of red, green, blue, 1 of 2 rows, first in data row 2, e.g. pink"),
    "two columns": (
        {"kind": "red", "amount": 95.0},
        "red_is_small, 1 of 2 rows, first in data row 2, e.g. kind = red, amount = 95.0",
    ),
}


@pytest.mark.parametrize("changed, message", BROKEN.values(), ids=BROKEN)
def test_violation_names_column_rule_rows_and_example(changed, message):
    assert message in violation(rows(**changed))


@pytest.mark.parametrize("changed", [changed for changed, _ in BROKEN.values()], ids=BROKEN)
def test_one_row_meets_the_same_rules_as_many(changed):
    assert " 1 of 1 rows" in violation(rows(**changed)[1:])
    assert rules.validate(rows()[1:], toy.Row).height == 1


def test_all_violations_are_in_one_line():
    message = violation(rows(amount=-1.0, gap=11).drop("kind").with_columns(extra=1))
    assert message == "kind: column missing; extra: column not in the contract"
    message = violation(rows(amount=-1.0, gap=11))
    assert message.count("; ") == 1 and "\n" not in message


def test_long_lists_end_with_their_rest():
    assert violation(pl.DataFrame({f"c{i}": [i] for i in range(20)})).endswith("; and 17 more")


def test_long_values_are_cut():
    assert len(violation(rows(kind="pink" * 1000))) < 200


@pytest.mark.parametrize(
    "column, value",
    [("gap", 1.5), ("gap", 40_000), ("gap", "1.5"), ("amount", True), ("seen", date(2020, 1, 1)), ("seen", "May")],
)
def test_value_that_would_change_is_refused(column, value):
    table = rows().with_columns(pl.lit(value).alias(column))
    assert violation(table).startswith(f"{column}: ")


def test_time_zone_that_the_contract_does_not_name_is_refused():
    assert "seen: type is Datetime" in violation(rows().with_columns(pl.lit(datetime(2020, 1, 1, tzinfo=UTC)).alias("seen")))


def test_finer_times_are_not_rounded_in_silence():
    table = rows().with_columns(pl.Series("seen", [1_600_000_000_000_000_001] * 2).cast(pl.Datetime("ns")))
    assert violation(table).startswith("seen: not Datetime")


def test_text_other_widths_and_order_are_understood():
    table = toy.rows(50)
    for other in (
        table.cast(pl.String),
        table.cast({"gap": pl.Int64, "amount": pl.Float64, "seen": pl.Datetime("ms"), "kind": pl.Categorical}),
        table.select(reversed(table.columns)),
    ):
        assert rules.validate(other, toy.Classified).equals(table)


def test_column_without_limits_needs_no_rule():
    class Free(dy.Schema):
        anything = dy.String(nullable=True)

    assert rules.validate(pl.DataFrame({"anything": ["a", None]}), Free).height == 2
    assert rules.validate(pl.DataFrame({"anything": ["a"]}), Free).height == 1


def test_your_contract_allows_what_it_samples(labelled):
    assert rules.validate(labelled, contract.LabelledRow).equals(labelled)
    own = [name for name, column in contract.LabelledRow.columns().items() if column.metadata]  # spellings of its own
    text = labelled.cast({name: pl.String for name in labelled.columns if name not in own})
    assert rules.validate(text, contract.LabelledRow).equals(labelled)


def test_your_contract_allows_no_rows():
    assert rules.validate(contract.Row.create_empty(), contract.Row).is_empty()


def test_invariant_without_an_answer_is_broken():
    nothing = pl.lit(None, pl.Boolean)
    with pytest.raises(errors.ContractViolation, match="not so: it is known"):
        rules.check_invariants(toy.rows(5), {"rows": pl.len() == 5, "it is known": nothing})


class Times(dy.Schema):
    day = dy.Date()
    clock = dy.Time()
    instant = dy.Datetime(time_zone="UTC")
    local = dy.Datetime()


TIMES = {
    "day": "2020-02-29",
    "clock": "05:15:00",
    "instant": "2020-05-01T12:00:00+02:00",
    "local": "2020-05-01 12:00:00",
}


def test_times_are_read_as_iso_8601():
    table = rules.validate(pl.DataFrame([TIMES, TIMES | {"local": "2020-05-01T12:00"}]), Times)
    assert table["day"][0] == date(2020, 2, 29)
    assert table["instant"][0] == datetime(2020, 5, 1, 10, tzinfo=UTC)
    assert table["local"].to_list() == [datetime(2020, 5, 1, 12)] * 2


@pytest.mark.parametrize("column", TIMES)
@pytest.mark.parametrize("value", ["03/04/2020", "2020-02-30", "noon", "1580000000", "-"])
def test_other_times_could_be_read_in_two_ways_and_are_refused(column, value):
    assert violation(pl.DataFrame([TIMES, TIMES | {column: value}]), Times).startswith(f"{column}: not ")
