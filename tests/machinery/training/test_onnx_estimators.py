"""ONNX scores as scikit-learn does, or is not written; both are the same bytes each time."""

import os
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import skops.io
from late_flights.factory import errors, manifest
from late_flights.factory.training import skops_schema
from late_flights.factory.training.onnx import estimators
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

CATEGORIES = {1: 5, 3: 40, 5: 200}


def matrix(rows, seed, unseen=0):
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, 6)).astype(np.float32)
    for column, size in CATEGORIES.items():
        codes = random.integers(0, size + unseen, rows)
        values[:, column] = codes * 3 if column == 3 else codes
    values[random.random(values.shape) < 0.1] = np.nan
    if unseen:
        values[:20, 5], values[20:40, 3], values[40:60, 1], values[60:80] = 1e6, 7, 999, np.nan
    return values


def target(values):
    values = np.nan_to_num(values)
    return values[:, 0] + np.sin(values[:, 1] * 3) + np.cos(values[:, 3] * 7) + np.sin(values[:, 5] * 5)


def score(estimator, values, threads=1, classes=0):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(estimators.to_onnx(estimator, values.shape[1], classes), options)
    (scores,) = session.run(["score"], {"features": values})
    assert scores.shape == ((len(values), classes) if classes else (len(values),))
    return scores


def expected(estimator, values):
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(values)[:, 1]
    return estimator.predict(values)


BOOSTING = {
    "classifier": (HistGradientBoostingClassifier, {}, lambda y: y > 0),
    "squared_error": (HistGradientBoostingRegressor, {}, lambda y: y),
    "poisson": (HistGradientBoostingRegressor, {"loss": "poisson"}, np.exp),
    "gamma": (HistGradientBoostingRegressor, {"loss": "gamma"}, np.exp),
    "stump": (HistGradientBoostingRegressor, {"min_samples_leaf": 2000}, lambda y: y),
}


@pytest.mark.parametrize("categorical", [None, [1, 3, 5], [5]])
@pytest.mark.parametrize("kind, options, outcome", BOOSTING.values(), ids=BOOSTING)
def test_boosting(kind, options, outcome, categorical):
    options = {"min_samples_leaf": 5, "max_iter": 20, "random_state": 0, **options}
    values = matrix(2000, 0)
    model = kind(categorical_features=categorical, **options).fit(values, outcome(target(values)))
    for unseen, threads in ((0, 1), (30, 2)):
        new = matrix(3000, 100, unseen)
        np.testing.assert_allclose(score(model, new, threads), expected(model, new), rtol=2e-5, atol=2e-6)


def test_thresholds_are_exact():
    values = np.random.default_rng(0).normal(size=(1000, 1)).astype(np.float32)
    model = HistGradientBoostingRegressor(max_iter=1, learning_rate=1).fit(values, values.ravel())
    cuts = np.float32(model._predictors[0][0].nodes["num_threshold"])
    near = np.concatenate([cuts, np.nextafter(cuts, np.float32(9)), np.nextafter(cuts, -cuts)])
    near = near.reshape(-1, 1).astype(np.float32)
    np.testing.assert_allclose(score(model, near), model.predict(near), atol=1e-6)


def linear():
    category = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False))
    return make_column_transformer((category, [1, 3]), (make_pipeline(SimpleImputer(), StandardScaler()), [0, 2, 4]))


PIPELINES = {
    "logistic": make_pipeline(linear(), LogisticRegression()),
    "forest": make_pipeline(SimpleImputer(), RandomForestClassifier(10, random_state=0)),
    "ridge": make_pipeline(SimpleImputer(), StandardScaler(), Ridge()),
}


@pytest.mark.parametrize("model", PIPELINES.values(), ids=PIPELINES)
def test_pipelines(model):
    values = matrix(1000, 0)
    model.fit(values, target(values) if isinstance(model[-1], Ridge) else target(values) > 0)
    new = matrix(1000, 1, 30)
    new = np.where(np.abs(new) > 500, np.nan, new)
    np.testing.assert_allclose(score(model, new), expected(model, new), atol=1e-4)


