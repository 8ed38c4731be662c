"""Texts that a contract normalizes or compares without regard to case, and what a refusal suggests."""

import dataframely as dy
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors
from late_flights.factory.formats import odcs
from late_flights.factory.serving import parsing as requests
from late_flights.factory.validation import rules, texts

WORD = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"  # Persian, in which the joiner counts
FORMS = {
    "blanks at the ends": ("\u00a0New York\u202f", "New York"),
    "another blank": ("New\u00a0York", "New York"),
    "several blanks": ("New \t York", "New York"),
    "byte order mark": ("\ufeffNew York", "New York"),
    "zero width": ("New\u200b York", "New York"),
    "soft hyphen": ("Thürin\u00adgen", "Thüringen"),
    "direction": ("\u200fThüringen\u202c", "Thüringen"),
    "decomposed": ("Thu\u0308ringen", "Thüringen"),
    "joiner between Latin letters": ("Thü\u200dringen", "Thüringen"),
    "joiner that is a part of the word": (WORD, WORD),
    "joiner that is a part of the sign": ("👩\u200d💻", "👩\u200d💻"),
}
PLACES = ["New York", "Thüringen", WORD, "👩\u200d💻"]


class Row(dy.Schema):
    key = dy.String(nullable=True)
    place = dy.Enum(PLACES, nullable=True)
    any = dy.Enum(["Straße", "ΟΔΟΣ", "Weg"], nullable=True, metadata={"case": "any"})
    count = dy.Int64(nullable=True)
    vip = dy.Bool(nullable=True, metadata={"true": ["Ja"], "false": ["Nein"], "case": "any"})


@pytest.fixture
def normalized(monkeypatch):
    monkeypatch.setattr(contract, "NORMALIZED", True, raising=False)


def read(name, value):
    row = pl.DataFrame([dict.fromkeys(Row.column_names()) | {name: value}], infer_schema_length=None)
    return rules.validate(row, Row)[name][0]


@pytest.mark.parametrize("written, meant", FORMS.values(), ids=FORMS)
def test_one_text_in_many_forms(normalized, written, meant):
    assert texts.normalize(pl.Series([written, None, "x"])).to_list() == [meant, None, "x"]
    assert read("place", written) == meant
    one, _ = requests.record_adapters(Row)
    record = dict.fromkeys(Row.column_names()) | {"place": written}
    assert one.validate_python(record)["place"] == meant


def test_numbers_and_booleans_are_normalized_and_keys_are_not(normalized):
    assert read("count", "\ufeff12\u200b") == 12 and read("vip", "\u00a0JA\u200b") is True and read("vip", "nein") is False
    assert read("key", "a\u200b ") == "a\u200b "


def test_contract_without_the_declaration_reads_as_before():
    assert read("place", " Thüringen") == "Thüringen"
    for value in ("Thu\u0308ringen", "New  York", "New York\u200b"):
        with pytest.raises(errors.ContractViolation, match=r"^place: not "):
            read("place", value)


@pytest.mark.parametrize("written, meant", [("STRASSE", "Straße"), ("straße", "Straße"), ("οδος", "ΟΔΟΣ"), (" WEG", "Weg")])
def test_case_makes_no_difference_where_the_column_says_it(written, meant):
    assert read("any", written) == meant
    one, _ = requests.record_adapters(Row)
    if written == written.strip():
        assert one.validate_python(dict.fromkeys(Row.column_names()) | {"any": written})["any"] == meant
    with pytest.raises(errors.ContractViolation, match="'New York'"):
        read("place", "NEW YORK")


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("place", "Thürigen", "e.g. Thürigen (did you mean 'Thüringen'?)"),
        ("place", "new york", "e.g. new york (did you mean 'New York'?)"),
        ("place", "Hessen", "e.g. Hessen"),
        ("count", "12x", "e.g. 12x"),
    ],
)
def test_refusal_suggests_what_was_meant(name, value, message):
    with pytest.raises(errors.ContractViolation) as refusal:
        read(name, value)
    assert str(refusal.value).endswith(message)


def test_refusal_suggests_the_column():
    rows = pl.DataFrame({name: [None] for name in Row.column_names() if name != "place"} | {"Plcae": ["x"], "other": ["x"]})
    with pytest.raises(errors.ContractViolation) as refusal:
        rules.validate(rows, Row)
    problems = [str(violation) for violation in refusal.value.violations]
    assert problems == [
        "place: column missing",
        "Plcae: column not in the contract (did you mean 'place'?)",
        "other: column not in the contract",
    ]


def test_data_contract_declares_it(normalized, monkeypatch):
    monkeypatch.setattr(contract, "LabelledRow", Row)
    data = odcs.build("name", "1", type("Data", (), {"id": "key", "repeats": False}))
    (table,) = data["schema"]
    assert {"property": "normalized", "value": True} in table["customProperties"]
