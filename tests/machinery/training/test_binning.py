"""Many rows fitted in little room: the model is scikit-learn's own, byte for byte."""

import numpy as np
import pytest
from late_flights.factory.training import binning
from late_flights.factory.training.onnx import estimators
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

RANDOM = np.random.default_rng(0)
MATRIX = RANDOM.normal(size=(3_000, 4)).astype(np.float32)
MATRIX[:, 2] = RANDOM.integers(0, 9, 3_000)
MATRIX[RANDOM.random(MATRIX.shape) < 0.1] = np.nan
TARGET = np.nan_to_num(MATRIX[:, 0]) + (MATRIX[:, 2] == 4)


@pytest.mark.parametrize("categorical", [None, [2]])
@pytest.mark.parametrize("stopping", [False, True])
@pytest.mark.parametrize("kind", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])
def test_model_is_the_same(monkeypatch, kind, stopping, categorical):
    monkeypatch.setattr(binning, "SLICE", 1_000)
    target = TARGET > 0.5 if kind is HistGradientBoostingClassifier else TARGET
    options = {"max_iter": 5, "random_state": 0, "early_stopping": stopping, "categorical_features": categorical}
    whole, sliced = kind(**options).fit(MATRIX, target), binning.fit(kind(**options), MATRIX, target)
    assert estimators.to_skops(sliced) == estimators.to_skops(whole)


def test_bounds_are_learned_from_the_same_rows(monkeypatch):
    monkeypatch.setattr(binning, "SLICE", 100_000)
    matrix = RANDOM.normal(size=(250_000, 1)).astype(np.float32)  # more than scikit-learn draws
    options = {"max_iter": 2, "random_state": 0}
    whole = HistGradientBoostingRegressor(**options).fit(matrix, matrix[:, 0])
    sliced = binning.fit(HistGradientBoostingRegressor(**options), matrix, matrix[:, 0])
    assert estimators.to_skops(sliced) == estimators.to_skops(whole)


def test_weighed_classes_are_left_to_scikit_learn(monkeypatch):
    monkeypatch.setattr(binning, "SLICE", 1_000)
    options = {"max_iter": 2, "random_state": 0, "class_weight": "balanced", "categorical_features": [2]}
    whole = HistGradientBoostingClassifier(**options).fit(MATRIX, TARGET > 1)
    sliced = binning.fit(HistGradientBoostingClassifier(**options), MATRIX, TARGET > 1)
    assert estimators.to_skops(sliced) == estimators.to_skops(whole)
