"""The format of status.json: every key is there, what is not known has its reason, and nothing is longer than it may be."""

import json
from typing import Any, get_args

import pytest
from late_flights.factory.errors import CannotEvaluate
from late_flights.factory.status import model

NOTHING: dict[str, Any] = {
    "format": 1,
    "at": "2026-11-30T05:00:00+00:00",
    "project": "churn",
    **dict.fromkeys(("description", "owner"), ""),
    **dict.fromkeys(("address", "commit", "contract", "champion", "gate"), None),
    **dict.fromkeys(("monitor", "readiness", "questions", "cost", "dependencies"), None),
    "template": dict.fromkeys(("source", "release", "newest", "behind")),
    "card": dict.fromkeys(("purpose", "risk", "data_class", "retention")),
    **{name: [] for name in ("doctor", "deployments", "data")},
    "unknown": {},
}
"""A status of a project of which nothing is known, and no reason given."""
IMAGE = {"environment": "prod", "version": "v1", "image": "churn:1", "digest": None, "at": NOTHING["at"], "by": "Ann"}


def with_reasons(content: dict[str, Any]) -> bytes:
    """The status with a reason for each key that may be null."""
    unknown = dict.fromkeys((*empty(content), "deployments.digest"), "NOT_KNOWN: nobody looked")
    return json.dumps(content | {"unknown": unknown}).encode()


def empty(content: dict[str, Any], path: str = "") -> list[str]:
    found = []
    for name, value in content.items():
        found += [f"{path}{name}"] if value is None else []
        found += empty(value, f"{path}{name}.") if isinstance(value, dict) else []
    return found


@pytest.mark.parametrize("changed", [{}, {"of_a_later_release": 1}, {"deployments": [IMAGE]}])
def test_what_is_null_has_its_reason(changed):
    status = model.parse(with_reasons(NOTHING | changed))
    assert set(model.nulls(status)) <= status.unknown.keys()


@pytest.mark.parametrize("without", ["champion", "template.newest", "deployments.digest"])
def test_what_is_null_without_a_reason_is_refused(without):
    content = json.loads(with_reasons(NOTHING | {"deployments": [IMAGE]}))
    del content["unknown"][without]
    with pytest.raises(CannotEvaluate, match=f"^MALFORMED: .*{without} is null, and unknown does not have why") as error:
        model.parse(json.dumps(content).encode())
    assert error.value.code == "MALFORMED"


FIRST = json.loads("""{"format": 1, "at": "2026-11-30T05:00:00Z", "project": "churn", "description": "", "owner": "Ann", "address": null,
"commit": "c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1", "template": {"source": "t", "release": "0.4.0", "newest": "0.4.0", "behind": 0},
"card": {"purpose": "p", "risk": "low", "data_class": null, "retention": null}, "contract": null, "gate": null, "monitor": {
"until": "2026-11-29", "drift": "open", "alerts": [{"code": "BIAS", "column": "", "since": "2026-11-01"}], "states": [], "outcomes": 0.5},
"champion": {"version": "v3", "commit": "c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1", "model": "m", "since": "2026-11-01T05:00:00Z",
"action": "promote", "by": "Ann", "metric": {"name": "mae", "value": 1, "low": 0.5, "high": 2.5, "floor": 3.0}}, "readiness": null,
"doctor": [{"name": "tags", "problems": ["x"], "fails": true}], "cost": {"currency": "EUR", "month": "2026-11", "runs": {"count": 1,
"seconds": 1.0, "cpu_seconds": 1.0, "kwh": 1.0, "money": 1.0}, "serving": null}, "deployments": [{"environment": "prod", "version":
"v3", "image": "i", "digest": null, "at": "2026-11-01T05:00:00Z", "by": "Ann"}], "data": [], "dependencies": {"source": "lock",
"packages": {"numpy": "2.3.1"}}, "unknown": {"address": "A: b", "card.data_class": "A: b", "card.retention": "A: b", "contract": "A: b",
"gate": "A: b", "readiness": "A: b", "cost.serving": "A: b", "deployments.digest": "A: b"}}""")
"""What the first release with a status wrote: each later one has to read it, whatever keys it has added."""


