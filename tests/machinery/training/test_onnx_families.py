"""What `factory candidates` may write: as ONNX the same scores, also of unknown values and categories, and the same bytes each time."""

import numpy as np
import polars as pl
import pytest
from late_flights.factory.scoring import artifact, onnx_sessions
from late_flights.factory.training import estimator, families
from late_flights.factory.training.onnx import estimators
from late_flights.factory.training.skops_schema import to_skops
from sklearn.ensemble import ExtraTreesRegressor, VotingClassifier
from sklearn.linear_model import LogisticRegression

SCHEMA = pl.Schema({"a": pl.Float64(), "b": pl.Float64(), "c": pl.Float64(), "d": pl.Enum([]), "e": pl.Boolean()})
ROWS = 600


def matrix():
    random = np.random.default_rng(0)
    values = random.normal(size=(ROWS, 5)).astype(np.float32)
    values[:, 1] = np.exp(values[:, 1]) * 1000
    values[:, 3], values[:, 4] = random.integers(0, 4, ROWS), random.integers(0, 2, ROWS)
    values[::9, 0], values[::7, 3], values[::11, 4] = np.nan, np.nan, np.nan
    return values


def hard(values):
    """Unknown values, categories that no training row has, and rows of nothing."""
    new = values.copy()
    new[::5, 1], new[:40, 3], new[60:80] = np.nan, 9, np.nan
    return new


def target(problem):
    values = np.nan_to_num(matrix())
    amount = values[:, 0] + values[:, 1] / 1000 + values[:, 3] + 8
    return {"regression": amount, "classification": amount > 11, "multiclass": np.digitize(amount, [10, 12])}[problem].astype(
        float
    )


def made(problem, name):
    one = {
        "linear": lambda: families.linear(problem, SCHEMA, 10.0),
        "bins": lambda: families.linear(problem, SCHEMA, 10.0, 9),
        "boosting": lambda: families.boosting(problem, SCHEMA, max_iter=10, random_state=0),
        "extra_trees": lambda: families.extra_trees(problem, SCHEMA, 10, 3, 0.5),
        "stumps": lambda: families.extra_trees(problem, SCHEMA, 3, ROWS, 0.5),
    }
    if name == "blend":
        return families.blend(problem, {each: one[each]() for each in ("bins", "boosting", "extra_trees")}, [2, 3, 1])
    if name == "logarithm":
        return families.of_logarithm(families.blend(problem, {each: one[each]() for each in ("linear", "boosting")}, [1, 2]))
    return one[name]()


NAMES = ["linear", "bins", "boosting", "extra_trees", "stumps", "blend"]
CASES = [(problem, name) for problem in ("classification", "multiclass", "regression") for name in NAMES]


@pytest.mark.parametrize("problem, name", [*CASES, ("regression", "logarithm")])
def test_scores_and_bytes(problem, name, tmp_path):
    classes = 3 if problem == "multiclass" else 0
    values, new = matrix(), hard(matrix())

    def fit():
        model = made(problem, name)
        estimator.by_position(model, SCHEMA.names())
        return estimator.fitted(model, values, target(problem))

    fitted = fit()
    content, graph = to_skops(fitted), estimators.to_onnx(fitted, 5, classes)
    assert to_skops(fit()) == content and estimators.to_onnx(fit(), 5, classes) == graph
    (tmp_path / "model.skops").write_bytes(content)
    loaded = artifact.load_skops(tmp_path / "model.skops")  # no type beyond those that are known
    expected = artifact.predictor(loaded, classes)(new)
    scores = artifact.onnx_predictor(onnx_sessions.load(graph))(new)
    assert scores.shape == expected.shape
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_other_blends_are_left_to_skl2onnx_or_refused():
    values = np.nan_to_num(matrix())
    dropped = VotingClassifier([("a", LogisticRegression()), ("b", "drop")], voting="soft", weights=[1, 2])
    with pytest.raises(ValueError, match="dropped"):
        estimators.to_onnx(dropped.fit(values, target("classification")), 5)
    several = ExtraTreesRegressor(5, random_state=0).fit(values, target("regression"))
    scores = artifact.onnx_predictor(onnx_sessions.load(estimators.to_onnx(several, 5)))(values)
    np.testing.assert_allclose(scores, several.predict(values), rtol=1e-6)
