"""Which free texts become features: those that help by cross-validation, and not those that give the target away."""

import numpy as np
import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.adopt import doubts, profile, proposal, render, texts
from late_flights.factory.adopt.defaults import BaselineResult

ROWS = 600
RANDOM = np.random.default_rng(0)
BIG = RANDOM.random(ROWS) < 0.5
WORDS = {True: ["grosser Schaden", "engine stopped", "fire on board"], False: ["kein Schaden", "all fine", "found later"]}
TAGS = ["smoke", "fire", "fuel", "crew", "rain", "night", "gate", "tower", "wing"]


def table() -> pl.DataFrame:
    noisy = np.where(RANDOM.random(ROWS) < 0.1, ~BIG, BIG)
    tags = [[*RANDOM.choice(TAGS, 4, replace=False), *(["bang"] if big else [])] for big in noisy]
    return pl.DataFrame(
        {
            "size": RANDOM.normal(size=ROWS).round(3),
            "note": [f"{RANDOM.choice(WORDS[bool(big)])}{', said Maria' * (i % 10 == 0)} {i}" for i, big in enumerate(noisy)],
            "noise": [" ".join(RANDOM.choice(["one", "two", "three", "four"], 4)) + f" {i}" for i in range(ROWS)],
            "tags": ["; ".join(RANDOM.permutation(each)) for each in tags],
            "cost": (np.where(BIG, 50.0, 10.0) + RANDOM.normal(size=ROWS)).round(2),
        }
    )


TABLE = table()


def propose(rows: pl.DataFrame = TABLE, **choices):
    return proposal.propose(profile.profile(rows.lazy()), rows.lazy(), proposal.UserChoices("cost", **choices))


@pytest.fixture(scope="module")
def proposed():
    return propose()


def test_texts_that_help_are_features(proposed):
    roles = {role.name: role for role in proposed.roles}
    assert roles["noise"].role == "excluded" and roles["noise"].why.startswith("free text: ")
    assert roles["note"].role == "feature" and roles["note"].why.startswith("R² with it 0.")
    assert texts.is_text(roles["note"]) and not texts.is_text(roles["size"]) and not texts.is_text(roles["noise"])


def test_a_person_is_asked_whether_the_model_may_use_them(proposed):
    [question] = [each for each in doubts.questions(proposed) if "note" in each.columns]
    assert "a first name or title in 10% of them" in question.evidence and question.otherwise.endswith("= excluded")
    assert not [
        each
        for each in doubts.questions(propose(roles={"note": "feature", "tags": "excluded", "noise": "excluded"}))
        if "note" in each.columns
    ]


def test_lists_are_split_where_they_have_separators():
    columns = profile.profile(TABLE.lazy())
    assert texts.separator(columns["tags"]) == "; " and texts.separator(columns["note"]) is None
    assert texts.code(columns["tags"]) == "pl.col('tags').str.split('; ')" and texts.code(columns["note"]) == "'note'"
    assert texts.is_text(next(role for role in propose(TABLE.select("tags", "cost")).roles if role.name == "tags"))


def test_contract_and_features_are_written(proposed):
    context = render.build_context(proposed, BaselineResult())
    [note] = [column for column in context["columns"] if column["name"] == "note"]
    assert note["code"] == "dy.String(max_length=1200)" and note["invalid"] == []
    assert {"name": "note", "code": "'note'", "function": ""} in context["features"]


def test_text_that_gives_the_target_away_stays_out():
    rows = TABLE.with_columns(note=pl.when(pl.Series(BIG)).then(pl.lit("it was big, case ")).otherwise(pl.lit("nothing, case ")))
    rows = rows.with_columns(note=pl.col("note") + pl.int_range(ROWS).cast(pl.String), cost=pl.Series(BIG).cast(pl.Float64))
    role = next(role for role in propose(rows).roles if role.name == "note")
    assert role.role == "excluded" and role.why.startswith("alone predicts cost: ")


def test_the_only_column_may_be_text_and_groups_of_people_may_not():
    assert [role.name for role in propose(TABLE.select("note", "cost")).with_role("feature")] == ["note"]
    with pytest.raises(errors.FactoryError, match="600 distinct texts are too many for groups"):
        propose(sensitive=("note",))
