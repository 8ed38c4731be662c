"""Parsing of bodies: every type of a contract, strictly, and the missing values of its deliveries."""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal

import dataframely as dy
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors
from late_flights.factory.serving import parsing
from late_flights.factory.training.typical import typical
from late_flights.factory.validation import rules
from late_flights.factory.validation.parsing import cast, try_cast


class Every(dy.Schema):
    at = dy.Datetime(time_zone="UTC")
    local = dy.Datetime(nullable=True)
    day = dy.Date()
    clock = dy.Time()
    small = dy.UInt8()
    price = dy.Decimal(10, 2)
    names = dy.List(dy.String())
    flag = dy.Bool()


GOOD = {
    "at": "2021-01-01T12:00:00+02:00",
    "local": None,
    "day": "2021-01-01",
    "clock": "12:30",
    "small": 7,
    "price": "1.50",
    "names": ["a"],
    "flag": True,
}


class Gappy(dy.Schema):
    word = dy.String(nullable=True)
    count = dy.Int32(nullable=True, min=0, metadata={"missing": ["-999"]})


@pytest.fixture
def every(monkeypatch):
    monkeypatch.setattr(contract, "Row", Every)


@pytest.fixture
def gappy(monkeypatch):
    monkeypatch.setattr(contract, "Row", Gappy)
    monkeypatch.setattr(contract, "MISSING", ["NA"], raising=False)
    monkeypatch.setattr(contract, "IGNORED", {"note": "free text"}, raising=False)


def test_values_are_of_the_contracts_types(every):
    (row,) = parsing.read_json(json.dumps(GOOD).encode())
    expected = (
        datetime(2021, 1, 1, 10, tzinfo=UTC),
        None,
        date(2021, 1, 1),
        time(12, 30),
        7,
        Decimal("1.50"),
        ["a"],
        True,
    )
    assert row == expected
    table = rules.frame([row], Every)
    assert table.schema == pl.Schema({name: column.dtype for name, column in Every.columns().items()})
    assert table["at"].item() == expected[0]


WRONG: dict[str, list[object]] = {
    "at": ["2021-01-01T12:00:00", "1609459200", 1609459200],
    "local": ["2021-01-01T12:00:00Z", "2021-01-01", "2021-13-01T12:00:00"],
    "day": ["1609459200", "2021-01-01T00:00:00", 86400, "2021-02-30"],
    "clock": ["3600", "25:00", "12:30Z", 3600],
    "small": [256, -1, 1.0, "7"],
    "names": ["a", [1]],
    "flag": [1, "true"],
}


class Written(dy.Schema):
    month = dy.Date(metadata={"format": "%b-%Y"})
    at = dy.Datetime(nullable=True, time_zone="UTC", metadata={"format": "epoch ms"})
    day = dy.Date(nullable=True, metadata={"format": "%Y%m%d"})
    serial = dy.Datetime(nullable=True, metadata={"format": "excel"})
    born = dy.Date(nullable=True, metadata={"format": "%d.%m.%y", "pivot": 1927})


WRITTEN = {"month": "Mar-2018", "at": 1519905600250, "day": 20180301, "serial": 43160.5, "born": "01.03.35"}
READ = (
    date(2018, 3, 1),
    datetime(2018, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC),
    date(2018, 3, 1),
    datetime(2018, 3, 1, 12),
    date(1935, 3, 1),
)


def test_times_may_be_written_as_in_deliveries(monkeypatch):
    monkeypatch.setattr(contract, "Row", Written)
    iso = parsing.record_adapters(Written)[0].dump_python(dict(zip(WRITTEN, READ, strict=True)), mode="json")
    assert parsing.read_json(json.dumps(WRITTEN).encode()) == parsing.read_json(json.dumps(iso).encode()) == [READ]
    texts = {name: f"{value}" for name, value in WRITTEN.items()}
    assert parsing.read_json(json.dumps([texts]).encode()) == [READ]
    for table in (pl.DataFrame([WRITTEN]), pl.DataFrame([texts])):
        assert cast(table, Written).rows() == [READ]
    header, row = ",".join(texts), ",".join(texts.values())
    assert cast(parsing.read_csv(f"{header}\n{row}\n".encode(), 9), Written).rows() == [READ]
    assert parsing.read_json(b'{"month": "Mar-2018", "at": null, "day": null, "serial": null, "born": null}') == [
        (READ[0], None, None, None, None)
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("month", value) for value in ("Mrz-2018", "Mar-2018 1", 3)),
        *(("at", value) for value in (True, "soon", 1e300, 10**30)),
        *(("day", value) for value in (20181301, 20180301.5)),
        ("serial", "x" * 1000),
        ("born", "01.03.2035"),
    ],
)
def test_times_in_no_known_format_are_refused(monkeypatch, field, value):
    monkeypatch.setattr(contract, "Row", Written)
    with pytest.raises(
        errors.ContractViolation, match=rf"^{field}: should be a .*, or as {Written.columns()[field].metadata['format']}"
    ):
        parsing.read_json(json.dumps(WRITTEN | {field: value}).encode())


