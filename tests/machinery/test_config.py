"""params.yaml: every key known and well typed, or an error that names it."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from late_flights.factory import config, errors, policy, sections
from late_flights.factory.evaluation import card_input
from late_flights.factory.metrics import definitions
from tests.factory import toy
from tests.factory.conftest import ROOT

SERIES = {"group": "kind", "time": "seen", "every": "1h", "horizon": 6}
ALONE = {"target": "answer", "time": "seen"}
WRONG = {
    "forecast without its section": ({"problem": "forecasting", "data": ALONE}, "needs the section forecast"),
    "section without a forecast": ({"forecast": SERIES, "data": ALONE}, "is for the problem forecasting only"),
    "unknown section": ({"colour": 1}, "colour: unknown key; known are problem, data"),
    "unknown key": ({"split": {"tset": 0.1}}, "split.tset: unknown key, did you mean test?"),
    "text for a number": ({"split": {"test": "0.2"}}, "split.test: Input should be a valid number"),
    "boolean for a number": ({"split": {"test": True}}, "split.test: Input should be a valid number"),
    "all rows": ({"split": {"test": 1.0}}, "split.test: Input should be less than 1"),
    "no rows": ({"split": {"test": 0.0}}, "split.test: Input should be greater than 0"),
    "not a number": ({"split": {"test": float("nan")}}, "split.test: "),
    "missing key": ({"data": {"id": "key"}}, "data.target: Field required"),
    "number for a name": ({"data": {"id": 1, "target": "answer"}}, "data.id: Input should be a valid string"),
    "unknown problem": (
        {"problem": "ranking"},
        "problem: Input should be 'classification', 'multiclass', 'regression' or 'forecasting'",
    ),
    "section of nothing": ({"split": None}, "split: there must be lines of the form `key: value`"),
    "value of classes": ({"problem": "multiclass", "value": {"true_positive": 1}}, "value is for classification only"),
    "repeats of no id": ({"data": {"target": "answer", "repeats": True}}, "data: repeats says that an id"),
    "value of a regression": (
        {"problem": "regression", "value": {"true_positive": 1}},
        "value is for classification only",
    ),
    "unknown limit": ({"gate": {"flor": 0.7}}, "gate.flor: unknown key, did you mean floor?"),
    "margin of nothing": ({"gate": {"margin": 0.0}}, "gate.margin: Input should be greater than 0"),
    "margin of all": ({"gate": {"slice_margin": 1.0}}, "gate.slice_margin: Input should be less than 1"),
    "no time at all": ({"gate": {"latency_ms": 0.0}}, "gate.latency_ms: Input should be greater than 0"),
    "groups of one": ({"gate": {"group_rows": 1}}, "gate.group_rows: Input should be greater than or equal to 2"),
    "part of a row": ({"gate": {"group_rows": 2.5}}, "gate.group_rows: Input should be a valid integer"),
    "floor by word": ({"gate": {"floor": "high"}}, "gate.floor: Input should be a valid number"),
    "limit of no number": ({"gate": {"calibration": float("nan")}}, "gate.calibration: "),
    "decision of a regression": (
        {"problem": "regression", "decision": {"top_k": 1, "of": 2}},
        "decision is for classification only",
    ),
    "rows of a list of unknown length": ({"decision": {"top_k": 100}}, "decision.of: Field required"),
    "no rows of a list": ({"decision": {"top_k": 0, "of": 9}}, "decision.top_k: Input should be greater than 0"),
    "neither rows nor budget": ({"decision": {"of": 9}}, "decision: state either top_k, or budget and cost"),
    "rows and budget": (
        {"decision": {"top_k": 1, "budget": 5, "cost": 1, "of": 9}},
        "decision: state either top_k, or budget and cost",
    ),
    "budget without cost": ({"decision": {"budget": 5, "of": 9}}, "decision: state either top_k, or budget and cost"),
    "budget of no row": ({"decision": {"budget": 5, "cost": 6, "of": 9}}, "decision: the budget 5 does not pay for one row"),
    "more rows than there are": ({"decision": {"top_k": 10, "of": 9}}, "decision: 10 rows cannot be chosen of 9"),
    "unknown outcome": ({"value": {"maybe": 1}}, "value.maybe: unknown key; known are true_positive"),
}


def refusal(path):
    with pytest.raises(errors.FactoryError) as error:
        config.load(path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "forecast, message",
    [({"group": ["kind", "kind"]}, "name each once"), ({"season": 7, "window": 7}, "has to be longer than forecast.season")],
)
def test_roles_and_numbers_of_a_forecast_fit_together(tmp_path, forecast, message):
    path = tmp_path / "params.yaml"
    path.write_text(toy.text("forecasting", data=ALONE, forecast=SERIES | forecast), encoding="utf-8")
    assert message in refusal(path)


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


def test_yaml_error_names_the_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("data:\n  id: a\n  time: b: c\n", encoding="utf-8")
    assert refusal(path) == f"{path}, line 3: not YAML: mapping values are not allowed here"


@pytest.mark.parametrize("load", [config.load, card_input.load, policy.load])
@pytest.mark.parametrize(
    "content, problem",
    [
        (b"risk: low\nsplit:\n  test: 1\n  test: 2\n", "line 4: not YAML: test is in it twice"),
        (b"risk: low\n'risk': low\n", "line 2: not YAML: risk is in it twice"),
        (b"risk: low\nowner: Zo\xeb\n", "line 2: not UTF-8: save the file in that encoding"),
    ],
)
def test_doubled_key_and_other_encoding_are_named_with_their_line(tmp_path, load, content, problem):
    path = tmp_path / "file.yaml"
    path.write_bytes(content)
    with pytest.raises(errors.FactoryError) as error:
        load(path)
    assert str(error.value) == f"{path}, {problem}"


def test_key_that_a_merge_brings_too_is_not_doubled():
    assert sections.parse("{a: &a {x: 1, y: 1}, b: {<<: *a, x: 2}}", "here", dict)["b"] == {"x": 2, "y": 1}


def test_missing_file_says_where_to_run(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    name = Path("params.yaml")
    assert refusal(name) == "params.yaml is not here: run factory in the project's own folder"
    (tmp_path / name).touch()
    assert refusal(name) == f"params.yaml is not here: run factory in {tmp_path}"


def test_unknown_key_of_a_list_is_named(tmp_path):
    path = tmp_path / "card.yaml"
    path.write_text("approvals:\n- {bye: me, model: x}\n", encoding="utf-8")
    with pytest.raises(errors.FactoryError, match=r"approvals\.0\.bye: unknown key, did you mean by\?"):
        card_input.load(path)


SCHEMA = json.loads(Path(config.__file__).with_name("params.schema.json").read_text(encoding="utf-8"))
ACCEPTED = {
    "sample": {},
    "optional keys": {"data": {"target": "y", "id": None, "time": None, "sensitive": []}, "gate": {"floor": None}},
    "repeats": {"data": {"target": "y", "id": "i", "repeats": True}},
    "no repeats of nothing": {"data": {"target": "y", "repeats": False}},
    "whole number for a share's limit": {"gate": {"floor": 1, "latency_ms": 5, "margin": 0.5}},
    "no value of a regression": {"problem": "regression", "value": None},
    "so many rows": {"decision": {"top_k": 100, "of": 2000}},
    "as many rows as a budget pays": {"decision": {"budget": 500, "cost": 0.1, "of": 20000}},
    "no number of rows": {"decision": None},
    "parameters of any kind": {"model": {"a": 1, "b": [1, {"c": None}], "d": "x"}},
}
NAN = {"not a number", "limit of no number"}  # which JSON does not have
ONLY_IN_PYTHON = NAN | {"budget of no row", "more rows than there are"}  # which take arithmetic


@pytest.mark.parametrize("sections", ACCEPTED.values(), ids=ACCEPTED)
def test_schema_for_editors_accepts_what_is_valid(tmp_path, sections):
    path = tmp_path / "params.yaml"
    path.write_text(toy.text(**sections), encoding="utf-8")
    config.load(path)
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), SCHEMA)


WRITTEN = {
    "1 hour": "1h",
    "hourly": "1h",
    "H": "1h",
    "PT1H": "1h",
    "1:00": "1h",
    "1h30m": "90m",
    "60min": "60m",
    "every 15 minutes": "15m",
    "15T": "15m",
    "half-hourly": "30m",
    "1 day": "1d",
    "Daily": "1d",
    "1 days 00:00:00": "1d",
    "dayly": "1d",
    "montly": "1mo",
    "quaterly": "1q",
    "7 days": "7d",
    "W-SUN": "1w",
    "1M": "1mo",
    "MS": "1mo",
    "P3M": "3mo",
    "QS-OCT": "1q",
    "annual": "1y",
}


def refusal_of_step(every, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(toy.text("forecasting", data=ALONE, forecast=SERIES | {"every": every}), encoding="utf-8")
    return refusal(path)


@pytest.mark.parametrize("every, meant", WRITTEN.items())
def test_a_step_that_is_written_otherwise_is_understood(tmp_path, every, meant):
    line = refusal_of_step(every, tmp_path)
    assert line.endswith(f"such as 15m, 1h, 1d, 1w, 1mo, 1q or 1y; did you mean {meant}?") and "^" not in line


@pytest.mark.parametrize(
    "every",
    [
        "30s",
        "0h",
        "-1h",
        "B",
        "fortnight",
        "biweekly",
        "semimonthly",
        "100ms",
        "jour",
        "mois",
        "weekdays",
        "1 hour ago",
        "1.5 months",
        "h1",
        "",
        60,
        None,
        ["1h"],
    ],
)
def test_of_a_step_that_nobody_can_know_none_is_guessed(tmp_path, every):
    assert refusal_of_step(every, tmp_path).endswith("such as 15m, 1h, 1d, 1w, 1mo, 1q or 1y")


@pytest.mark.parametrize("name", sorted(WRONG.keys() - ONLY_IN_PYTHON))
def test_schema_for_editors_refuses_what_is_wrong(name):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(toy.text(**WRONG[name][0])), SCHEMA)


def test_schema_describes_every_key():
    keys = [key for section in (SCHEMA, *SCHEMA["$defs"].values()) for key in section["properties"].items()]
    assert len(keys) > 20 and not [name for name, key in keys if "$ref" not in str(key) and not key.get("description")]
    text = SCHEMA["$defs"]["Evaluation"]["properties"]["metric"]["description"]
    known = (*definitions.METRICS.values(), definitions.AT_K)
    names = {name for table in known for name in table} - {"bias"}  # which describes forecasts, and judges none
    assert not {name for name in names if f"`{name}`" not in text}


def test_your_parameters_fit_the_schema_that_they_name():
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    jsonschema.validate(yaml.safe_load(text), SCHEMA)
    first = text.partition("\n")[0]
    path = first.removeprefix("# yaml-language-server: $schema=")
    assert path == first or Path(ROOT, path).samefile(Path(config.__file__).with_name("params.schema.json"))


def test_defaults(tmp_path):
    path = tmp_path / "params.yaml"
    content = {"problem": "regression", "data": {"target": "y", "id": "i"}, "evaluation": {"metric": "mae"}}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    params = config.load(path)
    assert (params.data.time, params.split.test, params.value, params.model) == (None, 0.2, None, {})
    assert (params.gate.floor, params.gate.group_rows) == (None, 100)


def test_your_parameters_are_valid(params):
    assert params.problem in toy.LABELLED


@pytest.mark.parametrize("budget, cost, rows", [(500, 5, 100), (0.3, 0.1, 3), (1, 0.3, 3), (99.9, 10, 9)])
def test_budget_pays_for_whole_rows(budget, cost, rows):
    decision = toy.params(decision={"budget": budget, "cost": cost, "of": 200}).decision
    assert decision.rows == rows and decision.share == rows / 200
