"""The pipeline by its commands, and each mistake answered in one line."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from late_flights import model
from late_flights.factory import config, errors
from late_flights.factory.training import leakage, train
from tests.factory import toy
from tests.factory.cli_runner import refused, run

trained = pytest.mark.usefixtures("trained")
both = pytest.mark.parametrize("problem", toy.LABELLED)


def set_params(**sections):
    Path("params.yaml").write_text(toy.text(**sections), encoding="utf-8")


def leak(rows):
    """The target, where there is one: the features of no rows are made without it."""
    return (rows["answer"] if "answer" in rows.columns else pl.Series([], dtype=pl.Boolean)).cast(pl.Int8).alias("leak")


def disguised(rows):
    return toy.features(rows).with_columns(leak(rows))


FEATURES = {
    "target in disguise": (disguised, "features.py: leak alone tells answer"),
    "text": (lambda rows: toy.features(rows).with_columns(rows["key"]), "features.py: key is String: make it a number"),
    "times": (lambda rows: toy.features(rows).with_columns(rows["seen"]), "features.py: seen is Datetime"),
}


@trained
@pytest.mark.parametrize("features, message", FEATURES.values(), ids=FEATURES)
def test_feature_that_must_not_be_learned_from(monkeypatch, features, message):
    for module in (leakage, train):
        monkeypatch.setattr(module, "features", features)
    assert refused("train").startswith(message)


MODEL = {
    "unknown parameter": ({"colour": 1}, "params.yaml, model: "),
    "bad parameter": ({"max_iter": -1}, "params.yaml, model: The 'max_iter' parameter"),
}


@trained
@pytest.mark.parametrize("parameters, message", MODEL.values(), ids=MODEL)
def test_parameter_that_the_model_cannot_take(parameters, message):
    set_params(model=parameters)
    assert message in refused("train")


@trained
def test_unknown_metric_is_refused():
    set_params(evaluation={"metric": "luck"})
    assert "evaluation.metric: luck is none of average_precision" in refused("evaluate")


@trained
def test_unreviewed_type_is_refused(monkeypatch):
    monkeypatch.setattr(model, "TRUSTED_TYPES", [])
    assert "add them to TRUSTED_TYPES in model.py" in refused("train")


@trained
def test_missing_model_is_refused():
    shutil.rmtree("model")
    assert refused("evaluate") == "model/manifest.json is missing: run `dvc pull` or `dvc repro`"


@pytest.mark.parametrize(
    "arguments",
    [["setup"], ["ingest", "x.csv"], ["contract", "--diff", "x.csv"], ["prepare"], ["train"], ["evaluate"]],
    ids=lambda found: found[0],
)
def test_elsewhere_than_in_a_project(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    assert refused(*arguments) == "params.yaml is not here: run factory in the project's own folder"
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("project")
def test_stage_before_its_inputs():
    assert refused("train") == "data/prepared/manifest.json is missing: run `dvc pull` or `dvc repro`"
    assert refused("score", "a.csv", "b.csv") == "model/manifest.json is missing: run `dvc pull` or `dvc repro`"


VERSIONS = ("compare", "promote", "rollback", "models", "audit", "trace", "tune")


@pytest.mark.parametrize(
    "error, code, told",
    [
        (errors.FactoryError("what is wrong"), 1, "what is wrong"),
        (errors.CannotEvaluate("WHY", "what is wrong"), 2, "WHY: what is wrong"),
    ],
)
def test_refusal_and_missing_evidence_have_exit_codes_of_their_own(monkeypatch, error, code, told):
    def fail():
        raise error

    monkeypatch.setattr(config, "load", fail)
    result = run("compare")
    assert (result.exit_code, result.stderr) == (code, f"Error: {told}\n")
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    "arguments",
    [
        ["unknown"],
        ["ingest"],
        ["contract"],
        ["score", "one.csv"],
        ["train", "--fast"],
        ["trace"],
        ["tune", "--trials", "1"],
    ],
)
def test_wrong_usage_is_told_apart(arguments):
    result = run(*arguments)
    assert result.exit_code == 2 and "Error: " in result.stderr


def test_help_names_every_command():
    shown = run("--help").output
    for command in ("setup", "ingest", "contract", "prepare", "train", "evaluate", "score", *VERSIONS):
        assert f"  {command} " in shown
