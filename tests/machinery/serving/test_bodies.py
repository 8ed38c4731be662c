"""A client's mistake is never the service's failure: it is named, without a value, and the next request is answered."""

import json

import pytest
from late_flights.factory import PACKAGE

from machinery.serving.service_client import JSON, records, rows

MARK = "s3cr3t"
GOOD = records(rows(1))[0]


def with_value(text: str) -> bytes:
    return json.dumps({**GOOD, "amount": "@"}).replace('"@"', text).encode()


MALFORMED = {
    "nan": with_value("NaN"),
    "infinity": with_value("-Infinity"),
    "5000 digits": with_value("9" * 5000),
    "nested": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "not utf-8": b'{"key": "\xff\xfe"}',
    "lone surrogate": json.dumps({**GOOD, "key": "k1"}).replace("k1", "\\ud800").encode(),
    "name twice": with_value("1").replace(b'"gap"', b'"amount": 2, "gap"'),
    "empty": b"",
    "blank": b"  ",
    "broken off": with_value("1")[:-5],
    "more behind it": with_value("1") + b"{}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_json_is_refused(unharmed, body):
    answer = unharmed.post(body)
    assert answer.status == 400 and answer.json()["error"].startswith("not JSON")


FIELDS = {
    "too large for a float": with_value("1e999"),
    "text for a number": {"amount": MARK},
    "number as text": {"amount": "5"},
    "boolean for a number": {"amount": True},
    "fraction for a whole number": {"gap": 1.5},
    "boolean for a whole number": {"gap": False},
    "too large for its type": {"gap": 10**30},
    "out of range": {"amount": 1e9},
    "no such category": {"kind": MARK},
    "null": {"amount": None},
    "number for text": {"key": 17},
    "pattern": {"key": MARK},
    "no date": {"seen": MARK},
    "number as date": {"seen": "1360000000"},
    "date that does not exist": {"seen": "2021-02-30T00:00:00"},
    "date with an offset": {"seen": "2021-02-20T00:00:00Z"},
    "date before the first": {"seen": "1999-02-20T00:00:00"},
    "list": {"amount": [1]},
    "object": {"kind": {"a": 1}},
}


@pytest.mark.parametrize("change", FIELDS.values(), ids=FIELDS)
def test_field_is_named_and_its_value_is_not(unharmed, change):
    field = next(iter(change)) if isinstance(change, dict) else "amount"
    answer = unharmed.post(GOOD | change if isinstance(change, dict) else change)
    assert set(answer.problems()) == {field} and MARK.encode() not in answer.body
    many = unharmed.post([GOOD, GOOD | change]) if isinstance(change, dict) else answer
    assert set(many.problems()) == {field} and MARK.encode() not in many.body
    assert [problem["row"] for problem in many.json()["problems"]] == [int(isinstance(change, dict))]


def test_missing_and_unknown_fields_are_named(unharmed):
    found = unharmed.post({name: value for name, value in GOOD.items() if name != "gap"} | {"gapp": MARK})
    assert set(found.problems()) == {"gap", "gapp"} and MARK.encode() not in found.body


def test_rule_between_columns_is_named(unharmed):
    red = GOOD | {"kind": "red", "amount": 95}
    for body in (red, [GOOD, red]):
        assert unharmed.post(body).problems() == {"red_is_small": "the rule does not hold"}


@pytest.mark.parametrize("body", [b"null", b"1", b'"text"', b"[1]", b"[[]]"], ids=str)
def test_json_that_is_no_record(unharmed, body):
    assert unharmed.post(body).problems() == {"record": "Input should be an object"}


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_other_content_types(unharmed, kind):
    assert unharmed.post(GOOD, kind).status == 415


def test_compressed_body(unharmed):
    assert unharmed.post(GOOD, JSON, Content_Encoding="gzip").status == 415


INFER = {
    "not json": b"{",
    "no inputs": {},
    "wrong shape": {"inputs": [{"name": "amount", "shape": [3], "datatype": "FP64", "data": [1]}]},
    "negative shape": {"inputs": [{"name": "amount", "shape": [-1], "datatype": "FP64", "data": [1]}]},
    "no datatype": {"inputs": [{"name": "amount", "shape": [1], "datatype": MARK, "data": [1]}]},
    "text for a number": {"inputs": [{"name": "amount", "shape": [1], "datatype": "FP64", "data": [MARK]}]},
    "too large": {"inputs": [{"name": "amount", "shape": [1], "datatype": "INT8", "data": [10**30]}]},
    "heights": {
        "inputs": [{"name": n, "shape": [h], "datatype": "FP64", "data": [1] * h} for n, h in [("amount", 1), ("gap", 2)]]
    },
    "bytes missing": {"inputs": [{"name": "amount", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}]},
    "negative size": {"inputs": [{"name": "amount", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": -8}}]},
    "no output": {"inputs": [], "outputs": [{"name": MARK}]},
}


@pytest.mark.parametrize("body", INFER.values(), ids=INFER)
def test_wrong_inference(unharmed, body):
    answer = unharmed.post(body, path=f"/v2/models/{PACKAGE}/infer")
    assert answer.status in (400, 422) and answer.json()["error"]
    assert MARK.encode() not in answer.body or "outputs" in str(body)
