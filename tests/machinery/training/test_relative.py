"""The estimator of what a simple forecast misses: any size alike, stated fallbacks, the same scores and bytes as ONNX and from skops."""

import numpy as np
import pytest
from late_flights.factory.errors import FactoryError
from late_flights.factory.scoring import artifact, onnx_sessions
from late_flights.factory.scoring.relative import Relative
from late_flights.factory.training import estimator
from late_flights.factory.training.onnx import estimators, parity
from late_flights.factory.training.skops_schema import to_skops
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor, VotingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

NAMES = ["step", "seasonal_naive", "naive", "mean", "scale", "store"]
ROWS = 900


def table(size=1.0, offset=0.0):
    """Features and targets of series of several sizes; what seasonal naive misses is a third of the scale in odd steps."""
    random = np.random.default_rng(0)
    scale = random.choice([1.0, 10.0, 500.0], ROWS)
    naive, step = scale * random.normal(3, 1, ROWS), random.integers(1, 5, ROWS)
    target = naive + scale * (step % 2 / 3 + 0.01 * random.normal(size=ROWS))
    mean, store = naive - scale * random.normal(size=ROWS), random.integers(0, 3, ROWS)
    columns = [step, naive * size + offset, naive * size + offset, mean * size + offset, scale * size, store]
    return np.column_stack(columns).astype(np.float32), target * size + offset


def short(inputs):
    """The rows with shorter and shorter histories: no season, no scale, a series that never changes, nothing at all."""
    new = inputs.copy()
    new[::5, 1], new[1::5, 4], new[2::5, 4], new[3::5, 1:5] = np.nan, np.nan, 0, np.nan
    new[4::50, 4] = 1e-6  # by which everything is far away
    return new


def boosting():
    return HistGradientBoostingRegressor(max_iter=30, categorical_features=["store"], early_stopping=False, random_state=0)


def made(regressor, **more):
    base, levels = ["seasonal_naive", "naive"], ["seasonal_naive", "naive", "mean"]
    result = Relative(regressor, base=base, scale="scale", levels=levels, **more)
    estimator.by_position(result, NAMES)
    return result


REGRESSORS = {
    "simple": lambda: DummyRegressor(strategy="constant", constant=0.0),
    "median": lambda: DummyRegressor(strategy="median"),
    "boosting": boosting,
    "linear": lambda: make_pipeline(SimpleImputer(), Ridge()),
    "blend": lambda: VotingRegressor(
        [("trees", ExtraTreesRegressor(10, random_state=0)), ("boosting", boosting())], weights=[1, 2]
    ),
}


@pytest.mark.parametrize("least", [None, 2.0])
@pytest.mark.parametrize("name", REGRESSORS)
def test_scores_and_bytes(name, least, tmp_path):
    inputs, target = table()

    def fit():
        return estimator.fitted(made(REGRESSORS[name](), least=least), inputs, target)

    fitted = fit()
    content, graph = to_skops(fitted), estimators.to_onnx(fitted, len(NAMES))
    assert to_skops(fit()) == content and estimators.to_onnx(fit(), len(NAMES)) == graph
    (tmp_path / "model.skops").write_bytes(content)
    loaded = artifact.load_skops(tmp_path / "model.skops")  # no type beyond those that are known
    for rows in (inputs, short(inputs), np.full((3, len(NAMES)), np.nan, np.float32)):
        expected = artifact.predictor(loaded)(rows)
        scores = artifact.onnx_predictor(onnx_sessions.load(graph))(rows)
        assert np.isfinite(expected).all() and (least is None or expected.min() >= least)
        assert parity.differences(expected, scores).max() < parity.TOLERANCE / 100


@pytest.mark.parametrize("size", [1e-3, 1000.0])
def test_series_of_another_size_get_the_same_forecast(size):
    (inputs, target), (other, other_target) = table(), table(size)
    fitted = estimator.fitted(made(REGRESSORS["linear"]()), inputs, target)
    for each in (fitted, estimator.fitted(made(REGRESSORS["linear"]()), other, other_target)):
        np.testing.assert_allclose(each.predict(other), fitted.predict(inputs) * size, rtol=1e-3)


def test_series_of_another_level_look_the_same_but_for_how_far_zero_is():
    inputs, target = table()
    fitted = estimator.fitted(made(REGRESSORS["linear"]()), inputs, target)
    own, other = (fitted.transform(each)[0] for each in (inputs, table(8, 64)[0]))
    assert np.isclose(own, other, atol=1e-3).all(axis=0).tolist() == [name != "scale" for name in NAMES]


def test_it_learns_what_the_base_misses():
    inputs, target = table()
    fitted = estimator.fitted(made(boosting()), inputs, target)
    missed = np.abs(target - inputs[:, 1]).mean()
    assert np.abs(target - fitted.predict(inputs)).mean() < missed / 5


def test_stated_fallbacks():
    inputs, target = table()
    fitted = estimator.fitted(made(boosting()), inputs, target)
    rows = np.tile(inputs[:1], (4, 1))
    rows[0, 1], rows[0, 2], rows[0, 4] = np.nan, 7, np.nan  # a short history: one value, no season, no scale
    rows[1, 1], rows[1, 4] = 5, 0  # a series that never changed
    rows[2:, 1:5] = np.nan  # new series
    rows[2:, 0] = 1, 2
    answers = fitted.predict(rows)
    assert answers[:2].tolist() == [7, 5]
    assert np.abs(answers[2:] - target.mean()).max() < 3 * np.median(inputs[:, 4])


@pytest.mark.parametrize("value", [0.0, 12.0])
def test_series_that_never_change_are_forecast_as_they_are(value):
    inputs = np.full((60, len(NAMES)), value, np.float32)
    inputs[:, 0], inputs[:, 4], inputs[:, 5] = np.arange(60) % 4, np.nan, 0
    fitted = estimator.fitted(made(boosting()), inputs, np.full(60, value))
    graph = onnx_sessions.load(estimators.to_onnx(fitted, len(NAMES)))
    for scores in (fitted.predict(inputs), artifact.onnx_predictor(graph)(inputs)):
        assert (scores == value).all()


def test_no_row_to_learn_from_has_the_base():
    inputs, target = table()
    inputs[:, 1:5] = np.nan
    fitted = estimator.fitted(made(boosting()), inputs, target)
    np.testing.assert_allclose(fitted.predict(inputs), target.mean(), rtol=1e-6)


def test_a_column_that_is_no_feature_is_named():
    with pytest.raises(FactoryError, match="seasonal is not a feature"):
        estimator.by_position(Relative(boosting(), ["seasonal"], "scale"), NAMES)


def test_it_stops_early_by_rows_held_out_and_shows_each_round():
    inputs, target = table()
    late = np.arange(ROWS) % 3 == 0
    model = made(boosting().set_params(max_iter=400, early_stopping=True, scoring="loss"))
    fitted = estimator.fitted(model, inputs[~late], target[~late], X_val=inputs[late], y_val=target[late])
    stages = [*fitted.staged_predict(inputs)]
    assert len(stages) == fitted.regressor_.n_iter_ < 400
    np.testing.assert_array_equal(stages[-1], fitted.predict(inputs))
    assert np.abs(stages[0] - target).mean() > 2 * np.abs(stages[-1] - target).mean()
