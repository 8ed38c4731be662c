"""Types that Parquet has and a contract has not: what is proposed of them is read again in the next delivery."""

from datetime import timedelta
from decimal import Decimal

import dataframely as dy
import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.adopt import profile
from late_flights.factory.validation import parsing

ROWS = 40
BEYOND = 2**63


def series(values, dtype):
    return pl.DataFrame({"it": pl.Series(values, dtype=dtype)})


def proposed(values, dtype):
    """What is proposed of the column, and the values as a delivery by that contract has them."""
    rows = series(values, dtype)
    column = profile.profile(rows.lazy())["it"]
    schema = type("Row", (dy.Schema,), {"it": column.format.column()})
    return column, parsing.cast(rows, schema)["it"]


LONG = {
    "unsigned": (pl.UInt64, [BEYOND + i for i in range(ROWS)]),
    "of 128 bits": (pl.Int128, [-BEYOND - 1 - i for i in range(ROWS)]),
    "unsigned, of 128 bits": (pl.UInt128, [BEYOND * 9 + i for i in range(ROWS)]),
    "decimal": (pl.Decimal(38, 0), [Decimal(10**30 + i) for i in range(ROWS)]),
    "only one beyond": (pl.UInt64, [*range(ROWS - 2), BEYOND, BEYOND + 1]),
}


@pytest.mark.parametrize("dtype, values", LONG.values(), ids=LONG)
def test_no_digit_of_a_long_number_is_lost(dtype, values):
    column, read = proposed(values, dtype)
    assert (column.kind, column.unique) == ("String", True) and column.format.remark
    assert read.to_list() == [str(value) for value in values]


@pytest.mark.parametrize("dtype", [pl.UInt64, pl.Int128, pl.UInt128, pl.Decimal(38, 0), pl.Int8, pl.UInt32])
def test_short_number_of_a_long_type_is_a_number(dtype):
    column, read = proposed([i % 7 for i in range(ROWS)], dtype)
    assert column.kind == "Int64" and read.to_list() == [i % 7 for i in range(ROWS)]


def test_decimals_are_numbers():
    values = [Decimal(i) / 100 for i in range(ROWS)]
    for dtype in (pl.Decimal(12, 2), pl.Decimal(38, 18)):
        column, read = proposed(values, dtype)
        assert column.kind == "Float64" and read.to_list() == [float(value) for value in values]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_durations_are_seconds(unit):
    column, read = proposed([timedelta(seconds=i / 2) for i in range(ROWS - 1)] + [None], pl.Duration(unit))
    assert (column.kind, column.format.remark) == ("Float64", "durations, in seconds")
    assert read.to_list() == [*(i / 2 for i in range(ROWS - 1)), None]


def test_number_is_no_text_of_a_contract_unless_it_is_too_long():
    schema = type("Row", (dy.Schema,), {"it": dy.String()})
    with pytest.raises(errors.ContractViolation, match="type is Int64, not String"):
        parsing.cast(series([7], pl.Int64), schema)  # a code such as 007 may have been


@pytest.mark.parametrize("values, dtype", [([[1]] * ROWS, pl.List(pl.Int64)), ([{"a": 1}] * ROWS, None), ([b"1"] * ROWS, None)])
def test_what_has_no_single_value_is_left_out(values, dtype):
    column = profile.profile(series(values, dtype).lazy())["it"]
    assert column.format.note == f"type {column.kind} is not supported: derive columns from it"
