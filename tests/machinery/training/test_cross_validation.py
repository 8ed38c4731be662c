"""Validation figures: of training rows that the model has not learned from, never of test rows."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights.factory import config, manifest
from late_flights.factory.data import prepare
from late_flights.factory.metrics import definitions, threshold
from late_flights.factory.scoring import artifact, scorer
from late_flights.factory.training import cross_validation, estimator, train
from tests.factory import toy
from tests.factory.cli_runner import refused, run

DATA = {"target": "answer", "id": "key"}
SCHEMA = toy.features(toy.rows(1)).schema


@pytest.fixture
def fits(monkeypatch):
    """The number of rows of each fit."""
    sizes, fit = [], estimator.fit
    monkeypatch.setattr(estimator, "fit", lambda inputs, *rest: sizes.append(len(inputs)) or fit(inputs, *rest))
    return sizes


def folds(rows, **sections):
    return cross_validation.Folds(rows, toy.params(**sections), SCHEMA)


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("problem", toy.LABELLED)
def test_by_time_the_newest_training_rows_are_held_out(problem, fits):
    rows, params = prepare.read("train").sort("seen"), config.load()
    early, late = rows.head(len(rows) * 3 // 4), rows.tail(len(rows) - len(rows) * 3 // 4)
    fitted = train.fit(early, params)
    predict = artifact.predictor(fitted, len(definitions.classes_of(rows, params) or []))
    target, score = definitions.target_of(late, params), predict(scorer.matrix(toy.features(late)))
    found = manifest.read_manifest(Path("model"))
    assert (found["validation"]["folds"], found["validation"]["rows"]) == (1, late.height)
    for name, figure in found["validation"]["metrics"].items():
        assert figure["value"] == pytest.approx(definitions.METRICS[problem][name](target, score))
        assert figure["low"] <= figure["value"] <= figure["high"]
    chosen = threshold.best_threshold(target, score, params.value) if params.value else None
    assert found["threshold"] == (pytest.approx(chosen) if chosen else None)


@pytest.mark.usefixtures("trained")
def test_figures_of_the_manifest_are_the_metrics_of_dvc():
    metrics = json.loads(Path("reports/validation.json").read_text())["validation"]
    found = manifest.read_manifest(Path("model"))["validation"]["metrics"]
    assert metrics == {name: figure["value"] for name, figure in found.items()}
    assert metrics.keys() == definitions.METRICS["classification"].keys()


@pytest.mark.usefixtures("trained")
def test_two_fits_are_enough(fits):
    assert run("train").exit_code == 0
    rows = prepare.read("train").height
    assert fits == [rows, pytest.approx(rows * 3 / 4, abs=1)]


@pytest.mark.usefixtures("project")
def test_each_row_is_held_out_once_and_rows_of_an_id_together(fits):
    rows = toy.rows(500).with_columns(key=pl.format("k{}", pl.int_range(pl.len()) // 5))
    parts = folds(rows, data=DATA | {"repeats": True})
    assert np.array_equal(np.sum(parts.held_out, axis=0), np.ones(500)) and len(parts.held_out) == 5
    for part in parts.held_out:
        assert not set(rows.filter(pl.Series(part))["key"]) & set(rows.filter(pl.Series(~part))["key"])
    found = cross_validation.validate(parts, toy.params(data=DATA | {"repeats": True}))
    assert fits == [500 - part.sum() for part in parts.held_out]
    assert found.folds == 5 and len(found.score) == 500
    ends = np.cumsum([part.sum() for part in parts.held_out])[:-1]
    metric, figure = definitions.METRICS["classification"]["roc_auc"], found.metrics["roc_auc"]
    values = list(map(metric, np.split(found.target, ends), np.split(found.score, ends)))
    assert (figure.value, figure.low, figure.high) == (pytest.approx(np.mean(values)), min(values), max(values))


@pytest.mark.usefixtures("project")
def test_of_a_large_table_one_part_is_held_out(monkeypatch):
    monkeypatch.setattr(cross_validation, "MAX_CELLS_OF_FOLDS", 1999)
    [part] = folds(toy.rows(500), data=DATA).held_out
    assert part.mean() == pytest.approx(0.25, abs=0.06)
    assert len(cross_validation.Folds(toy.rows(500), toy.params(data=DATA), SCHEMA, most=200).target) == 200


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("problem", ["classification", "multiclass"])
def test_of_a_rare_class_each_fold_has_some(problem):
    rare = {"classification": True, "multiclass": "high"}[problem]
    rows = toy.rows(2000, problem)
    rows = pl.concat([rows.filter(pl.col("answer") != rare), rows.filter(answer=rare).head(7)])
    parts = folds(rows, problem=problem, data=DATA)
    for part in parts.held_out:
        assert len(np.unique(parts.target[part])) > 1
        assert set(parts.target[~part]) == set(parts.target)


@pytest.mark.usefixtures("trained")
def test_too_few_rows_are_refused_where_decisions_have_a_value():
    rows = toy.rows(300)
    rows = pl.concat([rows.filter(~pl.col("answer")), rows.filter("answer").head(1)]).sort("answer")
    rows.write_parquet("data/prepared/train.parquet")
    Path("data/prepared/manifest.json").unlink()
    manifest.write_manifest(Path("data/prepared"), {})
    Path("params.yaml").write_text(toy.text(data=DATA), encoding="utf-8")
    assert refused("train").startswith("cannot validate on ")
    Path("params.yaml").write_text(toy.text(data=DATA, value=None), encoding="utf-8")
    assert run("train").exit_code == 0
    assert manifest.read_manifest(Path("model"))["validation"] is None
    assert json.loads(Path("reports/validation.json").read_text()) == {"validation": {}}
