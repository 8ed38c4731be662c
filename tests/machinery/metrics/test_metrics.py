"""Metrics: known values, honest intervals, and the threshold that earns most."""

import numpy as np
import pytest
from late_flights.factory import config
from late_flights.factory.metrics import bootstrap, curves, definitions, threshold
from sklearn import metrics as sk

RANDOM = np.random.default_rng(0)
TARGET = (RANDOM.random(300) < 0.4).astype(float)
SCORE = np.clip(0.3 * TARGET + RANDOM.random(300) * 0.7, 0, 1)
VALUES = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 8.0])


def earned(target, decision, value):
    count = threshold.confusion_counts(target, decision)
    return sum(count[outcome] * getattr(value, outcome) for outcome in count)


@pytest.mark.parametrize("decimals", [1, 2, 9])
@pytest.mark.parametrize(
    "value",
    [
        {"true_positive": 2, "false_positive": -1, "false_negative": -2},
        {"true_positive": 1, "false_positive": -5},
        {"true_positive": -1, "true_negative": 3},
        {"true_positive": 1},
    ],
)
def test_threshold_earns_as_much_as_the_best_of_all(decimals, value):
    value, score = config.Value(**value), SCORE.round(decimals)
    best = max(earned(TARGET, score >= limit, value) for limit in [*score, 2.0])
    assert earned(TARGET, score >= threshold.best_threshold(TARGET, score, value), value) == best


@pytest.mark.parametrize("decimals", [1, 9])
@pytest.mark.parametrize(
    "name, theirs",
    [
        ("average_precision", sk.average_precision_score),
        ("roc_auc", sk.roc_auc_score),
        ("log_loss", sk.log_loss),
        ("brier", sk.brier_score_loss),
    ],
)
def test_figures_of_two_classes_are_those_of_scikit_learn(name, theirs, decimals):
    for score in (SCORE.round(decimals), np.full_like(SCORE, 0.4), np.round(SCORE)):
        assert definitions.METRICS["classification"][name](TARGET, score) == pytest.approx(theirs(TARGET, score), abs=1e-12)


@pytest.mark.parametrize(
    "name, theirs",
    [("mae", sk.mean_absolute_error), ("rmse", sk.root_mean_squared_error), ("r2", sk.r2_score)],
)
def test_figures_of_a_regression_are_those_of_scikit_learn(name, theirs):
    for target in (10 * SCORE + TARGET, np.full_like(SCORE, 3.0)):
        assert definitions.METRICS["regression"][name](target, SCORE) == pytest.approx(theirs(target, SCORE), abs=1e-12)


def test_decision_that_never_pays_is_never_made():
    assert threshold.best_threshold(TARGET, np.ones_like(SCORE), config.Value(false_positive=-9)) > 1


@pytest.mark.parametrize("problem, target", [("classification", TARGET), ("regression", 10 * SCORE + TARGET)])
def test_interval_holds_the_value_and_the_baseline_is_worse(problem, target):
    estimates = bootstrap.estimates(
        definitions.METRICS[problem], target, 10 * SCORE + 0.4 if problem == "regression" else SCORE, target.mean()
    )
    assert estimates.keys() == definitions.METRICS[problem].keys()
    for name, estimate in estimates.items():
        assert estimate.low <= estimate.value <= estimate.high, name
        if definitions.direction(name) > 0:
            assert estimate.value > estimate.baseline


def test_interval_is_the_same_each_time_and_shrinks_with_rows():
    def estimate(repeats):
        return bootstrap.estimates(definitions.METRICS["regression"], np.tile(TARGET, repeats), np.tile(SCORE, repeats), 0.4)[
            "mae"
        ]

    one, nine = estimate(1), estimate(9)
    assert estimate(1) == one
    assert nine.high - nine.low < (one.high - one.low) / 2


