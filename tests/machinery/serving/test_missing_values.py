"""Bodies in the spellings that the contract declares for deliveries."""

import dataframely as dy
import pytest
from late_flights import contract
from late_flights.factory import errors
from late_flights.factory.serving import parsing
from late_flights.factory.validation.parsing import cast


class Row(dy.Schema):
    word = dy.String(nullable=True)
    count = dy.Int32(nullable=True, min=0, metadata={"missing": ["-999"]})


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    monkeypatch.setattr(contract, "Row", Row)
    monkeypatch.setattr(contract, "MISSING", ["NA"], raising=False)
    monkeypatch.setattr(contract, "IGNORED", {"note": "free text"}, raising=False)


def test_json():
    assert parsing.read_json(b'{"note": [1], "count": 5, "word": "a"}') == [("a", 5)]
    assert parsing.read_json(b'[{"word": " NA", "count": -999}]') == [(None, None)]
    with pytest.raises(errors.ContractViolation, match="other"):
        parsing.read_json(b'{"word": "a", "count": 5, "other": 1}')


def test_csv():
    table = parsing.read_csv(b"word;note;count\nNA;x;-999\na;y;5\n", 9)
    assert cast(table, Row).rows() == [(None, None), ("a", 5)]
