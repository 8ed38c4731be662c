"""Of several classes ONNX gives each probability as scikit-learn does, or is not written."""

import numpy as np
import pytest
from late_flights.factory.scoring import artifact
from late_flights.factory.training.onnx import estimators
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from machinery.training.test_onnx_estimators import converts, linear, matrix, score, target


def labels(values, classes):
    """So many classes of about the same size, as codes."""
    number = target(values)
    return np.digitize(number, np.quantile(number, np.arange(1, classes) / classes)).astype(float)


def boosting(**options):
    return HistGradientBoostingClassifier(min_samples_leaf=5, max_iter=20, random_state=0, **options)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("categorical", [None, [1, 3, 5]])
def test_boosting(classes, categorical):
    values = matrix(2000, 0)
    model = boosting(categorical_features=categorical).fit(values, labels(values, classes))
    for unseen, threads in ((0, 1), (30, 2)):
        new = matrix(3000, 100, unseen)
        np.testing.assert_allclose(score(model, new, threads, classes), model.predict_proba(new), rtol=2e-5, atol=2e-6)
    assert score(model, values[:0], 1, classes).shape == (0, classes)


MODELS = {
    "logistic": make_pipeline(linear(), LogisticRegression()),
    "forest": make_pipeline(SimpleImputer(), RandomForestClassifier(10, random_state=0)),
}


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_pipelines(model, classes):
    values = matrix(1000, 0)
    model.fit(values, labels(values, classes))
    np.testing.assert_allclose(score(model, values, 1, classes), model.predict_proba(values), atol=1e-4)


def test_classes_that_nobody_asked_for_are_no_graph():
    values = matrix(200, 0)
    model = boosting().fit(values, labels(values, 3))
    assert not converts(model) and not converts(model, 2)


def test_same_classes_same_bytes():
    values = matrix(500, 0)
    first, second = (estimators.to_onnx(boosting().fit(values, labels(values, 3)), 6, 3) for _ in range(2))
    assert first == second


def test_no_rows_have_no_probabilities():
    values = matrix(200, 0)
    predict = artifact.predictor(boosting().fit(values, labels(values, 3)), 3)
    assert predict(values[:0]).shape == (0, 3) and predict(values[:5]).sum(axis=1) == pytest.approx(np.ones(5))
