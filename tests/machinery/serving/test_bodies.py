"""JSON records: a client's error is a 4xx that names the field, without its value, and never a 5xx."""

import json

import pytest

from machinery.serving.service_client import GOOD, INFER, JSON

MARK = "s3cr3t"


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
def test_what_is_not_json_is_refused(client, body):
    response = client.post(body)
    assert response.status == 400 and response.json()["error"].startswith("invalid JSON")


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
    "year that does not exist": {"seen": "9999-99-99T00:00:00"},
    "date with an offset": {"seen": "2021-02-20T00:00:00Z"},
    "date and a new line": {"seen": "2021-02-20T00:00:00\n"},
    "date and more": {"seen": f"2021-02-20T00:00:00 {MARK}"},
    "date before the first": {"seen": "1999-02-20T00:00:00"},
    "list": {"amount": [1]},
    "object": {"kind": {"a": 1}},
}


@pytest.mark.parametrize("change", FIELDS.values(), ids=FIELDS)
def test_field_is_named_and_its_value_is_not(client, change):
    if isinstance(change, bytes):
        assert set(client.post(change).problems()) == {"amount"}
        return
    ((field, value),) = change.items()
    secret = (value.strip() if isinstance(value, str) else MARK).encode()
    for row, body in ((0, GOOD | change), (1, [GOOD, GOOD | change])):
        response = client.post(body)
        assert set(response.problems()) == {field} and secret not in response.body
        assert [problem["row"] for problem in response.json()["problems"]] == [row]


def test_missing_and_unknown_fields_are_named(client):
    response = client.post({name: value for name, value in GOOD.items() if name != "gap"} | {"gapp": MARK})
    assert set(response.problems()) == {"gap", "gapp"} and MARK.encode() not in response.body
    assert response.problems()["gapp"].endswith("(did you mean 'gap'?)")


def test_rule_between_columns_is_named(client):
    red = GOOD | {"kind": "red", "amount": 95}
    for body in (red, [GOOD, red]):
        assert client.post(body).problems().keys() == {"red_is_small"}


@pytest.mark.parametrize("body", [b"null", b"1", b'"text"', b"[1]", b"[[]]"], ids=str)
def test_json_that_is_no_record(client, body):
    assert client.post(body).problems() == {"record": "Input should be an object"}


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_other_content_types(client, kind):
    assert client.post(GOOD, kind).status == 415


@pytest.mark.parametrize("path", ["/score", INFER])
def test_json_has_limits_on_every_route(client, path):
    assert client.post({"inputs": []}, JSON, path, Content_Encoding="gzip").status == 415
    assert client.post(b" " * 4_000_001, JSON, path).status == 413
