"""params.yaml: every key known and well typed, or an error that names it."""

import pytest
import yaml
from late_flights.factory import config, errors
from tests.factory import toy

WRONG = {
    "unknown section": ({"colour": 1}, "colour: Extra inputs"),
    "unknown key": ({"split": {"tset": 0.1}}, "split.tset: Extra inputs"),
    "text for a number": ({"split": {"test": "0.2"}}, "split.test: Input should be a valid number"),
    "boolean for a number": ({"split": {"test": True}}, "split.test: Input should be a valid number"),
    "all rows": ({"split": {"test": 1.0}}, "split.test: Input should be less than 1"),
    "no rows": ({"split": {"test": 0.0}}, "split.test: Input should be greater than 0"),
    "not a number": ({"split": {"test": float("nan")}}, "split.test: "),
    "missing key": ({"data": {"id": "key"}}, "data.target: Field required"),
    "number for a name": ({"data": {"id": 1, "target": "answer"}}, "data.id: Input should be a valid string"),
    "unknown problem": (
        {"problem": "ranking"},
        "problem: Input should be 'classification', 'multiclass' or 'regression'",
    ),
    "value of classes": ({"problem": "multiclass", "value": {"true_positive": 1}}, "value belongs to a classification"),
    "repeats of no id": ({"data": {"target": "answer", "repeats": True}}, "data: Value error, repeats says that an id"),
    "value of a regression": (
        {"problem": "regression", "value": {"true_positive": 1}},
        "value belongs to a classification",
    ),
    "unknown limit": ({"gate": {"flor": 0.7}}, "gate.flor: Extra inputs"),
    "margin of nothing": ({"gate": {"margin": 0.0}}, "gate.margin: Input should be greater than 0"),
    "margin of all": ({"gate": {"slice_margin": 1.0}}, "gate.slice_margin: Input should be less than 1"),
    "no time at all": ({"gate": {"latency_ms": 0.0}}, "gate.latency_ms: Input should be greater than 0"),
    "groups of one": ({"gate": {"group_rows": 1}}, "gate.group_rows: Input should be greater than or equal to 2"),
    "part of a row": ({"gate": {"group_rows": 2.5}}, "gate.group_rows: Input should be a valid integer"),
    "floor by word": ({"gate": {"floor": "high"}}, "gate.floor: Input should be a valid number"),
    "limit of no number": ({"gate": {"calibration": float("nan")}}, "gate.calibration: "),
    "unknown outcome": ({"value": {"maybe": 1}}, "value.maybe: Extra inputs"),
}


def refusal(path):
    with pytest.raises(errors.FactoryError) as error:
        config.load(path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("sections, message", WRONG.values(), ids=WRONG)
def test_wrong_key_is_named(tmp_path, sections, message):
    path = tmp_path / "params.yaml"
    path.write_text(toy.text(**sections), encoding="utf-8")
    assert message in refusal(path)


@pytest.mark.parametrize("content", [b"", b"- a", b"a: [", b"a: \xff", b"a: b: c"])
def test_anything_but_a_table_of_keys_is_refused(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    assert str(path) in refusal(path)


def test_missing_file_says_where_to_run(tmp_path):
    assert "in the project's own folder" in refusal(tmp_path / "params.yaml")


def test_defaults(tmp_path):
    path = tmp_path / "params.yaml"
    content = {"problem": "regression", "data": {"target": "y", "id": "i"}, "evaluation": {"metric": "mae"}}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    params = config.load(path)
    assert (params.data.time, params.split.test, params.value, params.model) == (None, 0.2, None, {})
    assert (params.gate.floor, params.gate.group_rows) == (None, 100)


def test_your_parameters_are_valid(params):
    assert params.problem in toy.LABELLED
