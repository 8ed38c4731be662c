"""The role of each column, and why."""

from datetime import date
from io import StringIO

import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.adopt import proposal, review

from machinery.adopt.adopt_table import ROWS, TABLE, propose


def roles(proposed):
    return {role.name: role.role for role in proposed.roles}


def why(proposed, name):
    return next(role.why for role in proposed.roles if role.name == name)


def sensitive(proposed):
    return [role.name for role in proposed.roles if role.sensitive]


def test_roles():
    assert roles(propose()) == {
        "Unnamed: 0": "excluded",
        "customer_id": "id",
        "seen": "time",
        "closed": "excluded",
        "size": "feature",
        "size_again": "excluded",
        "colour": "feature",
        "sex": "feature",
        "age": "feature",
        "note": "excluded",
        "version": "excluded",
        "nothing": "excluded",
        "price": "target",
        "price_with_tax": "excluded",
    }


REASONS = {
    "Unnamed: 0": "numbers the rows",
    "closed": "never before seen: known only after the event?",
    "size_again": "the same as size",
    "note": "free text: 400 distinct values in 400 rows",
    "version": "always 1",
    "nothing": "always empty",
    "price_with_tax": "alone predicts price",
    "age": "may be personal data",
}


@pytest.mark.parametrize("name, reason", REASONS.items(), ids=REASONS)
def test_reasons(name, reason):
    assert why(propose(), name).startswith(reason)


def test_groups_of_people_are_sensitive_and_ages_only_named():
    assert sensitive(propose(TABLE.rename({"colour": "maritl"}))) == ["maritl", "sex"]
    assert sensitive(propose()) == ["sex"]
    assert sensitive(propose(sensitive=("colour",))) == ["colour", "sex"]


def test_choices_of_the_user_count():
    proposed = propose(roles={"size": "excluded", "size_again": "feature", "seen": "feature", "price_with_tax": "feature"})
    assert [roles(proposed)[name] for name in ("size", "size_again", "price_with_tax")] == ["excluded", "feature", "feature"]
    assert proposed.name_of("time") == "closed"


def test_id_of_several_rows():
    table = TABLE.with_columns(customer_id=pl.int_range(ROWS) // 4)
    proposed = propose(table, id="customer_id")
    assert proposed.repeats and proposed.name_of("id") == "customer_id"
    assert not propose().repeats


def test_times_that_cannot_split_are_features():
    table = TABLE.with_columns(seen=pl.lit(date(2024, 1, 1)) + pl.duration(days=pl.int_range(ROWS) % 2)).drop("closed")
    proposed = propose(table)
    assert proposed.name_of("time") is None and why(proposed, "seen") == "too few distinct times"
    with pytest.raises(errors.FactoryError, match=r"^seen: cannot split the rows by it: too few"):
        propose(table, time="seen")


@pytest.mark.parametrize(
    "values",
    [[[1, 2]] * ROWS, [{"a": 1}] * ROWS, [b"\xff"] * ROWS],
    ids=["list", "structure", "bytes"],
)
def test_values_that_no_contract_states_are_left_out(values):
    assert why(propose(TABLE.with_columns(odd=pl.Series(values))), "odd").startswith("type ")


@pytest.mark.parametrize("target, other", [("len", "time"), ("time", "target"), ("typed size", "value")])
def test_names_that_the_proposal_uses_itself(target, other):
    proposed = propose(TABLE.rename({"price": target, "seen": other}), target)
    assert (proposed.target.problem, proposed.name_of("time")) == ("regression", other)
    proposed = propose(TABLE.rename({"sex": target, "seen": other}), target)
    assert (proposed.target.counts, proposed.name_of("time")) == ({"f": 200, "m": 200}, other)


def test_a_number_among_which_one_is_mistyped_is_no_id():
    proposed = propose(TABLE.with_columns(income=pl.Series([*map(str, range(ROWS - 1)), "12ooo"])))
    assert (roles(proposed)["income"], why(proposed, "income")) == (
        "excluded",
        "text: numbers or times except '12ooo': fix it?",
    )


def test_changes_at_the_prompt(monkeypatch, capsys):
    answers = iter(["nonsense", "nowhere = out", "price = out", "size = perhaps", "size_again = exclude", "size = out", ""])
    monkeypatch.setattr(review.click, "prompt", lambda *_, **__: next(answers))
    proposed = review.review(lambda choices: propose(roles=choices.roles), proposal.UserChoices("price"))
    assert roles(proposed)["size"] == "excluded" and capsys.readouterr().out.count("Invalid choice: ") == 4


def test_nobody_at_the_prompt(monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(errors.FactoryError, match="--yes"):
        review.review(lambda choices: propose(roles=choices.roles), proposal.UserChoices("price"))


@pytest.mark.parametrize("unknown, role", [(date(9999, 12, 31), "feature"), (date(1900, 1, 1), "feature"), (None, "time")])
def test_dates_in_place_of_unknown_ones_are_not_the_time_of_the_row(unknown, role):
    some = pl.int_range(pl.len()) % 10 == 0 if unknown else pl.lit(False)
    proposed = propose(TABLE.with_columns(seen=pl.when(some).then(pl.lit(unknown, pl.Date)).otherwise("seen")))
    assert roles(proposed)["seen"] == role


NUMBERS = list(range(ROWS))
ROW_NUMBERS = {
    "of pandas": ("Unnamed: 0", NUMBERS),
    "of a filter": ("__index_level_0__", [7 * i for i in NUMBERS]),
    "of a sorted table": ("Unnamed: 0", [7 * i % ROWS for i in NUMBERS]),
    "of tables one below the other": ("Unnamed: 0", [i % 100 for i in NUMBERS]),
    "of R, with texts": ("rownames", [f"r {i}" for i in NUMBERS]),
    "of reset_index": ("index", [7 * i for i in NUMBERS]),
    "of R, read again": ("X", [i + 1 for i in NUMBERS]),
    "by what it holds": ("position", [i + 1 for i in NUMBERS]),
}


@pytest.mark.parametrize("name, values", ROW_NUMBERS.values(), ids=ROW_NUMBERS)
def test_row_numbers_are_no_features(name, values):
    assert why(propose(TABLE.drop("Unnamed: 0").with_columns(pl.Series(name, values))), name) == "numbers the rows"


@pytest.mark.parametrize(
    "name, values, role",
    [
        ("Unnamed: 0", ["north", "south"] * (ROWS // 2), "feature"),
        ("Unnamed: 0", [i * i % 7 for i in NUMBERS], "feature"),
        ("rownames", [i // 3 % 2 for i in NUMBERS], "feature"),
        ("index", [100 + i % 7 for i in NUMBERS], "feature"),
        ("position", [i + 2 for i in NUMBERS], "feature"),
        ("position", [7 * i % ROWS for i in NUMBERS], "feature"),
        ("number", NUMBERS, "id"),
    ],
)
def test_other_columns_of_such_names_or_values_are_used(name, values, role):
    table = TABLE.drop("Unnamed: 0", "customer_id").with_columns(pl.Series(name, values))
    assert next(each.role for each in propose(table).roles if each.name == name) == role
