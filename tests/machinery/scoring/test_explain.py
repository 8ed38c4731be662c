"""Explanations: they add up to the score, are exact for additive models, stable, and give an unused feature nothing."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from late_flights.factory.errors import ArtifactError
from late_flights.factory.scoring import explain
from late_flights.factory.tables.chunks import Matrix
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression

GENERATOR = np.random.default_rng(1)
INPUTS = np.column_stack([GENERATOR.normal(size=(600, 3)), GENERATOR.integers(0, 4, 600)]).astype(np.float32)
CATEGORY = np.array([False, False, False, True])
TYPICAL = np.array(explain.middle(INPUTS, CATEGORY), np.float32)


def explained(predict: Any, row: Matrix) -> Any:
    scorer: Any = SimpleNamespace(predict_features=predict)
    score, typical, contributions, errors = explain._explained(
        scorer, row, TYPICAL, explain._orders(len(row)), np.arange(len(row))
    )
    return SimpleNamespace(score=score, typical=typical, contributions=contributions, errors=errors)


def boosted() -> Any:
    """A model of the first, second and fourth feature; the third is noise."""
    effect = np.array([-1.0, 0.0, 2.0, 0.5])[INPUTS[:, 3].astype(int)]
    target = INPUTS[:, 0] * INPUTS[:, 1] + effect + GENERATOR.normal(scale=0.1, size=600) > 0
    model = HistGradientBoostingClassifier(max_iter=30, min_samples_leaf=40, categorical_features=[3], random_state=0)
    return model.fit(INPUTS, target)


def test_of_an_additive_model_they_are_exact():
    model = LinearRegression().fit(INPUTS, INPUTS @ [3, -2, 0, 1] + 5)
    found = explained(lambda inputs: model.predict(inputs).astype(np.float64), INPUTS[0])
    assert found.contributions == pytest.approx(model.coef_ * (INPUTS[0] - TYPICAL), abs=1e-5)
    assert found.errors.max() < 1e-5


def test_with_native_categories_they_are_within_their_error_of_all_orders():
    from itertools import permutations

    model = boosted()
    row = next(each for each in INPUTS if each[3] == 2 and abs(each[0] * each[1]) > 0.5)
    gains = []
    for order in permutations(range(4)):
        inputs = np.tile(TYPICAL, (5, 1))
        for step, feature in enumerate(order):
            inputs[step + 1 :, feature] = row[feature]
        gains.append(np.diff(model.predict_proba(inputs)[:, 1])[np.argsort(order)])
    found = explained(lambda inputs: model.predict_proba(inputs)[:, 1], row)
    assert np.abs(found.contributions - np.mean(gains, axis=0)) == pytest.approx(0, abs=4 * found.errors.max() + 1e-9)
    assert abs(found.contributions[3]) > 0.05


@pytest.mark.parametrize("row", [0, 7, 100])
def test_they_add_up_and_are_the_same_again(row):
    model = boosted()
    one, two = (explained(lambda inputs: model.predict_proba(inputs)[:, 1], INPUTS[row]) for _ in range(2))
    assert one.typical + one.contributions.sum() == pytest.approx(one.score, abs=1e-12)
    assert (one.contributions == two.contributions).all()


def test_noise_adds_next_to_nothing():
    model = boosted()
    rows = [explained(lambda inputs: model.predict_proba(inputs)[:, 1], row) for row in INPUTS[:15]]
    sizes = np.mean([np.abs(row.contributions) for row in rows], axis=0)
    assert sizes[2] < 0.25 * sizes[[0, 1, 3]].min()


def test_of_several_classes_they_are_of_the_decided_one():
    def predict(inputs: Matrix) -> Any:
        raw = np.exp(np.column_stack([inputs[:, 0], 2 * inputs[:, 1], np.zeros(len(inputs))]).astype(np.float64))
        return raw / raw.sum(axis=1, keepdims=True)

    found = explained(predict, INPUTS[3])
    assert found.score == predict(INPUTS[3:4]).max()
    assert found.typical + found.contributions.sum() == pytest.approx(found.score)
    assert found.contributions[2] == found.contributions[3] == 0


def test_what_is_missing_in_most_rows_is_missing_in_the_typical_one():
    inputs = np.array([[1, np.nan], [3, np.nan], [2, 5]], np.float32)
    assert explain.middle(inputs, np.array([False, False])) == [2, None]


def test_model_without_a_typical_row_is_refused():
    with pytest.raises(ArtifactError, match="dvc repro"):
        explain.typical_features({"features": pl.Schema()})
