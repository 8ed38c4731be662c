"""The gate's checks of forecasts: each is broken, and refuses by its own name."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from late_flights.factory.gate import checks, data_checks
from late_flights.factory.metrics import definitions
from late_flights.factory.metrics.fairness import Predictions

from machinery.forecast_evidence import guess, interval, params, passing, rows

EVIDENCE = passing()
GOOD = interval(-1000.0, 1000.0)


def refusals(**parts):
    return {check.code for check in checks.run_checks(replace(EVIDENCE, **parts)) if not check.passed}


def both(score):
    return {"challenger": Predictions(score), "champion": Predictions(score)}


def test_good_forecast_passes_and_so_does_a_first_one():
    assert refusals() == set() == refusals(champion=None)


def test_seasonal_naive_forecast_is_refused_as_it_does_not_beat_itself():
    assert refusals(**both(EVIDENCE.test["seasonal_naive"].to_numpy())) == {"BASELINE"}


def test_worse_than_naive_is_refused():
    assert "BASELINE" in refusals(**both(guess(EVIDENCE.test, 3.0)))


@pytest.mark.parametrize("best", ["naive", "mean", "drift"])
def test_best_of_the_simple_forecasts_has_to_be_beaten_too(best):
    """Better than the seasonal naive forecast is not enough where there is no season."""
    test = EVIDENCE.test.with_columns(pl.Series(best, guess(EVIDENCE.test, 0.1)))
    seasonal, simple = checks.better_than_baseline(replace(EVIDENCE, test=test))
    assert seasonal.passed and not simple.passed and best in simple.what
    assert refusals(test=test) == {"BASELINE"}


def test_gain_that_may_be_chance_is_refused():
    """Of many rows, but few blocks of times, the same ones are good by chance."""
    test = rows(series=5, times=24 * 9, every=3)
    noise = np.random.default_rng(5).normal(0, 1, 40).repeat(24)[: test["at"].n_unique()]
    by_time = dict(zip(test["at"].unique().sort(), noise, strict=True))
    better = test["seasonal_naive"] + test["scale"] * test["at"].replace_strict(by_time) * 0.1
    target = definitions.target_of(test, params())
    score = better.to_numpy()
    seasonal, _ = checks.better_than_baseline(replace(EVIDENCE, test=test, target=target, challenger=Predictions(score)))
    assert not seasonal.passed and seasonal.low < 0


@pytest.mark.parametrize("share, passes", [(0.80, False), (0.84, True), (0.90, True), (0.95, True), (1.0, False)])
def test_intervals_of_forecasts_are_neither_too_narrow_nor_too_wide(share, passes):
    errors = np.abs(EVIDENCE.target - EVIDENCE.challenger.score)
    width = float(np.quantile(errors, share)) if share < 1 else 1e6
    found = list(checks.coverage(replace(EVIDENCE, interval=interval(-width, width))))
    assert all(each.passed for each in found) == passes, found
    assert all(
        each.passed
        for each in checks.coverage(
            replace(EVIDENCE, interval=interval(-1e6, 1e6), params=params(gate={"floor": 2.0, "forecast_coverage_gap": 0.2}))
        )
    )


def test_targets_at_the_end_of_an_interval_do_not_make_it_too_wide():
    """Sales that are nearly always 0: no interval is narrower than from 0 to 0."""
    zeros = EVIDENCE.test.with_columns(sales=pl.when(pl.int_range(pl.len()) % 50 == 0).then(9.0).otherwise(0.0))
    evidence = replace(
        EVIDENCE, test=zeros, target=definitions.target_of(zeros, params()), challenger=Predictions(np.zeros(zeros.height))
    )
    assert all(each.passed for each in checks.coverage(replace(evidence, interval=interval(0.0, 0.0))))
    assert not all(each.passed for each in checks.coverage(replace(evidence, interval=interval(-0.1, 0.1))))


def test_test_of_few_blocks_is_refused():
    test = rows(times=24 * 4)
    evidence = replace(
        EVIDENCE, test=test, target=definitions.target_of(test, params()), challenger=Predictions(guess(test, 0.5))
    )
    [check] = data_checks.small_test(evidence)
    assert not check.passed and check.limit == "≥ 6" and check.figure == 4
    assert check.what.startswith("blocks of 24 target times")


def test_targets_after_the_first_origin_of_the_test_are_no_training_rows():
    late = EVIDENCE.train.rows.with_columns(pl.col("at", "origin") + timedelta(days=10))
    found = [each for each in data_checks.leakage(replace(EVIDENCE, train=replace(EVIDENCE.train, rows=late))) if not each.passed]
    assert [each.key for each in found] == ["LEAKAGE at"]


@pytest.mark.parametrize("validated, passes", [(0.1, False), (0.2, True), (1.5, True), (5.0, False)])
def test_test_far_from_the_validation_is_refused(validated, passes):
    known = {"metrics": {"mase": {"value": validated, "low": validated * 0.9, "high": validated * 1.1}}}
    [check] = data_checks.train_test_gap(replace(EVIDENCE, validation=known))
    assert check.passed == passes


def test_biased_forecasts_are_refused():
    score = EVIDENCE.challenger.score + 0.5 * EVIDENCE.target.std()
    assert "CALIBRATION" in refusals(**both(score))


def test_overlapping_rows_are_no_duplicates():
    assert not [*data_checks.duplicates(replace(EVIDENCE, tested=EVIDENCE.train))]
