"""Numbers by the metadata of a column: what it declares is read, anything else refused."""

import dataframely as dy
import polars as pl
import pytest
from late_flights.factory.errors import ContractViolation
from late_flights.factory.validation import numbers, rules


def read(text, kind=dy.Float64, **metadata):
    row = type("Row", (dy.Schema,), {"it": kind(nullable=True, metadata=metadata)})
    return rules.validate(pl.DataFrame({"it": [text]}), row)["it"][0]


EURO = {"unit": ["€", "EUR"], "thousands": ".", "decimal": ","}
LOSS = {"unit": ["$", ""], "thousands": ",", "negative": ["()", "-"]}
READ = [
    ("1.234,56 €", EURO, 1234.56),
    ("€1.234,56", EURO, 1234.56),
    ("-€ 5", EURO, -5),
    ("€ \N{MINUS SIGN}5", EURO, -5),
    ("+5 EUR", EURO, 5),
    ("5,- €", EURO, 5),
    ("1,234", LOSS, 1234),
    ("(1,234)", LOSS, -1234),
    ("$(5)", LOSS, -5),
    ("($ 5)", LOSS, -5),
    ("5-", LOSS, -5),
    ("$5-", LOSS, -5),
    ("< 0.5", {"below": ["<"]}, 0.5),
    ("<-0.5 mg", {"below": ["<"], "unit": ["mg"]}, -0.5),
    ("1'234 567", {"thousands": [" ", "'"]}, 1234567),
    ("1\u202f234", {"thousands": "\xa0"}, 1234),
    ("12,34,567.5", {"thousands": ","}, 1234567.5),
    ("1:00:01", {"duration": ["h:mm:ss"]}, 3601),
    ("P1W", {"duration": ["h:mm:ss", "ISO 8601"]}, 604800),
    ("\N{MINUS SIGN}\N{ARABIC-INDIC DIGIT FOUR}", {}, -4),
]
REFUSED = [
    ("5", EURO),
    ("5 $", EURO),
    ("(5 €)", EURO),
    ("5- €", EURO),
    ("--5 €", EURO),
    ("5 € €", EURO),
    ("€ 5 €", EURO),
    ("(5", LOSS),
    ("-(5)", LOSS),
    ("1,23", LOSS),
    ("1,2,345", {"thousands": ","}),
    ("<0.5", {"unit": ["mg", ""]}),
    ("$", LOSS),
    ("1 2", {"unit": [""]}),
    ("1:60:00", {"duration": ["h:mm:ss"]}),
    ("1:00", {"duration": ["h:mm:ss"]}),
    ("P", {"duration": ["ISO 8601"]}),
    ("h", {"duration": ["2h 30m"]}),
    ("12%", {}),
    ("(5)", {}),
    ("5²", {}),
]


@pytest.mark.parametrize("text, metadata, number", READ)
def test_what_a_column_declares_is_read(text, metadata, number):
    assert read(text, **metadata) == number


@pytest.mark.parametrize("text, metadata", REFUSED)
def test_anything_else_is_refused(text, metadata):
    with pytest.raises(ContractViolation, match="not Float64"):
        read(text, **metadata)


def test_whole_numbers():
    assert read("1.234,00 €", dy.Int64, **EURO) == 1234 and read("9,007,199,254,740,993", dy.Int64, thousands=",") == 2**53 + 1
    with pytest.raises(ContractViolation, match="not Int64"):
        read("1.234,50 €", dy.Int64, **EURO)


def test_numbers_of_other_types_are_used_as_they_are():
    row = type("Row", (dy.Schema,), {"it": dy.Float64(metadata=EURO)})
    assert rules.validate(pl.DataFrame({"it": [1.5]}), row)["it"][0] == 1.5


def test_single_values():
    column = dy.Float64(metadata=EURO)
    assert (numbers.read(" 1.234,5 € ", column), numbers.read("5", column), numbers.read(5.0, column)) == (1234.5, None, None)
    assert numbers.read("9" * 1000 + " €", column) is None
