"""Columns with the parts of a row's time."""

from datetime import date, timedelta

import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.adopt import contract_code, profile, proposal, render, review, time_parts
from late_flights.factory.adopt.defaults import BaselineResult
from late_flights.factory.data import split

DAYS = [date(2018, 1, 1) + timedelta(days=2 * i) for i in range(400)]
PARTS = pl.DataFrame(
    {
        "size": [(7 * i) % 31 for i in range(400)],
        "arrival_date_day_of_month": [day.day for day in DAYS],
        "arrival_date_month": [f"{day:%B}" for day in DAYS],
        "arrival_date_year": [day.year for day in DAYS],
        "price": [i % 13 + (7 * i) % 31 for i in range(400)],
    }
)
NAMES = ["arrival_date_year", "arrival_date_month", "arrival_date_day_of_month"]


def propose(table=PARTS, **choices):
    columns = profile.profile(table.lazy())
    return proposal.propose(columns, table.lazy(), proposal.UserChoices("price", problem="regression", **choices))


def named(*names):
    return PARTS.rename(dict(zip(NAMES, names, strict=True)))


@pytest.mark.parametrize("names", [NAMES, ["year", "month", "day"], ["YrSold", "MoSold", "DaySold"], ["yyyy", "mm", "dd"]])
def test_parts_are_the_time_and_features_still(names):
    proposed = propose(named(*names))
    assert proposed.time == tuple(names)
    context = render.build_context(proposed, BaselineResult())
    assert context["time"] == names
    assert {feature["name"] for feature in context["features"]} == {"size", *names}


def test_constant_year_is_in_the_contract_but_no_feature():
    table = PARTS.head(150)
    context = render.build_context(propose(table), BaselineResult())
    assert NAMES[0] in [column["name"] for column in context["columns"]]
    assert NAMES[0] not in {feature["name"] for feature in context["features"]}


@pytest.mark.parametrize(
    "table",
    [
        PARTS.drop(NAMES[0]),
        PARTS.drop(NAMES[1]),
        named("birth_year", "birth_month", "birth_day"),
        named("year", "sale_month", "sale_day"),
        PARTS.with_columns(pl.lit(31).alias(NAMES[2])),
        PARTS.with_columns(pl.when(pl.int_range(pl.len()) > 0).then(NAMES[2]).alias(NAMES[2])).drop(NAMES[1]),
        PARTS.with_columns(pl.lit(13).alias(NAMES[1])),
    ],
    ids=["no year", "no month", "birth", "of other things", "31 February", "a gap", "13 months"],
)
def test_what_is_no_time_of_the_row(table):
    assert propose(table).time == ()


def test_column_with_the_time_comes_first():
    assert propose(PARTS.with_columns(seen=pl.Series(DAYS))).time == ("seen",)
    constant = PARTS.with_columns(seen=pl.lit(date(2020, 1, 1)) + pl.duration(days=pl.int_range(pl.len()) // 200))
    assert propose(constant).time == tuple(NAMES)


def test_choice_of_several_columns(monkeypatch):
    table = named("a", "b", "c")
    assert propose(table).time == ()
    assert propose(table, time="a, b,c").time == ("a", "b", "c")
    answers = iter(["a, b, c = time", ""])
    monkeypatch.setattr(review, "_prompt", lambda: next(answers))
    proposed = review.review(lambda choices: propose(table, roles=choices.roles), proposal.UserChoices("price"))
    assert proposed.time == ("a", "b", "c")
    with pytest.raises(errors.FactoryError, match="a, c: cannot split the rows by it: some rows have no such time"):
        propose(table, time="a,c")
    with pytest.raises(errors.FactoryError, match="no column 'nobody' in the table"):
        propose(table, time="a,nobody")


def test_next_months_and_weekdays_are_in_the_contract():
    assert time_parts.complete(["Apr", "Feb", "Jan"])[-1] == "Dec"
    assert time_parts.complete(["mon", "sun", "tue"]) == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert time_parts.complete(["Jan", "no", "yes"]) == ["Jan", "no", "yes"]
    columns = profile.profile(PARTS.head(45).lazy())
    assert contract_code.column_code(columns[NAMES[1]], set()).categories == time_parts.NAMES[0]


def test_first_time_that_can_split_the_rows_is_taken():
    table = PARTS.select("size", "price").with_columns(
        due=pl.lit(date(9999, 12, 31)), paid=pl.Series(DAYS) + pl.duration(days=9), ordered=pl.Series(DAYS)
    )
    table = table.with_columns(due=pl.when(pl.int_range(pl.len()) % 2 > 0).then("due").otherwise("ordered"))
    assert propose(table.select("size", "due", "ordered", "paid", "price")).time == ("ordered",)


@pytest.mark.parametrize("months, share", [(4, 0.26), (3, 0.34), (10, 0.2)])
def test_newest_of_few_months_is_the_test(months, share):
    month = pl.Series([i * months // 400 + 1 for i in range(400)])
    proposed = propose(PARTS.select("size", "price", month=pl.format("2024-{}", month)))
    assert (proposed.time, proposed.test_share) == (("month",), share)
    assert split.is_newest(month, share).sum() == pytest.approx(max(80, 400 // months), abs=1)


def test_one_of_two_times_is_no_test():
    halves = pl.Series("wave", ["2023-01-01", "2024-01-01"] * 200)
    assert propose(PARTS.select("size", "price", halves)).time == ()


def test_day_of_the_same_month_is_not_known_only_after_it():
    table = PARTS.select("size", "price").with_columns(
        month=pl.Series(f"{day:%b-%Y}" for day in DAYS),
        ordered=pl.Series(DAYS),
        paid=pl.Series(DAYS) + pl.duration(days=40),
    )
    proposed = propose(table.select("month", "size", "ordered", "paid", "price"))
    assert proposed.time == ("month",)
    assert {role.name: role.role for role in proposed.roles if role.name in ("ordered", "paid")} == {
        "ordered": "feature",
        "paid": "excluded",
    }