def test_smaller_resamples_give_about_the_same_interval(monkeypatch):
    target, score = np.tile(TARGET, 20), np.tile(SCORE, 20) * (1 - 0.1 * RANDOM.random(6000))
    whole = bootstrap.estimates(definitions.METRICS["classification"], target, score, 0.4)
    monkeypatch.setattr(bootstrap, "MAX_RESAMPLE_ROWS", 1500)
    for name, part in bootstrap.estimates(definitions.METRICS["classification"], target, score, 0.4).items():
        width = whole[name].high - whole[name].low
        assert (part.value, part.baseline) == (whole[name].value, whole[name].baseline)
        assert part.high - part.low == pytest.approx(width, rel=0.3)
        assert part.low == pytest.approx(whole[name].low, abs=0.3 * width)


def test_figures_by_hand():
    by_hand = {"mae": 1.0, "rmse": 2.0, "r2": -2.2, "error_q50": 0.0, "error_q95": 3.4}
    for name, value in by_hand.items():
        assert definitions.METRICS["regression"][name](*VALUES) == pytest.approx(value)
    by_hand = {"average_precision": 5 / 6, "roc_auc": 0.75, "brier": 0.25}
    target, score = np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 1 - 1e-9, 1 - 2e-9, 0.0])
    for name, value in by_hand.items():
        assert definitions.METRICS["classification"][name](target, score) == pytest.approx(value)


@pytest.mark.parametrize("problem", definitions.METRICS)
def test_table_names_each_metric_once_and_one_name_has_one_direction(problem):
    for name, metric in definitions.METRICS[problem].items():
        assert metric.name == name and metric.label and metric.meaning
        assert metric.direction == definitions.direction(name)


def test_confusion_counts_each_row_once():
    count = threshold.confusion_counts(np.array([1.0, 1, 1, 0, 0, 0]), np.array([True, True, False, True, False, False]))
    assert count == {"true_positive": 2, "false_negative": 1, "false_positive": 1, "true_negative": 2}


def test_curves_are_short_finite_and_span_the_shares():
    roc = curves.classification(np.tile(TARGET, 9), np.tile(SCORE, 9) * RANDOM.random(2700))["roc"]
    assert roc.height <= curves.POINTS
    assert roc.row(0) == (0, 0) and roc.row(-1) == (1, 1)
    by_tenth = curves.regression(10 * SCORE, 10 * SCORE)["predicted_observed"]
    assert by_tenth["predicted"].to_list() == pytest.approx(by_tenth["observed"].to_list())


@pytest.mark.parametrize("problem, name", [("classification", "roc_auc"), ("classification", "brier")])
def test_improvement_is_positive_where_the_score_is_better(monkeypatch, problem, name):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 40)
    worse = np.clip(SCORE + RANDOM.normal(0, 0.3, 300), 0, 1)
    metric = definitions.METRICS[problem][name]
    there = bootstrap.improvement(metric, TARGET, SCORE, worse)
    back = bootstrap.improvement(metric, TARGET, worse, SCORE)
    assert there.value == pytest.approx(abs(metric(TARGET, SCORE) - metric(TARGET, worse)))
    assert 0 < there.low < there.value < there.high
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))


def test_improvement_is_paired():
    """What is hard for both cancels out: a constant gain has no spread, however much the target has."""
    target, score = 100 * RANDOM.random(300), np.zeros(300)
    gain = bootstrap.improvement(definitions.METRICS["regression"]["error_q50"], target, score, score + 1)
    assert (gain.value, gain.low, gain.high) == pytest.approx((1, 1, 1))


def test_calibration_error_by_hand():
    """Of twenty scores two make a tenth; in the last both are off by a half, in the others none."""
    score = np.repeat(np.arange(10) / 10, 2)
    assert definitions.calibration_error(score + np.where(score == 0.9, 0.5, 0), score) == pytest.approx(0.05)
    half = np.full(20, 0.5)
    assert definitions.calibration_error(np.tile([0.0, 1.0], 10), half) == 0
    assert definitions.calibration_error(np.ones(20), half) == 0.5


def test_value_of_each_outcome():
    value = config.Value(true_positive=1, false_positive=-2, true_negative=3, false_negative=-4)
    values = threshold.decision_values(np.array([1.0, 0, 0, 1]), np.array([True, True, False, False]), value)
    assert values.tolist() == [1, -2, 3, -4]
    assert threshold.decision_values(TARGET, SCORE > 0.5, value).sum() == earned(TARGET, SCORE > 0.5, value)
