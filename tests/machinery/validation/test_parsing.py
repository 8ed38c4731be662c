"""How people write values: what the contract declares is understood, anything else refused."""

from datetime import date, datetime, time

import dataframely as dy
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors
from late_flights.factory.validation import rules


class Row(dy.Schema):
    key = dy.String(metadata={"missing": ["?"]}, nullable=True)
    day = dy.Date(nullable=True, metadata={"format": "%d.%m.%Y"})
    instant = dy.Datetime(nullable=True, metadata={"format": "%m/%d/%Y %H:%M"})
    clock = dy.Time(nullable=True, metadata={"format": "%Hh%M"})
    price = dy.Float64(nullable=True, metadata={"thousands": ".", "decimal": ","})
    count = dy.Int32(nullable=True, metadata={"thousands": ",", "missing": ["-999", "none"]})
    vip = dy.Bool(nullable=True, metadata={"true": ["yes", "1"], "false": ["no", "0"]})
    grade = dy.Enum(["1", "2", "True"], nullable=True)
    plain = dy.Float64(nullable=True)
    short = dy.Int16(nullable=True)


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    monkeypatch.setattr(contract, "MISSING", ["NA", "-"], raising=False)
    monkeypatch.setattr(contract, "IGNORED", {"note": "free text"}, raising=False)


def row(**changed):
    return pl.DataFrame([dict.fromkeys(Row.column_names()) | changed], infer_schema_length=None)


def read(name, value):
    return rules.validate(row(**{name: value}), Row)[name][0]


UNDERSTOOD = [
    ("key", " a ", " a "),
    ("day", " 28.02.2020", date(2020, 2, 28)),
    ("instant", "02/28/2020 17:30", datetime(2020, 2, 28, 17, 30)),
    ("day", datetime(2020, 2, 28), date(2020, 2, 28)),
    ("clock", "17h30", time(17, 30)),
    ("price", "1.234.567,5", 1234567.5),
    ("price", "-1234,5 ", -1234.5),
    ("price", "1.234", 1234.0),
    ("price", 1.5, 1.5),
    ("count", "1,234", 1234),
    ("count", "3.0", 3),
    ("short", "3.00", 3),
    ("short", 3.0, 3),
    ("short", " 3", 3),
    ("vip", "yes", True),
    ("vip", " 0 ", False),
    ("vip", 1, True),
    ("vip", False, False),
    ("grade", 1, "1"),
    ("grade", 2.0, "2"),
    ("grade", True, "True"),
    ("grade", " 2", "2"),
    *((name, text, None) for name in Row.column_names() for text in ("NA", " - ", "", "  ")),
    ("key", "?", None),
    *(("count", value, None) for value in ("-999", "none", -999, -999.0, "-999.0")),
]


@pytest.mark.parametrize("name, value, meant", UNDERSTOOD)
def test_declared_spelling_is_understood(name, value, meant):
    assert read(name, value) == meant


@pytest.mark.parametrize(
    "name, value, problem",
    [
        ("day", "2020-02-28", "not Date, as %d.%m.%Y"),
        ("day", datetime(2020, 2, 28, 12), "not Date"),
        ("price", "12.34", "not Float64"),
        ("price", "1.2345,0", "not Float64"),
        ("price", "1,5,0", "not Float64"),
        ("price", "?", "not Float64"),
        ("count", "1,23", "not Int32"),
        ("count", "3.5", "not Int32"),
        ("vip", "true", "not Boolean"),
        ("vip", 2, "not Boolean"),
        ("vip", 1.0, "type is Float64"),
        ("grade", 0, "not one of 1, 2, True"),
        ("grade", 3, "not one of 1, 2, True"),
        ("grade", 1.5, "not one of 1, 2, True"),
        ("grade", False, "not one of 1, 2, True"),
        ("plain", "1,5", "not Float64"),
        ("plain", "none", "not Float64"),
        ("short", "-3.01", "not Int16"),
    ],
)
def test_any_other_is_refused(name, value, problem):
    with pytest.raises(errors.ContractViolation, match=f"{name}: {problem}.* 1 of 1 rows|type is") as error:
        read(name, value)
    assert f"e.g. {value}" in str(error.value) or "type is" in str(error.value)


def test_known_values_of_other_rows_do_not_hide_a_bad_one():
    table = pl.concat([row(count=text, plain="1.5") for text in ("1", "-999", "x", None, "2.0")])
    with pytest.raises(errors.ContractViolation, match=r"^count: not Int32, 1 of 5 rows, first in data row 3, e.g. x$"):
        rules.validate(table, Row)


def test_rows_of_the_right_types_may_say_unknown_too():
    table = rules.validate(row(key="k", count=5), Row)
    for rows in (table, pl.concat([table, table])):
        hidden = rows.with_columns(key=pl.lit("NA"), count=pl.lit(-999, pl.Int32))
        assert rules.validate(hidden, Row).select("key", "count").unique().rows() == [(None, None)]
        assert rules.validate(rows, Row).equals(rows)


def test_ignored_columns_are_dropped_and_others_not():
    assert rules.validate(row(note="x"), Row).columns == Row.column_names()
    with pytest.raises(errors.ContractViolation, match="other: column not in the contract"):
        rules.validate(row(note="x", other=1), Row)


def test_without_a_declaration_text_stays_text(monkeypatch):
    monkeypatch.delattr(contract, "MISSING")

    class Free(dy.Schema):
        word = dy.String()
        whole = dy.Int16(nullable=True)

    table = rules.validate(pl.DataFrame({"word": ["", " NA"], "whole": [" ", "7"]}), Free)
    assert table.rows() == [("", None), (" NA", 7)]


def test_truth_in_categories_and_floating_codes_is_read():
    categories = pl.Series(["a", "b"], dtype=pl.Categorical)
    for values, true in ((categories, "a"), (pl.Series([1.0, 0.0]), "1.0")):
        other = str(values[1])
        schema = type("Row", (dy.Schema,), {"it": dy.Bool(metadata={"true": [true], "false": [other]})})
        assert rules.validate(pl.DataFrame({"it": values}), schema)["it"].to_list() == [True, False]
