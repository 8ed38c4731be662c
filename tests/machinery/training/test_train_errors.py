"""What training refuses: features, parameters and types that must not or cannot be learned from, each in one line."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights import features as yours
from late_flights import model
from late_flights.factory import errors
from late_flights.factory.scoring import feature_table, scorer
from late_flights.factory.training import leakage, row_by_row, train
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from tests.factory import toy
from tests.factory.cli_runner import refused

pytestmark = pytest.mark.usefixtures("trained")


def leaking(rows):
    """The target as a feature, where there is one: the features of no rows are made without it."""
    target = rows["answer"] if "answer" in rows.columns else pl.Series([], dtype=pl.Boolean)
    return toy.features(rows).with_columns(target.cast(pl.Int8).alias("leak"))


FEATURES = {
    "target leakage": (leaking, "features.py: leak alone predicts answer"),
    "times": (lambda rows: toy.features(rows).with_columns(rows["seen"]), "features.py: seen is Datetime"),
}


COMPUTED = {
    "fewer rows": (lambda rows: toy.features(rows).head(5), "features.py: of 200 rows features() returns 5"),
    "nothing": (lambda rows: None, "features.py: features() returns NoneType"),
    "a plan": (lambda rows: toy.features(rows).lazy(), "features.py: features() returns LazyFrame"),
    "no column": (lambda rows: rows.select(), "features.py: features() returns no column"),
    "other rows": (lambda rows: toy.features(rows).with_columns(mean=pl.col("amount").mean()), "features.py: mean is "),
    "their order": (lambda rows: toy.features(rows).with_columns(pl.col("amount").shift()), "features.py: amount is "),
    "chance": (
        lambda rows: toy.features(rows).with_columns(pl.Series("dice", np.random.default_rng().random(rows.height))),
        "features.py: dice is ",
    ),
    "infinity": (
        lambda rows: toy.features(rows).with_columns(pl.lit(1.0).alias("amount") / 0),
        "features.py: amount is infinite",
    ),
}


@pytest.mark.parametrize("features, message", COMPUTED.values(), ids=COMPUTED)
def test_features_that_are_none(monkeypatch, features, message):
    monkeypatch.setattr(feature_table, "compute", features)
    for module in (leakage, row_by_row, scorer, train):
        monkeypatch.setattr(module, "features", feature_table.features)
    assert refused("train").startswith(message)


class Odd(DummyClassifier):
    """Fits, and then gives what it should not."""

    def __init__(self, gives=None):
        super().__init__()
        self.gives = gives

    def predict_proba(self, X):
        return self.gives(super().predict_proba(X))


class Absent(DummyClassifier):
    def fit(self, X, y):
        super().fit(X, y)


ESTIMATORS = {
    "nothing": (None, "model.py: model() returns NoneType"),
    "a class": (DummyClassifier, "model.py: model() returns the class DummyClassifier"),
    "no probabilities": (DummyRegressor(), "model.py: DummyRegressor has no predict_proba"),
    "more than certain": (Odd(lambda scores: scores * 3), "model.py: Odd gives probabilities from 1."),
    "no number": (Odd(lambda scores: scores * np.nan), "model.py: Odd gives NaN or infinity"),
    "no scores": (Odd(lambda scores: None), "model.py: Odd gives no number"),
    "no fitted estimator": (Absent(), "model.py: fit() of Absent returns NoneType"),
}


@pytest.mark.parametrize("estimator, message", ESTIMATORS.values(), ids=ESTIMATORS)
def test_estimator_that_is_none(monkeypatch, estimator, message):
    monkeypatch.setattr(model, "model", lambda problem, features, **parameters: estimator)
    assert refused("train").startswith(message)


def test_error_in_your_own_code_is_one_line_with_its_place(monkeypatch):
    names = {}
    exec(compile("\n\ndef features(rows):\n    return rows.select(1 / 0)", yours.__file__, "exec"), names)  # noqa: S102
    monkeypatch.setattr(row_by_row, "features", names["features"])
    assert refused("train") == "features.py, line 4: ZeroDivisionError: division by zero"


def test_out_of_memory_leaves_the_model(monkeypatch):
    def greedy(rows, params, encoders):
        raise MemoryError("Unable to allocate 9 TiB")

    before = Path("model/manifest.json").read_bytes()
    monkeypatch.setattr(train, "learn", greedy)
    assert "Unable to allocate 9 TiB" in refused("train")
    assert Path("model/manifest.json").read_bytes() == before


@pytest.mark.parametrize("features, message", FEATURES.values(), ids=FEATURES)
def test_feature_that_must_not_be_learned_from(monkeypatch, features, message):
    for module in (leakage, row_by_row, train):
        monkeypatch.setattr(module, "features", features)
    assert refused("train").startswith(message)


PARAMETERS = {
    "unknown parameter": ({"colour": 1}, "params.yaml, model: "),
    "bad parameter": ({"max_iter": -1}, "params.yaml, model: The 'max_iter' parameter"),
}


@pytest.mark.parametrize("parameters, message", PARAMETERS.values(), ids=PARAMETERS)
def test_parameter_that_the_model_cannot_take(parameters, message):
    Path("params.yaml").write_text(toy.text(model=parameters), encoding="utf-8")
    assert message in refused("train")


def test_unreviewed_type(monkeypatch):
    odd = make_pipeline(FunctionTransformer(np.zeros_like), LogisticRegression())
    monkeypatch.setattr(model, "model", lambda problem, features, **parameters: odd)
    assert 'review "numpy.zeros_like" and add them to TRUSTED_TYPES in model.py' in refused("train")


def test_class_without_rows_to_learn_from_is_named():
    rows = toy.rows(200, "multiclass").filter(pl.col("answer") != "middle")
    with pytest.raises(errors.FactoryError, match="answer: no training row has the class middle"):
        train.fit(rows, toy.params("multiclass"))