def test_what_the_first_release_wrote_is_read():
    found = model.parse(json.dumps(FIRST).encode())
    assert json.loads(found.model_dump_json()).items() >= {name: FIRST[name] for name in ("project", "monitor", "data")}.items()


def test_a_key_that_a_later_release_added_is_null_with_its_reason():
    content = json.loads(json.dumps(FIRST))
    del content["dependencies"], content["champion"]["metric"]["floor"], content["deployments"][0]["digest"]
    del content["unknown"]["deployments.digest"]
    found = model.parse(json.dumps(content).encode())
    assert found.dependencies is None and found.champion.metric.floor is None and found.champion.metric.low == 0.5
    for key in ("dependencies", "champion.metric.floor", "deployments.digest"):
        assert found.unknown[key].startswith("NOT_WRITTEN: ")


NEVER_NULL = ["format", "at", "project", "description", "owner", "doctor", "deployments", "data", "unknown"]


@pytest.mark.parametrize("key", NEVER_NULL)
def test_keys_that_are_never_null_are_there(key):
    content = json.loads(with_reasons(NOTHING))
    del content[key]
    with pytest.raises(CannotEvaluate, match=f"{key}: Field required"):
        model.parse(json.dumps(content).encode())


def test_what_is_added_may_be_null():
    """Or a hub could not read what was written before; these alone are from the first release."""
    required = {name for name, field in model.Status.model_fields.items() if type(None) not in get_args(field.annotation)}
    assert required == {*NEVER_NULL, "template", "card"}


WRONG = {
    "no JSON": (b"<html>", "MALFORMED"),
    "a list": (b"[]", "MALFORMED"),
    "of other tools": (b'{"version": "1.2"}', "MALFORMED"),
    "of a later format": (b'{"format": 2}', "OTHER_FORMAT"),
    "nested": (b"[" * 100_000, "MALFORMED"),
    "not UTF-8": (b'{"format": 1, "project": "\xff"}', "MALFORMED"),
    "of a number without end": (b'{"format": 1e999}', "MALFORMED"),
    "without an object of reasons": (b'{"format": 1, "unknown": []}', "MALFORMED"),
    "with a number of reasons": (b'{"format": 1, "unknown": 3}', "MALFORMED"),
    "with null for reasons": (b'{"format": 1, "unknown": null}', "MALFORMED"),
    "of a text for a part": (with_reasons(NOTHING | {"template": "t"}), "MALFORMED"),
    "of a format of many digits": (b'{"format": ' + b"9" * 4000 + b"}", "MALFORMED"),
    "of another type": (with_reasons(NOTHING | {"owner": 7}), "MALFORMED"),
    "without a zone": (with_reasons(NOTHING | {"at": "2026-11-30T05:00:00"}), "MALFORMED"),
    "of the year 1": (with_reasons(NOTHING | {"at": "0001-01-01T00:00:00+14:00"}), "MALFORMED"),
    "of a long text": (with_reasons(NOTHING | {"description": "x" * 500}), "MALFORMED"),
    "of many images": (with_reasons(NOTHING | {"deployments": [IMAGE] * 1000}), "MALFORMED"),
    "large": (with_reasons(NOTHING) + b" " * model.MAX_BYTES, "TOO_LARGE"),
}


@pytest.mark.parametrize("content, code", WRONG.values(), ids=WRONG)
def test_what_is_not_a_status(content, code):
    with pytest.raises(CannotEvaluate, match=f"^{code}: status.json: ") as error:
        model.parse(content)
    assert error.value.code == code and len(str(error.value)) < 500


def test_what_a_later_release_added_hides_nothing_that_is_wrong():
    content = json.loads(with_reasons(NOTHING | {"data": "none"}))
    del content["questions"]
    with pytest.raises(CannotEvaluate, match="data: Input should be a valid"):
        model.parse(json.dumps(content).encode())


def test_what_is_wrong_stays_on_one_line():
    content = json.loads(with_reasons(NOTHING))
    content["unknown"]["a\n\u202e\x1b[2J"] = 1
    with pytest.raises(CannotEvaluate) as error:
        model.parse(json.dumps(content).encode())
    assert str(error.value).isprintable()
