"""The gate: evidence that passes, and for every reason one change that is refused for this reason alone."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from .. import bootstrap, checks
from . import toy
from .gate_evidence import CHANCE, RED, ROWS, SCORE, TARGET, both, params, passing, predictions, refusals

TRUTH = TARGET["classification"]
MEASURED, GUESSED = TARGET["regression"], SCORE["regression"]
NOISE = np.random.default_rng(0).random(ROWS)
R = "regression"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Fewer resamples decide the same where the differences are large."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 20)


def with_nan(score):
    return np.where(np.arange(ROWS) == 3, np.nan, score)


BROKEN = {
    "below the floor": ("FLOOR", "classification", {"params": params(floor=0.99)}),
    "no floor": ("FLOOR", "classification", {"params": params(floor=None)}),
    "error above the floor": ("FLOOR", R, {"params": params(R, floor=0.1)}),
    "scores by chance": (
        "BASELINE",
        "classification",
        both(score=NOISE) | {"params": params(floor=0.1, calibration=9)},
    ),
    "no better than the mean": (
        "BASELINE",
        R,
        both(R, score=np.full(ROWS, MEASURED.mean())) | {"params": params(R, floor=9)},
    ),
    "champion ranks better": ("CHAMPION", "classification", {"champion": predictions(score=CHANCE + 0.3 * TRUTH)}),
    "champion errs less": ("CHAMPION", R, {"champion": predictions(R, score=(9 * GUESSED + MEASURED) / 10)}),
    "always acts": ("VALUE", "classification", both(decision=np.ones(ROWS, bool))),
    "champion decides better": (
        "VALUE",
        "classification",
        {"champion": predictions(decision=np.where(NOISE < 0.3, TRUTH > 0, CHANCE >= 0.4))},
    ),
    "one group ranked by chance": (
        "SLICE",
        "classification",
        {"challenger": predictions(score=np.where(RED, 1 - CHANCE, CHANCE)), "params": params(margin=0.3)},
    ),
    "one group guessed worse": (
        "SLICE",
        R,
        {
            "challenger": predictions(R, score=np.where(RED, 2 * GUESSED - MEASURED, GUESSED)),
            "params": params(R, margin=0.9, error_gap=9),
        },
    ),
    "one group always chosen": (
        "FAIRNESS_SELECTION",
        "classification",
        both(decision=RED | (CHANCE >= 0.4)) | {"params": params(error_gap=2)},
    ),
    "one group mistaken": (
        "FAIRNESS_ERROR",
        "classification",
        both(decision=np.where(RED, 0.8, 0.4) <= CHANCE) | {"params": params(selection_gap=0.9)},
    ),
    "one group guessed badly": ("FAIRNESS_ERROR", R, both(R, score=np.where(RED, 2 * GUESSED - MEASURED, GUESSED))),
    "scores too low": ("CALIBRATION", "classification", {"challenger": predictions(score=CHANCE**3)}),
    "biased": ("CALIBRATION", R, both(R, score=GUESSED + 0.3)),
    "slow": ("LATENCY", "classification", {"latency_ms": 5.1}),
    "large": ("SIZE", R, {"size_mb": 20.1}),
    "ONNX differs": ("PARITY", "classification", {"parity": 2e-5}),
    "contract differs": ("CONTRACT", "classification", {"contract_changed": True}),
    "contract differs for no reason": ("CONTRACT", R, {"contract_changed": True, "accepted": ""}),
    "a score that is no number": ("FINITE", "classification", {"challenger": predictions(score=with_nan(CHANCE))}),
    "a guess that is no number": ("FINITE", R, {"challenger": predictions(R, score=with_nan(GUESSED))}),
}


@pytest.mark.parametrize("code, problem, parts", BROKEN.values(), ids=BROKEN)
def test_one_fault_is_refused_by_its_name(code, problem, parts):
    assert refusals(passing(problem, **parts)) == {code}


def test_every_reason_is_tried():
    shown = {check.code for check in checks.run_checks(passing())}
    assert {code for code, _, _ in BROKEN.values()} == shown | {"FINITE"}


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_equal_of_the_champion_passes(problem):
    assert refusals(passing(problem)) == set()


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_first_model_is_compared_with_the_baseline_alone(problem):
    results = checks.run_checks(passing(problem, champion=None))
    assert not {"CHAMPION", "CONTRACT"} & {check.code for check in results}
    assert all(check.passed for check in results)


def test_accepted_change_of_the_contract_says_why():
    [check] = checks.contract_unchanged(passing(contract_changed=True, accepted="seats may be unknown"))
    assert check.passed and check.note == "accepted: seats may be unknown"


def slice_checks(kinds, **parts):
    test = pl.DataFrame({"kind": pl.Series(kinds, dtype=pl.String), "gap": [0] * ROWS})
    evidence = passing(test=test, **parts)
    return evidence, {check.what: check for check in checks.slices(evidence)}["worst kind"]


def test_missing_value_is_a_group_as_any_other():
    worse = predictions(score=np.where(RED, 1 - CHANCE, CHANCE))
    _, check = slice_checks([None if red else "green" for red in RED], challenger=worse)
    assert not check.passed and check.note == "None"


def test_group_of_one_row_or_one_outcome_is_noted_not_judged():
    alone = np.arange(ROWS) == 0
    kinds = np.where(alone, "alone", np.where(TRUTH.astype(bool), "late", "on time"))
    evidence, check = slice_checks(kinds.tolist(), challenger=predictions(score=1 - CHANCE))
    assert check.passed and check.figure is None
    assert check.note == "no group is large enough; 3 groups too small or of one outcome"
    assert "FAIRNESS_SELECTION" in {check.code for check in checks.group_fairness(evidence)}


def test_equal_decisions_that_earn_nothing_on_average_are_no_worse():
    """The margin is a share of what the champion earns, here of nothing."""
    value = {"true_positive": 1, "false_positive": -1, "true_negative": 1, "false_negative": -1}
    right = np.arange(ROWS) % 2 == 0
    evidence = passing(**both(decision=right == (TRUTH > 0)))
    evidence = replace(evidence, params=evidence.params.model_copy(update={"value": toy.params(value=value).value}))
    [check] = [check for check in checks.business_value(evidence) if check.what.endswith("the champion")]
    assert check.figure == 0 and check.passed
