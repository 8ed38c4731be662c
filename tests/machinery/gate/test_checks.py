"""Single checks of the gate, where what they show is not only that they refuse."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from late_flights.factory.evaluation import confusion
from late_flights.factory.gate import checks
from tests.factory import toy
from tests.factory.gate_evidence import CHANCE, RANDOM, RED, ROWS, TARGET, both, interval, params, passing, predictions

TRUTH = TARGET["classification"]


def test_accepted_change_of_the_contract_says_why():
    [check] = checks.contract_unchanged(passing(contract_changed=True, accepted="seats may be unknown"))
    assert check.passed and check.note == "accepted: seats may be unknown"


def slice_checks(kinds, **parts):
    test = pl.DataFrame({"kind": pl.Series(kinds, dtype=pl.String), "gap": [0] * ROWS})
    evidence = passing(test=test, **parts)
    [check] = [check for check in checks.slices(evidence) if check.what.startswith("kind: ")]
    return evidence, check


@pytest.mark.parametrize("width, gap, passes", [(0.5, 0.1, True), (0.3, 0.1, False), (0.3, 0.3, True)])
def test_intervals_must_cover_as_they_promise_but_for_the_gap(width, gap, passes):
    evidence = passing("regression", interval=interval(width), params=params("regression", coverage_gap=gap))
    [check] = checks.coverage(evidence)
    assert check.passed == passes and check.low < check.figure < check.high


def test_model_without_intervals_is_not_judged_by_them():
    [check] = checks.coverage(passing("regression", interval=None))
    assert check.passed and not check.judged and not [*checks.coverage(passing())]


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


CALLED = {"white": 0.65, "black": 0.4}
EACH = ROWS // 2


def fairness_checks(rows=EACH, rates=CALLED, **gate):
    """The checks of two groups whose members are called as often as stated, rightly or not."""
    people = [(name, place < round(rate * rows)) for name, rate in rates.items() for place in range(rows)]
    race, called = zip(*people, strict=True)
    decision = np.array(called)
    params = toy.params(data={"target": "late", "sensitive": ["race"]}, gate={"group_rows": 10, "error_gap": 9.0} | gate)
    parts = {"params": params, "target": decision * 1.0, "test": pl.DataFrame({"race": race})}
    return list(checks.group_fairness(passing(**parts, challenger=predictions(score=decision * 1.0, decision=decision))))


def test_lower_selection_ratio_is_refused_with_both_rates():
    [ratio] = [check for check in fairness_checks(selection_ratio=0.8) if check.low]
    assert (ratio.code, ratio.what, ratio.limit, ratio.passed) == (
        "FAIRNESS_SELECTION",
        "race: ratio of selection rate",
        "≥ 0.8",
        False,
    )
    assert ratio.note == "selection rate 0.40 (black, n 300) against 0.65 (white, n 300)"
    assert ratio.low < ratio.figure == 0.4 / 0.65 < ratio.high < 0.8


def test_lower_selection_ratio_of_few_may_be_chance():
    [ratio] = [check for check in fairness_checks(rows=20, selection_ratio=0.8) if check.low]
    assert ratio.passed and ratio.figure < 0.8 and ratio.high > 1 and ratio.note.endswith("too few cases: may be chance")


def test_selection_ratio_is_judged_of_smaller_groups():
    found = fairness_checks(rows=90, selection_ratio=0.8, group_rows=100)
    assert {check.what: (check.judged, check.passed) for check in found if check.code == "FAIRNESS_SELECTION"} == {
        "race: gap in selection rate": (False, True),
        "race: ratio of selection rate": (True, False),
    }


@pytest.mark.parametrize("gate, rates", [({}, CALLED), ({"selection_ratio": 0.8}, dict.fromkeys(CALLED, 0))])
def test_selection_ratio_without_a_limit_or_anybody_selected_is_not_judged(gate, rates):
    assert len(fairness_checks(rates=rates, **gate)) == 2


@pytest.mark.parametrize("sizes, passed", [((4, 4), True), ((100, 100), False)], ids=["few", "many"])
def test_errors_that_may_be_chance_are_not_refused(sizes, passed):
    race = np.repeat(["black", "white"], ROWS // 2)
    late = np.concatenate([np.arange(ROWS // 2) < size for size in sizes])
    missed = late & (np.concatenate([np.arange(ROWS // 2) % 4 > 0, np.zeros(ROWS // 2, bool)]))
    params = toy.params(data={"target": "late", "sensitive": ["race"]}, gate={"group_rows": 10, "error_gap": 0.2})
    made = predictions(score=late * 1.0, decision=late & ~missed)
    [error] = [
        check
        for check in checks.group_fairness(
            passing(params=params, target=late * 1.0, test=pl.DataFrame({"race": race}), challenger=made)
        )
        if check.code == "FAIRNESS_ERROR"
    ]
    assert error.what == "race: gap in TPR (equalized odds)" and error.figure == 0.75 and error.passed == passed


HIGHEST = {"decision": {"top_k": 60, "of": 600}}


def of_the_highest(evidence, **sections):
    """The checks of what acting on a tenth of the rows is worth."""
    params = toy.params(**HIGHEST | {"gate": evidence.params.gate.model_dump(exclude_unset=True)} | sections)
    facts = {"decision": params.decision.facts}
    both = {
        name: replace(each, decision=confusion.decisions(each.score, facts))
        for name, each in (("challenger", evidence.challenger), ("champion", evidence.champion))
        if each
    }
    return [*checks.business_value(replace(evidence, params=params, **both))]


@pytest.mark.parametrize("value, name", [({}, "value per decision"), ({"value": None}, "precision at k")])
def test_highest_scores_have_to_earn_more_than_rows_at_random(value, name):
    random, champion = of_the_highest(passing(), **value)
    assert random.what == f"{name}, gain over as many rows at random" and random.passed and random.low > 0
    assert champion.what == f"{name}, gain over the champion" and champion.passed and champion.figure == 0
    shuffled = predictions(score=np.random.default_rng(1).permutation(CHANCE))
    assert [check.passed for check in of_the_highest(passing(challenger=shuffled), **value)] == [False, False]


def test_highest_scores_count_and_not_the_others():
    """A challenger that ranks all but the best rows better is worse where only the best are acted on."""
    challenger = predictions(score=np.where(CHANCE < 0.1, 1.0, CHANCE))
    champion = predictions(score=np.where(CHANCE > 0.85, CHANCE, RANDOM.random(ROWS) * 0.85))
    evidence = passing(challenger=challenger, champion=champion)
    [whole] = checks.not_worse_than_champion(evidence)
    assert whole.passed and not of_the_highest(evidence)[1].passed


def test_acting_at_a_loss_is_worse_than_not_acting():
    value = {"true_positive": 1, "false_positive": -30}
    [idle] = of_the_highest(passing(champion=None), value=value)
    assert idle.what == "value per decision, gain over no rows" and not idle.passed
