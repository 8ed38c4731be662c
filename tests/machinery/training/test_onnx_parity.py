"""Engines agree by what matters: a share of the scores' spread, and every decision; rounding alone costs no model its graph."""

import numpy as np
import pytest
from late_flights.factory import manifest
from late_flights.factory.scoring import artifact
from late_flights.factory.training.onnx import estimators, parity
from sklearn.linear_model import LogisticRegression, Ridge

MATRIX = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
CODES = np.digitize(MATRIX[:, 0], [-0.5, 0.5])


def exported(folder, monkeypatch, estimator, change, **facts):
    """Whether there is a graph, and why not, if its scores are what `change` makes of them."""
    predictor = artifact.onnx_predictor
    monkeypatch.setattr(artifact, "onnx_predictor", lambda session: lambda rows: change(predictor(session)(rows)))
    estimators.save(folder / "model", estimator, facts, MATRIX)
    assert (folder / "model/model.onnx").exists() == (estimators.disagreement(folder / "model", MATRIX) > 0)
    found = manifest.read_manifest(folder / "model")["onnx"]
    return (folder / "model/model.onnx").exists(), found["reason"] or ""


def classifier():
    return LogisticRegression().fit(MATRIX, MATRIX[:, 0] > 0)


@pytest.mark.parametrize("size", [1e-6, 1, 1e6])
def test_regression_of_any_unit_keeps_what_is_rounded_and_loses_what_is_wrong(tmp_path, monkeypatch, size):
    model = Ridge().fit(MATRIX, MATRIX[:, 0] * size)
    kept, reason = exported(tmp_path / "near", monkeypatch, model, lambda score: score + 1e-4 * size)
    assert kept and not reason
    kept, reason = exported(tmp_path / "far", monkeypatch, model, lambda score: score + 1e-2 * size)
    assert not kept and "400 of 400 rows differ by up to 0.01" in reason


def test_spread_counts_and_not_the_distance_from_zero(tmp_path, monkeypatch):
    model = Ridge().fit(MATRIX, MATRIX[:, 0] + 1_000)  # whose scores differ by 1 or so
    assert exported(tmp_path / "near", monkeypatch, model, lambda score: score + 1e-5)[0]
    assert not exported(tmp_path / "far", monkeypatch, model, lambda score: score + 5e-3)[0]


def test_probability_that_differs_by_1_4e_5_keeps_its_graph_unless_a_decision_turns(tmp_path, monkeypatch):
    model, change = classifier(), lambda score: score + 1.4e-5
    score = model.predict_proba(MATRIX)[:, 1]
    assert exported(tmp_path / "none", monkeypatch, model, change) == (True, "")
    assert exported(tmp_path / "far", monkeypatch, model, change, threshold=2.0)[0]
    kept, reason = exported(tmp_path / "turned", monkeypatch, model, change, threshold=float(score[7]) + 7e-6)
    assert not kept and "1 of 400 rows differ" in reason and "1 of them by the decision" in reason


def test_one_row_that_is_wrong_is_enough(tmp_path, monkeypatch):
    wrong = lambda score: np.where(np.arange(len(score)) == 3, 1 - score, score)
    kept, reason = exported(tmp_path, monkeypatch, classifier(), wrong)
    assert not kept and "1 of 400 rows" in reason


def test_classes_have_to_be_the_same(tmp_path, monkeypatch):
    model, facts = LogisticRegression().fit(MATRIX, CODES), {"classes": ["a", "b", "c"]}
    near = lambda score: score + 1.4e-5
    assert exported(tmp_path / "near", monkeypatch, model, near, **facts)[0]
    other = lambda score: score[:, [1, 0, 2]]
    assert not exported(tmp_path / "other", monkeypatch, model, other, **facts)[0]


def test_a_tie_is_decided_either_way():
    tied = np.array([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
    assert not parity.other_decisions(tied, tied + np.array([1e-8, 0, 0]), None).any()
    assert parity.other_decisions(tied, tied[:, ::-1], None).tolist() == [False, True]
    assert not parity.other_decisions(np.array([0.3]), np.array([0.3 - 1e-8]), 0.3).any()
    assert parity.other_decisions(np.array([0.3, 0.4]), np.array([0.31, 0.29]), 0.305).tolist() == [True, True]


@pytest.mark.parametrize("wrong", [np.array([0.1, np.nan]), np.array([0.1]), np.array([[0.1], [0.2]])])
def test_what_cannot_be_compared_differs_infinitely(wrong):
    assert parity.largest(np.array([0.1, 0.2]), wrong) == np.inf


def test_scores_that_are_all_equal_may_be_rounded_and_no_rows_agree():
    assert parity.largest(np.full(9, 0.1), np.full(9, np.float32(0.1)).astype(float)) < parity.TOLERANCE
    assert parity.largest(np.full(9, 0.1), np.full(9, 0.11)) > parity.TOLERANCE
    assert parity.largest(np.zeros(9), np.zeros(9)) == parity.largest(np.zeros(0), np.zeros(0)) == 0
