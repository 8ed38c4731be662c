"""The estimator of model.py: its columns are named, or by position as in older projects, and the manifest describes it."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights import model
from late_flights.factory import errors, manifest
from late_flights.factory.scoring import scorer
from late_flights.factory.training import estimator
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tests.factory import toy
from tests.factory.cli_runner import run

SCHEMA = pl.Schema({"amount": pl.Float64(), "kind": pl.Enum(["a", "b"]), "gap": pl.Int16()})


def use(patch, function):
    patch.setattr(model, "model", function)


def build(patch, made):
    use(patch, lambda problem, features, **parameters: made)
    return estimator.build("classification", {}, SCHEMA)


def test_model_gets_names_and_types_or_positions_as_before(monkeypatch):
    given = []
    use(monkeypatch, lambda problem, features, **parameters: given.append((features, parameters)) or DummyClassifier())
    estimator.build("classification", {"depth": 3}, SCHEMA)
    use(monkeypatch, lambda problem, places, **parameters: given.append((places, parameters)) or DummyClassifier())
    estimator.build("classification", {"depth": 3}, SCHEMA)
    assert given == [(SCHEMA, {"depth": 3}), ([1], {"depth": 3})]


@pytest.mark.parametrize(
    "kind", [HistGradientBoostingRegressor, lambda **p: TransformedTargetRegressor(HistGradientBoostingRegressor(**p)).regressor]
)
def test_columns_of_boosting_may_be_named(monkeypatch, kind):
    made = build(monkeypatch, kind(categorical_features=["kind"], monotonic_cst={"gap": -1}))
    assert (made.categorical_features, made.monotonic_cst) == ([1], [0, 0, -1])
    assert build(monkeypatch, kind(categorical_features=[2])).categorical_features == [2]
    assert build(monkeypatch, kind()).categorical_features == "from_dtype"


def test_columns_of_a_column_transformer_may_be_named(monkeypatch):
    select = make_column_selector()
    columns = make_column_transformer((OneHotEncoder(), ["kind"]), (StandardScaler(), "gap"), ("drop", [0]), ("drop", select))
    build(monkeypatch, make_pipeline(columns, LogisticRegression()))
    assert [step[2] for step in columns.transformers] == [[1], 2, [0], select]


def test_wrapped_estimator_has_the_same_columns(monkeypatch):
    wrapped = HistGradientBoostingClassifier(categorical_features=["kind"])
    build(monkeypatch, CalibratedClassifierCV(wrapped))
    assert wrapped.categorical_features == [1]


def test_estimators_of_a_vote_have_the_same_columns(monkeypatch):
    voter = HistGradientBoostingClassifier(categorical_features=["kind"])
    build(monkeypatch, VotingClassifier([("first", voter), ("second", "drop")]))
    assert voter.categorical_features == [1]


def test_columns_behind_the_first_step_are_others(monkeypatch):
    columns = make_column_transformer((OneHotEncoder(), ["kind"]))
    build(monkeypatch, make_pipeline(SimpleImputer(), columns))
    assert columns.transformers[0][2] == ["kind"]


@pytest.mark.parametrize(
    "made",
    [make_column_transformer((OneHotEncoder(), ["kin"])), HistGradientBoostingClassifier(monotonic_cst={"kin": 1})],
)
def test_unknown_column_is_named(monkeypatch, made):
    with pytest.raises(errors.FactoryError, match="kin is not a feature: amount, kind, gap are"):
        build(monkeypatch, made)


@pytest.mark.parametrize("column", ["gap", "kind"])
def test_feature_that_is_unknown_in_all_rows_has_no_influence(column):
    rows = toy.rows()
    schema, inputs = toy.features(rows).schema, scorer.matrix(toy.features(rows))
    place = schema.names().index(column)
    inputs[:, place] = np.nan
    fitted = estimator.fit(inputs, rows["answer"].cast(float).to_numpy(), toy.params(), schema)
    assert np.isnan(inputs[:, place]).all()
    scores = fitted.predict_proba(inputs)
    for value in (0, 1):
        inputs[:, place] = value
        assert (fitted.predict_proba(inputs) == scores).all()


def linear(problem, features, **parameters):
    categorical = [name for name, dtype in features.items() if dtype == pl.Enum]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="constant", fill_value=-1), one_hot), categorical),
        (make_pipeline(SimpleImputer(), StandardScaler()), [name for name in features if name not in categorical]),
    )
    return make_pipeline(columns, LogisticRegression(**parameters))


@pytest.mark.usefixtures("trained")
def test_linear_model_by_names_is_trained_described_and_exported(monkeypatch):
    use(monkeypatch, linear)
    Path("params.yaml").write_text(toy.text(model={"C": 0.5}), encoding="utf-8")
    assert run("train").exit_code == 0
    found = manifest.read_manifest(Path("model"))
    assert found["estimator"]["class"] == "sklearn.pipeline.Pipeline"
    assert found["estimator"]["parameters"]["logisticregression__C"] == 0.5
    assert found["estimator"]["parameters"]["columntransformer__transformers"][0][2] == ["kind"]
    assert "model.onnx" in found["files"]


@pytest.mark.usefixtures("trained")
def test_older_model_makes_the_same_bytes(monkeypatch):
    before = Path("model/model.skops").read_bytes()
    use(monkeypatch, lambda problem, categorical, **p: HistGradientBoostingClassifier(
        categorical_features=categorical, early_stopping=False, **p
    ))  # fmt: skip
    assert run("train").exit_code == 0
    assert Path("model/model.skops").read_bytes() == before


class Odd(BaseEstimator):
    def __init__(self, rate=None, missing=np.nan, steps=(), key=len, seen=None):
        self.rate, self.missing, self.steps, self.key, self.seen = rate, missing, steps, key, seen


def test_parameters_are_described_by_what_json_holds(monkeypatch):
    odd = {"rate": np.float32(0.5), "steps": (("forest", DummyClassifier()),), "seen": {1: np.arange(2), 2: str.lower}}
    use(monkeypatch, lambda problem, features, **parameters: Odd(**parameters))
    found = estimator.describe("classification", odd, SCHEMA)
    assert found["class"] == f"{__name__}.Odd"
    assert json.loads(json.dumps(found["parameters"], allow_nan=False)) == {
        "rate": 0.5,
        "missing": "nan",
        "steps": [["forest", "sklearn.dummy.DummyClassifier"]],
        "key": "builtins.len",
        "seen": {"1": [0, 1], "2": "builtins.str.lower"},
    }


@pytest.mark.usefixtures("trained")
def test_manifest_names_the_estimator():
    found = manifest.read_manifest(Path("model"))["estimator"]
    assert found["class"] == "sklearn.ensemble.HistGradientBoostingClassifier"
    assert found["parameters"]["max_iter"] == 20 and found["parameters"]["categorical_features"] == ["kind"]
