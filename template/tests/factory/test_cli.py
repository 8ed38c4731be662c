"""The pipeline by its commands, and each mistake answered in one line."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from .. import artifact, digest, model, prepare, scoring, train
from . import toy
from .command import refused, run

trained = pytest.mark.usefixtures("trained")
both = pytest.mark.parametrize("problem", toy.LABELLED)


def set_params(**sections):
    Path("params.yaml").write_text(toy.text(**sections), encoding="utf-8")


@both
@trained
def test_stages_leave_a_model_and_reports(problem):
    figures = json.loads(Path("reports/metrics.json").read_text())
    details = json.loads(Path("reports/evaluation.json").read_text())
    record = json.loads(Path("reports/run.json").read_text())
    assert figures == record["metrics"] == {name: found["value"] for name, found in details["metrics"].items()}
    assert record["parameters"]["problem"] == problem and record["cost"]["peak_memory_mb"] > 0
    assert details["test_rows"] == 150
    assert {found["column"] for found in details["slices"]} <= {"kind", "gap"}
    assert details["importance"][0]["feature"] in {"amount", "gap"}
    assert list(Path("reports/plots").glob("*.csv")) and Path("reports/report.html").stat().st_size


@both
@trained
def test_model_beats_the_baseline():
    details = json.loads(Path("reports/evaluation.json").read_text())
    metric = toy.params("regression").evaluation.metric if details["threshold"] is None else "roc_auc"
    found = details["metrics"][metric]
    assert found["value"] > found["baseline"] if metric == "roc_auc" else found["value"] < found["baseline"]


@both
@trained
def test_training_twice_gives_the_same_bytes():
    before = digest.of_file(artifact.MODEL / "manifest.json")
    assert run("train").exit_code == 0
    assert digest.of_file(artifact.MODEL / "manifest.json") == before


@both
@trained
def test_scores_and_features_are_those_of_training(problem):
    test = prepare.read("test")
    estimator, _ = train.learn(prepare.read("train"), toy.params(problem))
    expected = artifact.predictor(estimator)(scoring.matrix(toy.features(test)))
    assert scoring.Scorer.load().score(test)["score"].to_numpy() == pytest.approx(expected, rel=1e-5, abs=1e-5)


@trained
def test_confusion_follows_the_threshold():
    details = json.loads(Path("reports/evaluation.json").read_text())
    scores = scoring.Scorer.load().score(prepare.read("test"))
    positive = details["confusion"]["true_positive"] + details["confusion"]["false_positive"]
    assert positive == (scores["score"] >= details["threshold"]).sum() == scores["decision"].sum()


@trained
@pytest.mark.parametrize("stage", ["train", "evaluate"])
@pytest.mark.parametrize("file", ["train.parquet", "test.parquet", "manifest.json"])
def test_rotten_prepared_data_is_refused(stage, file):
    path = prepare.PREPARED / file
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    assert f"{path} is damaged" in refused(stage)


@trained
def test_model_of_other_data_is_not_evaluated():
    set_params(split={"test": 0.5})
    run("prepare")
    assert "model/ was trained on other data than data/prepared/ holds: run `dvc repro`" in refused("evaluate")


@trained
def test_failed_stage_leaves_what_was_there(monkeypatch):
    before = digest.of_file(artifact.MODEL / "manifest.json")

    def fail(*arguments):
        raise OSError(28, "No space left on device", "model.onnx")

    monkeypatch.setattr(artifact, "save", fail)
    assert refused("train") == "model.onnx: No space left on device"
    assert digest.of_file(artifact.MODEL / "manifest.json") == before


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
    monkeypatch.setattr(train, "features", features)
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
    "arguments", [["setup"], ["ingest", "x.csv"], ["prepare"], ["train"], ["evaluate"]], ids=lambda found: found[0]
)
def test_elsewhere_than_in_a_project(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    assert refused(*arguments) == "params.yaml is not here: run factory in the project's own folder"
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("project")
def test_stage_before_its_inputs():
    assert refused("train") == "data/prepared/manifest.json is missing: run `dvc pull` or `dvc repro`"
    assert refused("score", "a.csv", "b.csv") == "model/manifest.json is missing: run `dvc pull` or `dvc repro`"


@pytest.mark.parametrize("arguments", [["unknown"], ["ingest"], ["score", "one.csv"], ["train", "--fast"]])
def test_wrong_usage_is_told_apart(arguments):
    result = run(*arguments)
    assert result.exit_code == 2 and "Error: " in result.stderr


def test_help_names_every_command():
    shown = run("--help").output
    for command in ("setup", "ingest", "prepare", "train", "evaluate", "score"):
        assert f"  {command} " in shown
