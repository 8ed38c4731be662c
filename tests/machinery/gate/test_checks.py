"""Single checks of the gate, where what they show is not only that they refuse."""

from dataclasses import replace

import numpy as np
import polars as pl
from late_flights.factory.gate import checks
from tests.factory import toy
from tests.factory.gate_evidence import CHANCE, RED, ROWS, TARGET, both, passing, predictions

TRUTH = TARGET["classification"]


def test_accepted_change_of_the_contract_says_why():
    [check] = checks.contract_unchanged(passing(contract_changed=True, accepted="seats may be unknown"))
    assert check.passed and check.note == "accepted: seats may be unknown"


def slice_checks(kinds, **parts):
    test = pl.DataFrame({"kind": pl.Series(kinds, dtype=pl.String), "gap": [0] * ROWS})
    evidence = passing(test=test, **parts)
    [check] = [check for check in checks.slices(evidence) if check.what.startswith("kind: ")]
    return evidence, check


def test_missing_value_is_a_group_as_any_other():
    worse = predictions(score=np.where(RED, 1 - CHANCE, CHANCE))
    _, check = slice_checks([None if red else "green" for red in RED], challenger=worse)
    assert check.judged and not check.passed and check.note.startswith(f"missing (n {RED.sum()}): ROC AUC 0.")


def test_group_of_one_row_or_one_outcome_is_counted_not_judged():
    alone = np.arange(ROWS) == 0
    kinds = np.where(alone, "alone", np.where(TRUTH.astype(bool), "late", "on time"))
    evidence, check = slice_checks(kinds.tolist(), challenger=predictions(score=1 - CHANCE))
    assert check.passed and not check.judged and check.figure is None
    assert check.note == "3 groups not judged: fewer than 30 rows, or a single outcome"
    assert "FAIRNESS_SELECTION" in {check.code for check in checks.group_fairness(evidence)}


def test_equal_decisions_that_earn_nothing_on_average_are_no_worse():
    """The margin is a share of what the champion earns, here of nothing."""
    value = {"true_positive": 1, "false_positive": -1, "true_negative": 1, "false_negative": -1}
    right = np.arange(ROWS) % 2 == 0
    evidence = passing(**both(decision=right == (TRUTH > 0)))
    evidence = replace(evidence, params=evidence.params.model_copy(update={"value": toy.params(value=value).value}))
    [check] = [check for check in checks.business_value(evidence) if check.what.endswith("the champion")]
    assert check.figure == 0 and check.passed