def converts(model, classes=0):
    try:
        return bool(estimators.to_onnx(model, 6, classes))
    except Exception:  # noqa: BLE001  converters raise whatever they like
        return False


def test_what_cannot_be_converted_is_silent(capfd, recwarn):
    values = matrix(100, 0)
    sparse = make_pipeline(make_column_transformer((OneHotEncoder(), [1])), LogisticRegression())
    assert not converts(sparse.fit(values, target(values) > 0))
    assert not converts(HistGradientBoostingClassifier(max_iter=2).fit(values, np.arange(100) % 3))
    assert not converts(DummyClassifier().fit(values, target(values) > 0))
    assert not converts(object())
    assert capfd.readouterr() == ("", "") and not recwarn


def fingerprints():
    values = matrix(10_500, 0)  # scikit-learn works in parallel from 10,000 rows on
    boosting = HistGradientBoostingClassifier(random_state=0, max_iter=5, categorical_features=[1, 3, 5])
    for model in (boosting, make_pipeline(linear(), LogisticRegression())):
        with threadpool_limits(1, user_api="blas"):
            model.fit(values, target(values) > 0)
        for content in (estimators.to_onnx(model, 6), skops_schema.to_skops(model)):
            yield manifest.sha256(content)


def test_threads_and_hash_seed_do_not_change_the_bytes():
    other = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import fingerprints\nprint(*fingerprints(), sep='\\n')"],
        env=os.environ | {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert other.stdout.split() == list(fingerprints())


def test_skops_comes_back():
    values = matrix(500, 0)
    model = HistGradientBoostingClassifier(max_iter=5, random_state=0, categorical_features=[1, 3, 5])
    model.fit(values, target(values) > 0)
    content = skops_schema.to_skops(model)
    loaded = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    np.testing.assert_array_equal(loaded.predict_proba(values), model.predict_proba(values))
    assert estimators.to_onnx(loaded, 6) == estimators.to_onnx(model, 6)


def onnx_reason(folder, estimator):
    """Why there is no model.onnx, and whether there is one."""
    values = matrix(1000, 0)
    known = np.nan_to_num(values)
    estimator.fit(values, target(known) > 0)
    estimators.save(folder / "model", estimator, {}, np.vstack([values, known, matrix(200, 1, 30)]))
    parity = manifest.read_manifest(folder / "model")["onnx"]
    return parity["reason"], (folder / "model/model.onnx").exists(), parity["largest_difference"]


def forest():
    return RandomForestClassifier(5, random_state=0)


def test_forest_differs_where_values_are_missing_and_agrees_once_they_are_imputed(tmp_path):
    reason, exists, difference = onnx_reason(tmp_path / "gaps", forest())
    assert "all with missing values" in reason and "impute" in reason and not exists and difference > 0.1
    reason, exists, difference = onnx_reason(tmp_path / "imputed", make_pipeline(SimpleImputer(), forest()))
    assert reason is None and exists and difference < 1e-5


def one_hot(**options):
    encoder = make_pipeline(SimpleImputer(strategy="constant", fill_value=-1), OneHotEncoder(sparse_output=False, **options))
    rest = make_pipeline(SimpleImputer(), StandardScaler())
    return make_pipeline(make_column_transformer((encoder, [1]), (rest, [0, 2])), LogisticRegression())


def test_graph_that_fails_on_unseen_categories_is_not_kept(tmp_path):
    reason, exists, difference = onnx_reason(tmp_path, one_hot(handle_unknown="infrequent_if_exist"))
    assert reason.startswith("conversion failed: ") and not exists and difference is None


def test_reason_is_the_same_in_every_run(tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError(f"no converter for {object()}")

    monkeypatch.setattr(estimators, "to_onnx", fail)
    assert onnx_reason(tmp_path, forest())[0] == "conversion failed: no converter for <object object>"


def test_estimator_that_fails_on_unseen_categories_is_refused(tmp_path):
    with pytest.raises(errors.FactoryError, match="cannot predict some of the rows: Found unknown categories"):
        onnx_reason(tmp_path, one_hot())
