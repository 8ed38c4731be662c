"""The stages end to end: what they leave, what they share, and what they refuse to go on from."""

import json
from pathlib import Path

import pytest
from late_flights.factory import manifest, paths
from late_flights.factory.data import ledger, prepare
from late_flights.factory.metrics import definitions
from late_flights.factory.scoring import artifact, scorer
from late_flights.factory.training import train
from late_flights.factory.training.onnx import estimators
from tests.factory import toy
from tests.factory.cli_runner import refused, run

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
    assert record["blas_kernel"] and all(isinstance(value, float) for value in record["cost"].values())
    assert details["test_rows"] == 150
    assert {found["column"] for found in details["slices"]} <= {"kind", "gap"}
    assert details["importance"][0]["feature"] in {"amount", "gap"}
    assert list(Path("reports/plots").glob("*.csv")) and Path("reports/report.html").stat().st_size


@both
@trained
def test_model_beats_the_baseline(problem):
    found = json.loads(Path("reports/evaluation.json").read_text())["metrics"][toy.METRIC[problem]]
    assert definitions.direction(toy.METRIC[problem]) * (found["value"] - found["baseline"]) > 0


@both
@trained
def test_model_names_the_data_behind_it():
    facts = artifact.load().manifest["data"]
    train, test = (prepare.read(name) for name in ("train", "test"))
    assert facts["rows"] == facts["parts"]["train"]["rows"] == train.height and facts["parts"]["test"]["rows"] == test.height
    assert facts["parts"]["train"]["to"] == str(train["seen"].max()) < facts["parts"]["test"]["from"] == str(test["seen"].min())
    assert facts["test"] == manifest.file_sha256(paths.PREPARED / "test.parquet")
    assert facts["deliveries"] == [entry.file for entry in ledger.entries()] and len(facts["deliveries"]) == 2


@both
@trained
def test_training_twice_gives_the_same_bytes():
    before = manifest.file_sha256(paths.MODEL / "manifest.json")
    assert run("train").exit_code == 0
    assert manifest.file_sha256(paths.MODEL / "manifest.json") == before


@both
@trained
def test_scores_and_features_are_those_of_training(problem):
    test = prepare.read("test")
    estimator, _ = train.learn(prepare.read("train"), toy.params(problem))
    classes = len(toy.CLASSES) if problem == "multiclass" else 0
    expected = artifact.predictor(estimator, classes)(scorer.matrix(toy.features(test)))
    assert scorer.Scorer.load().predict_with_ids(test)[1] == pytest.approx(expected, rel=1e-5, abs=1e-5)


@trained
def test_confusion_follows_the_threshold():
    details = json.loads(Path("reports/evaluation.json").read_text())
    scores = scorer.Scorer.load().score(prepare.read("test"))
    positive = details["confusion"]["true_positive"] + details["confusion"]["false_positive"]
    assert positive == (scores["score"] >= details["threshold"]).sum() == scores["decision"].sum()


@trained
@pytest.mark.parametrize("stage", ["train", "evaluate"])
@pytest.mark.parametrize("file", ["train.parquet", "test.parquet", "manifest.json"])
def test_rotten_prepared_data_is_refused(stage, file):
    path = paths.PREPARED / file
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    assert f"{path} is damaged" in refused(stage)


@trained
def test_model_of_other_data_is_not_evaluated():
    set_params(split={"test": 0.5})
    run("prepare")
    assert "model/ was trained on other data than data/prepared/ holds: run `uv run dvc repro`" in refused("evaluate")


@trained
def test_failed_stage_leaves_what_was_there(monkeypatch):
    before = manifest.file_sha256(paths.MODEL / "manifest.json")

    def fail(*arguments):
        raise OSError(28, "No space left on device", "model.onnx")

    monkeypatch.setattr(estimators, "save", fail)
    assert refused("train") == "model.onnx: No space left on device"
    assert manifest.file_sha256(paths.MODEL / "manifest.json") == before
