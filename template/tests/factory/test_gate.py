"""The gate: evidence that passes, and for every reason code a change that is rejected with this code alone."""

import numpy as np
import polars as pl
import pytest

from .. import bootstrap, checks
from . import toy
from .gate_evidence import (
    CHANCE,
    RED,
    ROWS,
    SCORE,
    TARGET,
    both,
    grouped,
    interval,
    params,
    part,
    passing,
    predictions,
    refusals,
)

TRUTH = TARGET["classification"]
MEASURED, GUESSED = TARGET["regression"], SCORE["regression"]
NOISE = np.random.default_rng(0).random(ROWS)
R = "regression"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Where differences are large, fewer resamples give the same result."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 20)


FEW_IDS = pl.DataFrame({"kind": "blue", "gap": 0, "key": [f"k{i % 5}" for i in range(ROWS)]})


def repeating(problem):
    data = toy.settings(problem)["data"] | {"repeats": True}
    return params(problem).model_copy(update={"data": toy.params(problem, data=data).data})


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
    "one group predicted worse": (
        "SLICE",
        R,
        {
            "challenger": predictions(R, score=np.where(RED, 2 * GUESSED - MEASURED, GUESSED)),
            "params": params(R, margin=0.9, error_gap=9),
        },
    ),
    "intervals that are too narrow": ("COVERAGE", R, {"interval": interval(0.3)}),
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
    "one group predicted badly": ("FAIRNESS_ERROR", R, both(R, score=np.where(RED, 2 * GUESSED - MEASURED, GUESSED))),
    "scores too low": ("CALIBRATION", "classification", {"challenger": predictions(score=CHANCE**3)}),
    "biased": ("CALIBRATION", R, both(R, score=GUESSED + 0.3)),
    "the same people in training and test": ("LEAKAGE", "classification", {"train": grouped()}),
    "test of few ids": ("SMALL_TEST", R, {"params": repeating(R), "test": FEW_IDS}),
    "tested on training rows": ("DUPLICATES", R, {"tested": part(R)}),
    "better in the test than validated": (
        "TRAIN_TEST_GAP",
        R,
        {"validation": {"metrics": {"r2": {"value": 0.3, "low": 0.2, "high": 0.4}}}},
    ),
    "slow": ("LATENCY", "classification", {"latency_ms": 50.1}),
    "large": ("SIZE", R, {"size_mb": 100.1}),
    "ONNX differs": ("PARITY", "classification", {"parity": 2e-5}),
    "contract differs": ("CONTRACT", "classification", {"contract_changed": True}),
    "contract differs for no reason": ("CONTRACT", R, {"contract_changed": True, "accepted": ""}),
    "a score that is NaN": ("FINITE", "classification", {"challenger": predictions(score=with_nan(CHANCE))}),
    "a prediction that is NaN": ("FINITE", R, {"challenger": predictions(R, score=with_nan(GUESSED))}),
}


@pytest.mark.parametrize("code, problem, parts", BROKEN.values(), ids=BROKEN)
def test_one_fault_is_refused_by_its_name(code, problem, parts):
    assert refusals(passing(problem, **parts)) == {code}


def test_every_reason_is_tried():
    shown = {check.code for problem in ("classification", R) for check in checks.run_checks(passing(problem))}
    assert {code for code, _, _ in BROKEN.values()} == shown | {"FINITE"}


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_equal_of_the_champion_passes(problem):
    assert refusals(passing(problem)) == set()


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_first_model_is_compared_with_the_baseline_alone(problem):
    results = checks.run_checks(passing(problem, champion=None))
    assert {check.code for check in results if not check.judged} == {"CHAMPION", "CONTRACT"}
    assert all(check.passed for check in results)
