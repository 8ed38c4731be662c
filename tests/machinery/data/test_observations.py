"""Training and test rows of forecasts: by origin, from observations of any length."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from late_flights.factory.data import observations, prepare
from late_flights.factory.errors import FactoryError

from machinery import series


@pytest.fixture
def problem() -> str:
    return "forecasting"


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    series.declare(monkeypatch)


def at(hours: int) -> datetime:
    return series.START + timedelta(hours=hours)


def test_a_misspelt_group_is_named(problem, project):
    with pytest.raises(FactoryError, match=r"contract\.py has no column shopp, did you mean shop"):
        prepare.check_columns(series.params(forecast=series.settings()["forecast"] | {"group": "shopp"}))


def test_test_rows_come_after_all_that_was_learned():
    train, test = observations.split(series.observations(), series.params())
    assert train["hour"].max() <= test["origin"].min()
    assert set(train["step"]) == set(test["step"]) == set(range(1, 7)) and train["sales"].null_count() == 0
    assert {time.hour for time in train["origin"]} == set(range(24))  # of each phase of the season


def test_times_off_the_grid_are_refused_with_the_key_to_correct():
    seen = series.observations(100)
    for other in (
        seen.filter(pl.col("hour") != at(3)).with_columns(pl.col("hour").replace(at(4), at(3) + timedelta(minutes=7))),
        pl.concat([seen, seen[:1]]),
    ):
        with pytest.raises(FactoryError, match=r", or correct forecast\.every in params\.yaml$"):
            observations.split(other, series.params())


def test_too_short_a_history_is_refused():
    with pytest.raises(FactoryError, match="7 times of 1h are too few to forecast 6 of them"):
        daily = {"group": "shop", "time": "hour", "every": "1h", "horizon": 6, "season": 2}
        observations.split(series.observations(7), series.params(forecast=daily))


@pytest.mark.parametrize("hours", [15, 25, 60])
def test_short_series_are_trained_and_tested_on(hours):
    day = {"group": "shop", "time": "hour", "every": "1h", "horizon": 2, "season": 7}
    train, test = observations.split(series.observations(hours), series.params(forecast=day))
    assert train.height and test.height and train["hour"].max() <= test["origin"].min()


def test_a_season_that_is_not_there_is_refused():
    long = {"group": "shop", "time": "hour", "every": "1h", "horizon": 2, "season": 500}
    with pytest.raises(FactoryError, match="a season of 500 steps of 1h is longer than the 400 that are known"):
        observations.split(series.observations(400), series.params(forecast=long))


def test_new_series_are_tested_on():
    young = (pl.col("shop") != "west") | (pl.col("hour") > at(390))
    _, test = observations.split(series.observations().filter(young), series.params())
    assert "west" in test["shop"]


def test_wrong_steps_are_refused_in_one_line():
    days = series.observations(2400).filter(pl.col("hour").dt.hour() == 0)
    with pytest.raises(FactoryError, match="no forecast of 2 steps of 1h has both a past and an outcome"):
        observations.split(days, series.params(forecast={"group": "shop", "time": "hour", "every": "1h", "horizon": 2}))


@pytest.mark.parametrize("forecast", [{"group": None}, {"time": "day"}])
def test_other_columns_than_the_contracts_are_refused(forecast):
    sections = {"group": "shop", "time": "hour", "every": "1h", "horizon": 6} | forecast
    with pytest.raises(FactoryError, match=r"contract\.py: rows\(\) is given the (group|time)"):
        observations.check_columns(series.params(forecast=sections))


def test_stages_forecast(trained):
    scored = pl.read_parquet("data/prepared/test.parquet")
    assert scored.height > 100 and (trained / "reports/report.html").exists()
