"""Training: the same rows and parameters give the same bytes, and a person reads what was done."""

from pathlib import Path

import pytest
from late_flights import model
from late_flights.factory import manifest
from late_flights.factory.evaluation.formatting import number
from late_flights.factory.training import skops_schema, train
from sklearn.dummy import DummyClassifier
from tests.factory import toy
from tests.factory.cli_runner import refused, run
from threadpoolctl import threadpool_limits


@pytest.mark.usefixtures("project")
def test_threads_do_not_change_the_bytes():
    rows = toy.rows(12_000)  # enough for scikit-learn to work in parallel
    models = set()
    for threads in (1, 2):
        with threadpool_limits(threads):
            models.add(skops_schema.to_skops(train.fit(rows, toy.params())))
    assert len(models) == 1


@pytest.mark.usefixtures("trained")
def test_what_was_done_is_shown():
    _first, estimator, validation, threshold, last = run("train").output.splitlines()
    found = manifest.read_manifest(Path("model"))
    figure = found["validation"]["metrics"]["roc_auc"]
    assert "450 rows, 4 features, 2 fits" in estimator and "HistGradientBoostingClassifier" in estimator
    assert f"roc_auc {number(figure['value'])}, 95% interval {number(figure['low'])} to " in validation
    assert number(found["threshold"]) in threshold and last.startswith("✓ model/ in ")


@pytest.mark.usefixtures("trained")
def test_folds_and_a_missing_graph_are_shown(monkeypatch):
    monkeypatch.setattr(model, "model", lambda problem, features, **parameters: DummyClassifier())
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "id": "key"}), encoding="utf-8")
    output = run("train").output
    assert "6 fits" in output and "5 folds: " in output and "no model.onnx" in output


@pytest.mark.usefixtures("trained")
def test_unknown_metric_is_refused_before_the_training(monkeypatch):
    Path("params.yaml").write_text(toy.text(evaluation={"metric": "luck"}), encoding="utf-8")
    monkeypatch.setattr(train, "learn", None)
    assert refused("train").startswith("params.yaml: evaluation.metric: luck")
