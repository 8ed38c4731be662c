"""What a proposal asks about groups of people: unequal outcomes, and features that stand in for a group."""

import numpy as np
import polars as pl
import pytest
from late_flights.factory.adopt import doubts_of_people as doubts

from machinery.adopt.adopt_table import propose

ROWS = 1_000
RANDOM = np.random.default_rng(0)
BLACK = RANDOM.random(ROWS) < 0.5
NOISE = RANDOM.random(ROWS)
CALLED = np.where(BLACK, 0.4, 0.65) > NOISE
DISTRICT = np.where(RANDOM.random(ROWS) < 0.9, BLACK, ~BLACK)


def table(**columns):
    return pl.DataFrame({"race": np.where(BLACK, "black", "white"), "size": NOISE[::-1], "call": CALLED} | columns)


def test_unequal_outcomes_are_told_with_their_rates():
    [question] = doubts.unequal(propose(table(), "call"))
    assert question.columns == ("race",)
    rates = "43% of race = black and 66% of race = white"
    assert question.evidence == f"call is true for {rates} (ratio 0.65, 95% interval 0.58 to 0.73)"


@pytest.mark.parametrize(
    "columns",
    [{"call": NOISE < 0.5}, {"call": np.where(BLACK, 0.5, 0.55) > NOISE}, {"race": ["black", "white", *[None] * (ROWS - 2)]}],
    ids=["equal", "nearly equal", "few"],
)
def test_equal_outcomes_raise_no_doubt(columns):
    assert list(doubts.unequal(propose(table(**columns), "call"))) == []


def test_unequal_shares_of_a_class():
    outcome = np.where(CALLED, "called", np.where(NOISE > 0.9, "asked", "not"))
    [question] = doubts.unequal(propose(table(call=outcome), "call"))
    assert question.evidence.startswith("call is not for 23% of race = white and 47% of race = black (ratio 0.50, ")


def test_a_feature_that_stands_in_for_a_group_is_told():
    [question] = doubts.stand_ins(propose(table(zip=np.where(DISTRICT, 4711, 4712)), "call"))
    assert question.columns == ("zip",)
    assert question.evidence.startswith("zip (0.92 alone) predict race, with the other features ROC AUC 0.90")
    assert question.otherwise == "zip = excluded"


def test_features_that_stand_in_together_are_told():
    half = RANDOM.random(ROWS) < 0.5
    [question] = doubts.stand_ins(propose(table(one=half, other=half ^ BLACK), "call"))
    assert question.columns == () and question.evidence == "race is predicted by the other features ROC AUC 1.00"


def test_it_is_told_also_of_a_group_that_is_left_out():
    [question] = doubts.stand_ins(propose(table(zip=np.where(DISTRICT, 4711, 4712)), "call", roles={"race": "excluded"}))
    assert question.columns == ("zip",) and question.taken.endswith(", but not those of race unless race = measured")


def test_nothing_stands_in_for_a_group():
    assert list(doubts.stand_ins(propose(table(), "call"))) == []


def test_ages_are_used_and_not_compared():
    [question] = doubts.personal(propose(table(age=RANDOM.integers(18, 80, ROWS)), "call"))
    assert question.columns == ("race", "age") and question.taken.endswith("; not those of age, of which there are too many")


def test_what_names_a_person_is_out_unless_it_is_wanted():
    names = pl.Series([f"n{i % 40}" for i in range(ROWS)])
    [question] = doubts.persons(propose(table(first_name=names), "call"))
    assert (question.evidence, question.otherwise) == ("first_name is a person's name", "first_name = feature")
    assert list(doubts.persons(propose(table(first_name=names), "call", roles={"first_name": "feature"}))) == []
