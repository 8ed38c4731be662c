"""What is asked about series, with its figures, and the answer that is taken."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.adopt import doubts, review

from machinery.adopt.adopt_table import propose
from machinery.adopt.series_table import SALES, forecast

NOISE = pl.Series("temperature", np.random.default_rng(0).normal(10, 5, SALES.height))


def asked(proposal):
    return [f"{each.doubt}. {each.question} → {each.taken} | {each.otherwise}" for each in doubts.questions(proposal)]


def test_whether_to_forecast_and_how_far():
    first, second = asked(propose(SALES, "sold"))
    assert first.startswith("day, shop, item: 4 series of sold with about 455 values, 1d apart, close to those before (corr")
    assert "→ yes: 14 steps of 1d ahead, and a season of 7 | problem = regression, or horizon = STEPS" in first
    assert second.startswith("price: varies over time. Is it known 14 steps of 1d ahead") and second.endswith(
        "price = known-ahead"
    )
    assert not any("price" in each for each in asked(propose(SALES, "sold", roles={"price": "known-ahead"})))


def test_where_more_is_measured_it_stays_a_regression_with_a_question():
    proposed = propose(SALES.with_columns(NOISE), "sold")
    assert proposed.target.problem == "regression"
    assert "→ no: regression, from what else is known of the same row | problem = forecasting" in asked(proposed)[0]
    assert not any("Is what comes next" in each for each in asked(propose(SALES, "sold", problem="regression")))


DAY = pl.col("day")
ODD = {
    "weekends": (
        SALES.filter(DAY.dt.weekday() < 6),
        r"times without a row: 512 of \d,\d+ \(\d+%\), among them each Saturday and Sunday",
    ),
    "steps": (SALES.filter((pl.col("shop") == "a") | (DAY.dt.weekday() == 1)), "2 series every 1w, the others every 1d"),
    "returns": (
        SALES.with_columns(sold=pl.when(pl.int_range(pl.len()) % 97 == 0).then(-2).otherwise("sold")),
        "19 of 1,820 values of sold are below zero",
    ),
    "intermittent": (
        SALES.with_columns(sold=pl.when(pl.col("sold") > 25).then("sold").otherwise(0)),
        r"\d+% of the values of sold are zero",
    ),
    "constant": (
        SALES.with_columns(sold=pl.when(pl.col("item") == "x2").then(7).otherwise("sold")),
        "one sold throughout in 2 series",
    ),
    "zeros": (SALES.with_columns(sold=pl.when(pl.col("shop") == "a").then(0).otherwise("sold")), "nothing but zeros in 2 series"),
    "short": (
        SALES.filter((pl.col("shop") == "a") | (DAY.dt.year() * 100 + DAY.dt.month() == 202403)).filter(
            (pl.col("shop") == "a") | (DAY.dt.day() < 9)
        ),
        "no more values than a season and the horizon in 2 series",
    ),
}


@pytest.mark.parametrize("table, doubt", ODD.values(), ids=ODD)
def test_what_is_odd_is_asked(table, doubt):
    questions = pl.Series(asked(forecast(table)))
    assert questions.str.contains(doubt).sum() == 1, questions.to_list()
    assert pl.Series(asked(forecast())).str.contains(doubt).sum() == 0


def test_clocks_that_are_set_forward():
    hours = pl.datetime_range(datetime(2023, 1, 1, tzinfo=UTC), datetime(2023, 6, 30, tzinfo=UTC), "1h", eager=True)
    load = 100 + 30 * np.sin(np.arange(len(hours)) * np.pi / 12)
    table = pl.DataFrame({"at": hours.dt.convert_time_zone("Europe/Berlin").dt.replace_time_zone(None), "load": load})
    assert any("at: 2023-03-26 02:00 is missing everywhere, as where clocks" in each for each in asked(forecast(table, "load")))
    zoned = table.with_columns(at=hours)
    assert not any("clocks" in each for each in asked(forecast(zoned, "load")))


def test_answers_at_the_prompt(monkeypatch, capsys):
    answers = iter(["horizon = 9", "season = 1", "price = ahead", "horizon = soon", "problem = regression", ""])
    monkeypatch.setattr(review, "_prompt", lambda: next(answers))
    seen = []

    def proposing(choices):
        seen.append(choices)
        return propose(SALES, "sold", **{name: getattr(choices, name) for name in ("horizon", "season", "roles", "problem")})

    accepted = review.review(proposing, review.UserChoices("sold"))
    assert accepted.target.problem == "regression"
    assert [(each.horizon, each.season) for each in seen] == [(None, None), (9, None), (9, 1), (9, 1), (9, 1)]
    assert "9 steps of 1d ahead" in (shown := capsys.readouterr().out) and "'soon' is not a number of steps" in shown


@pytest.mark.parametrize("answer", ["problem = guessing", "horizon = 0", "horizon = 1001", "season = -1"])
def test_answers_that_are_none(answer):
    with pytest.raises(errors.FactoryError, match=" is n"):
        review.with_answer(review.UserChoices("sold"), answer)
