"""Metrics: known values, honest intervals, and the threshold that earns most."""

import numpy as np
import pytest

from .. import config, curves, metrics

RANDOM = np.random.default_rng(0)
TARGET = (RANDOM.random(300) < 0.4).astype(float)
SCORE = np.clip(0.3 * TARGET + RANDOM.random(300) * 0.7, 0, 1)
VALUES = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 8.0])


def earned(target, decision, value):
    count = metrics.confusion(target, decision)
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
    assert earned(TARGET, score >= metrics.best_threshold(TARGET, score, value), value) == best


def test_decision_that_never_pays_is_never_made():
    threshold = metrics.best_threshold(TARGET, np.ones_like(SCORE), config.Value(false_positive=-9))
    assert threshold > 1


@pytest.mark.parametrize("problem, target", [("classification", TARGET), ("regression", 10 * SCORE + TARGET)])
def test_interval_holds_the_value_and_the_baseline_is_worse(problem, target):
    found = metrics.estimates(problem, target, 10 * SCORE + 0.4 if problem == "regression" else SCORE, target.mean())
    assert found.keys() == metrics.METRICS[problem].keys()
    for name, estimate in found.items():
        assert estimate.low <= estimate.value <= estimate.high, name
        if name in metrics.HIGHER_IS_BETTER:
            assert estimate.value > estimate.baseline


def test_interval_is_the_same_each_time_and_shrinks_with_rows():
    def estimate(repeats):
        return metrics.estimates("regression", np.tile(TARGET, repeats), np.tile(SCORE, repeats), 0.4)["mae"]

    one, nine = estimate(1), estimate(9)
    assert estimate(1) == one
    assert nine.high - nine.low < (one.high - one.low) / 2


def test_known_values():
    known = {"mae": 1.0, "rmse": 2.0, "r2": -2.2, "error_q50": 0.0, "error_q95": 3.4}
    for name, value in known.items():
        assert metrics.METRICS["regression"][name](*VALUES) == pytest.approx(value)
    known = {"average_precision": 5 / 6, "roc_auc": 0.75, "brier": 0.25}
    target, score = np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 1 - 1e-9, 1 - 2e-9, 0.0])
    for name, value in known.items():
        assert metrics.METRICS["classification"][name](target, score) == pytest.approx(value)


def test_confusion_counts_each_row_once():
    count = metrics.confusion(np.array([1.0, 1, 1, 0, 0, 0]), np.array([True, True, False, True, False, False]))
    assert count == {"true_positive": 2, "false_negative": 1, "false_positive": 1, "true_negative": 2}


def test_curves_are_short_finite_and_span_the_shares():
    roc = curves.classification(np.tile(TARGET, 9), np.tile(SCORE, 9) * RANDOM.random(2700))["roc"]
    assert roc.height <= curves.POINTS
    assert roc.row(0) == (0, 0) and roc.row(-1) == (1, 1)
    by_tenth = curves.regression(10 * SCORE, 10 * SCORE)["predicted_observed"]
    assert by_tenth["predicted"].to_list() == pytest.approx(by_tenth["observed"].to_list())
