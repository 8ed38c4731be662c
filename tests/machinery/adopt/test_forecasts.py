"""Which tables are taken for series to forecast, what names them, and which stay what they were."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from late_flights.factory import errors

from machinery.adopt.adopt_table import TABLE, propose
from machinery.adopt.series_table import DAYS, SALES, forecast, roles

RANDOM = np.random.default_rng(0)
NOISE = pl.Series("temperature", RANDOM.normal(10, 5, SALES.height))


def found(table, target="sold", **choices):
    """Step, groups, season and horizon of what is found in a table."""
    proposed = propose(table, target, **choices)
    each = proposed.forecast
    return proposed.target.problem, each.series.step.every, each.series.groups, each.season, each.horizon


def test_series_of_several_names_and_a_season_are_forecast():
    assert found(SALES) == ("forecasting", "1d", ("shop", "item"), 7, 14)
    assert roles(propose(SALES, "sold")) == {
        "day": "time",
        "shop": "group",
        "item": "group",
        "city": "known-ahead",
        "sold": "target",
        "price": "feature",
        "weekday": "known-ahead",
    }


def single(every, count, season, *, start=datetime(2020, 1, 1), zone=None):
    """One series that repeats after so many steps, and goes up."""
    places = np.arange(count)
    times = pl.select(pl.lit(start).dt.offset_by(pl.format(f"{{}}{every}", pl.Series(places * 1)))).to_series()
    values = places * 0.02 + 10 * np.sin(2 * np.pi * places / season) + RANDOM.normal(0, 1, count)
    return pl.DataFrame({"at": times.dt.replace_time_zone(zone), "load": values})


STEPS = {
    "m": (1500, 60),
    "h": (1500, 24),
    "d": (400, 7),
    "w": (300, 52),
    "mo": (150, 12),
    "q": (100, 4),
}
"""Of each step the number of times, and the season."""


@pytest.mark.parametrize("every", STEPS)
def test_steps_and_their_seasons(every):
    count, season = STEPS[every]
    assert found(single(every, count, season), "load")[:4] == ("forecasting", f"1{every}", (), season)


def test_steps_of_several_units_and_ends_of_months():
    assert found(single("h", 1500, 24).gather_every(3), "load")[1] == "3h"
    months = single("mo", 150, 12).with_columns(pl.col("at").dt.date().dt.month_end())
    assert found(months, "load")[1] == "1mo"


@pytest.mark.parametrize("day", range(2, 9))
def test_weeks_begin_on_any_day(day):
    assert found(single("w", 300, 52, start=datetime(2020, 1, day, 12)), "load")[1] == "1w"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_days_of_a_zone_are_a_step_though_some_have_another_length(zone):
    assert found(single("d", 500, 7, zone=zone), "load")[1] == "1d"


def test_a_season_that_is_not_there_is_not_found():
    walk = pl.DataFrame({"at": DAYS, "load": np.cumsum(RANDOM.normal(0, 1, len(DAYS)))})
    assert found(walk, "load")[3] == 1


def test_what_the_user_says_counts():
    assert found(SALES, horizon=5, season=14)[3:] == (14, 5)
    assert found(SALES, group=("shop", "item"))[2] == ("shop", "item")
    chosen = propose(SALES, "sold", roles={"price": "known-ahead", "city": "excluded"})
    assert roles(chosen)["price"] == "known-ahead" and roles(chosen)["city"] == "excluded"
    assert propose(SALES, "sold", problem="regression").target.problem == "regression"


def test_values_beyond_the_newest_one_are_known_ahead():
    ahead = SALES.with_columns(NOISE, sold=pl.when(pl.col("day") < date(2024, 3, 11)).then("sold"))
    proposed = propose(ahead, "sold")
    assert proposed.forecast.horizon == 21
    assert roles(proposed)["temperature"] == roles(proposed)["price"] == "known-ahead"


ORDINARY = {
    "rows that have an id": (TABLE, "price"),
    "what is measured at the same time": (SALES.with_columns(NOISE), "sold"),
    "several rows of a time": (pl.concat([SALES, SALES.head(5)]), "sold"),
    "times that come by chance": (SALES.sample(fraction=0.2, seed=0), "sold"),
    "values that the past says nothing of": (SALES.with_columns(sold=pl.Series(RANDOM.normal(9, 1, SALES.height))), "sold"),
    "short series": (SALES.filter(pl.col("day") < date(2023, 1, 22)), "sold"),
    "two values": (SALES.with_columns(sold=pl.col("sold") > 10), "sold"),
    "classes": (SALES.with_columns(sold=pl.when(pl.col("sold") > 10).then(pl.lit("many")).otherwise(pl.lit("few"))), "sold"),
}


@pytest.mark.parametrize("table, target", ORDINARY.values(), ids=ORDINARY)
def test_other_tables_are_not_forecast(table, target):
    assert propose(table, target).target.problem in ("regression", "classification")


def test_a_user_who_names_rows_does_not_forecast():
    rows = SALES.with_row_index("sale")
    assert propose(rows, "sold", id="sale").target.problem == "regression"


def test_in_a_project_that_forecasts_a_table_that_may_be_for_it_is():
    measured = SALES.with_columns(NOISE)
    assert propose(measured, "sold").target.problem == "regression"
    proposed = propose(measured, "sold", project="forecasting")
    assert proposed.target.is_forecast and roles(proposed)["temperature"] == "feature"
    assert propose(measured, "sold", project="forecasting", problem="regression").target.problem == "regression"
    assert propose(TABLE, "price", project="forecasting").target.problem == "regression"


BROKEN = {
    "twice": (SALES.head(3), "3 of 1,823 rows are at a time that their series has already"),
    "between the steps": (
        SALES.head(1).with_columns(pl.col("day").cast(pl.Datetime("us")) + timedelta(hours=6)),
        "1 times are between the steps of 1d",
    ),
}


@pytest.mark.parametrize("more, message", BROKEN.values(), ids=BROKEN)
def test_in_a_project_that_forecasts_broken_series_are_refused_before_anything_is_written(more, message):
    at = pl.col("day").cast(pl.Datetime("us"))
    broken = pl.concat([SALES.with_columns(NOISE, at), more.with_columns(at, temperature=9.0)], how="diagonal_relaxed")
    assert propose(broken, "sold").target.problem == "regression"
    with pytest.raises(errors.FactoryError, match=rf"{message}.*; or --problem regression"):
        propose(broken, "sold", project="forecasting")
    assert propose(broken, "sold", project="forecasting", problem="regression").target.problem == "regression"


def test_series_are_told_apart_whatever_their_steps():
    mixed = SALES.filter((pl.col("shop") == "a") | (pl.col("day").dt.weekday() == 1))
    assert found(mixed)[2] == ("shop", "item")


def test_one_row_of_a_series_does_not_matter():
    assert found(SALES.filter((pl.col("shop") == "a") | (pl.col("day") == date(2023, 5, 1))))[2] == ("shop", "item")


def test_unsorted_rows_are_the_same():
    assert found(SALES.sample(fraction=1, shuffle=True, seed=0)) == found(SALES)


def clock():
    """A year of hours as a clock in Berlin shows them."""
    hours = pl.datetime_range(datetime(2023, 1, 1, tzinfo=UTC), datetime(2023, 12, 31, tzinfo=UTC), "1h", eager=True)
    times = hours.dt.convert_time_zone("Europe/Berlin").dt.replace_time_zone(None)
    return pl.DataFrame({"at": times, "load": 100 + 30 * np.sin(np.arange(len(times)) * np.pi / 12)})


REFUSED = {
    "twice": (pl.concat([SALES, SALES.head(3)]), {}, "shop, item, day: 3 of 1,823 rows are at a time that their series has"),
    "set back": (clock(), {"target": "load"}, "a time that is there twice, e.g. 2023-10-29 02:00, as where clocks are set back"),
    "too far ahead": (SALES, {"horizon": 400}, "of which a horizon of 400 leaves too few to learn from: --horizon 151 at most"),
    "too long a season": (SALES, {"season": 300}, "no 2 seasons of 300: --season 227 at most, or 1 for none"),
    "between the steps": (
        pl.concat([single("h", 900, 24), single("h", 900, 24).head(1).with_columns(at=datetime(2020, 3, 1, 0, 30))]),
        {"target": "load"},
        "1 times are between the steps of 1h: round them",
    ),
    "no times": (SALES.drop("day"), {}, "no column has a time in each row"),
    "no step": (SALES.sample(fraction=0.1, seed=0), {}, "no regular time from one observation to the next"),
    "text": (SALES.cast({"sold": pl.String}).with_columns(sold="s" + pl.col("sold")), {}, "only numbers are forecast"),
    "name that is taken": (SALES.rename({"shop": "origin"}), {}, "origin: rows of a forecast get a column of that name"),
    "time in parts": (SALES, {"time": "day,weekday"}, "day, weekday: a forecast takes its time from one column"),
    "group with gaps": (
        SALES.with_columns(shop=pl.when(pl.col("sold") > 3).then("shop")),
        {"group": ("shop",)},
        "cannot name a series",
    ),
    "constant": (SALES.with_columns(sold=0), {}, "the same value in all rows"),
}


@pytest.mark.parametrize("table, choices, message", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_forecast_is_refused(table, choices, message):
    with pytest.raises(errors.FactoryError, match=message.replace("(", r"\(")):
        forecast(table, **choices)


def test_a_known_column_that_is_the_target_is_left_out():
    leaking = SALES.with_columns(planned=pl.col("sold") * 1.5)
    assert roles(forecast(leaking, roles={}))["planned"] == "feature"
    future = leaking.with_columns(sold=pl.when(pl.col("day") < date(2024, 3, 11)).then("sold"))
    assert roles(forecast(future))["planned"] == "excluded"


def test_a_table_of_nothing_but_a_time_and_a_number_says_what_it_may_be_for():
    noise = pl.DataFrame({"day": DAYS, "load": RANDOM.normal(0, 1, len(DAYS))})
    with pytest.raises(errors.FactoryError, match=r"no feature column left.*--problem forecasting"):
        propose(noise, "load")
    assert found(noise, "load", problem="forecasting")[3] == 1