def test_schema_describes_both_ways_to_write_a_time():
    properties = parsing.record_adapters(Written)[0].json_schema()["properties"]
    iso, own = properties["month"]["anyOf"]
    assert (iso["type"], own["type"]) == ("string", ["string", "number"])
    assert own["description"] == "as %b-%Y: the first day of its month"


@pytest.mark.parametrize("text", ["2021-01-01 12:00:00 +0200", "2021-01-01T10:00Z", "2021-01-01 10:00:00 UTC"])
def test_offsets_in_all_their_forms(every, text):
    (row,) = parsing.read_json(json.dumps(GOOD | {"at": text}).encode())
    assert row[0] == datetime(2021, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_other_formats_are_refused(every, field, value):
    with pytest.raises(errors.ContractViolation, match=f"^{field}"):
        parsing.read_json(json.dumps(GOOD | {field: value}).encode())


def test_example_is_read_again(every):
    (row,) = parsing.read_json(json.dumps(parsing.example_record({})).encode())
    assert rules.frame([row], Every).equals(pl.DataFrame(parsing.valid_row(Every)))


def test_example_of_typical_values_is_read_again(every):
    values = typical(Every.sample(50, generator=dy.random.Generator(1)))
    (row,) = parsing.read_json(json.dumps(parsing.example_record(values)).encode())
    known, _ = try_cast(pl.DataFrame([values]), Every)
    random = parsing.valid_row(Every)
    expected = known.select("at", "local", "day", "clock", "small", "price", random["names"], "flag")
    assert rules.frame([row], Every).equals(expected)


def test_typical_values_that_break_a_rule_together_are_not_used():
    class Ordered(dy.Schema):
        low = dy.Int8(min=0, max=9)
        high = dy.Int8(min=10, max=19)
        code = dy.String(regex="^[a-z]$")
        left = dy.Int8(nullable=True)

        @dy.rule()
        def sum_is_small(cls) -> pl.Expr:
            return pl.col("low") + pl.col("high") < 27

    for values in ({"low": 9, "high": 19, "left": 5}, {"code": "XX", "left": 5, "gone": 1}):
        row = parsing.typical_row(Ordered, values)
        rules.check(pl.DataFrame(row), Ordered)
        random = parsing.valid_row(Ordered).row(0, named=True)
        assert row.row(0, named=True) == random | {"left": 5}


def test_schema_describes_how_to_write_dates(every):
    properties = parsing.record_adapters(Every)[0].json_schema()["properties"]
    assert properties["day"] == {"title": "Day", "type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"} | {
        "description": "a date like 2013-02-04"
    }
    assert (properties["small"]["minimum"], properties["small"]["maximum"]) == (0, 255)


def test_json_may_hold_what_means_missing(gappy):
    assert parsing.read_json(b'{"note": [1], "count": 5, "word": "a"}') == [("a", 5)]
    assert parsing.read_json(b'[{"word": " NA", "count": -999}]') == [(None, None)]
    with pytest.raises(errors.ContractViolation, match="other"):
        parsing.read_json(b'{"word": "a", "count": 5, "other": 1}')


@pytest.mark.parametrize("name", ["Unnamed: 0", "__index_level_0__", "rownames"])
def test_json_may_hold_the_numbers_of_rows_as_deliveries_do(gappy, every, monkeypatch, name):
    monkeypatch.setattr(contract, "Row", Gappy)
    assert parsing.read_json(json.dumps({name: 7, "count": 5, "word": "a"}).encode()) == [("a", 5)]
    monkeypatch.setattr(contract, "Row", Every)
    expected = parsing.read_json(json.dumps(GOOD).encode())
    assert parsing.read_json(json.dumps([GOOD, GOOD | {name: "x"}]).encode()) == expected * 2
    for bad in ([GOOD, {name: 1, "other": 2}], [{name: 1}, 5], {name: 1}, {**GOOD, name: 1, "Unnamed: 7": 1}):
        with pytest.raises(errors.ContractViolation):
            parsing.read_json(json.dumps(bad).encode())


def test_csv_may_hold_what_means_missing(gappy):
    table = parsing.read_csv(b"word;note;count\nNA;x;-999\na;y;5\n", 9)
    assert cast(table, Gappy).rows() == [(None, None), ("a", 5)]


class Priced(dy.Schema):
    price = dy.Float64(min=0, metadata={"unit": ["€"], "decimal": ","})
    size = dy.Int32(nullable=True, metadata={"thousands": ",", "missing": ["n/a"]})


def test_numbers_as_a_column_writes_them(monkeypatch):
    monkeypatch.setattr(contract, "Row", Priced)
    read = lambda **record: parsing.read_json(json.dumps({"size": None} | record).encode())[0]
    assert read(price="12,50 €", size="1,234") == (12.5, 1234)
    assert read(price=12.5, size="n/a") == (12.5, None)
    for bad in ({"price": "12,50"}, {"price": "-1,00 €"}, {"price": True}, {"price": 1.5, "size": "1,23"}):
        with pytest.raises(errors.ContractViolation):
            read(**bad)
    price = parsing.record_adapters(Priced)[0].json_schema()["properties"]["price"]
    assert [each["type"] for each in price["anyOf"]] == ["number", "string"]
