"""What training refuses: features, parameters and types that must not or cannot be learned from, each in one line."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights import model
from late_flights.factory import errors
from late_flights.factory.training import leakage, train
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
    "text": (lambda rows: toy.features(rows).with_columns(rows["key"]), "features.py: key is String: make it a number"),
    "times": (lambda rows: toy.features(rows).with_columns(rows["seen"]), "features.py: seen is Datetime"),
}


@pytest.mark.parametrize("features, message", FEATURES.values(), ids=FEATURES)
def test_feature_that_must_not_be_learned_from(monkeypatch, features, message):
    for module in (leakage, train):
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
