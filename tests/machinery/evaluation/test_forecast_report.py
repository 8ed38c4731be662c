"""The report of a forecast: errors by step, series and calendar, and single series drawn."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights.factory import config
from late_flights.factory.data import prepare
from late_flights.factory.errors import FactoryError
from late_flights.factory.evaluation import assessment, forecast_charts, forecast_errors, worst
from late_flights.factory.metrics import definitions
from late_flights.factory.scoring import artifact
from scipy.special import stdtrit

from machinery import series


@pytest.fixture
def problem() -> str:
    return "forecasting"


def assess(test):
    return assessment.assess(artifact.load(), prepare.scan("train"), test, config.load())


@pytest.fixture
def assessed(trained):
    return assess(prepare.read("test"))


def test_errors_by_step_are_those_of_its_rows(assessed):
    steps = assessed.forecast.steps
    rows = assessed.test["step"].to_numpy() == 2
    second = steps.row(1, named=True)
    errors = np.abs(assessed.score - np.asarray(assessed.target))[rows]
    naive = np.abs(assessed.test["seasonal_naive"].to_numpy() - np.asarray(assessed.target))[rows]
    assert steps["group"].to_list() == [*range(1, 7)] and steps["rows"].sum() == assessed.test.height
    assert (second["error"], second["naive"]) == pytest.approx((errors.mean(), naive.mean()))


def test_series_are_ranked_by_their_errors(assessed):
    ranked = assessed.forecast.series
    assert ranked["error"].is_sorted() and set(ranked["group"]) == set(series.SHOPS)
    assert ranked["coverage"].is_between(0, 1).all() and (ranked["width"] > 0).all()
    assert [figure.title for figure in forecast_charts.fans(assessed, assessed.forecast)] == [
        "Typical series",
        "Best series",
        "Worst series",
    ]


def test_groups_are_off_by_blocks_of_target_times(assessed):
    off = assessed.slices.row(0, named=True)
    mine = (assessed.test["shop"].cast(pl.String) == off["value"]).to_numpy()
    errors = (assessed.score - np.asarray(assessed.target))[mine]
    ids = definitions.ids_of(assessed.test, assessed.params)[mine]
    blocks = pl.DataFrame({"id": ids, "error": errors - errors.mean()}).group_by("id").agg(pl.col("error").sum())["error"]
    deviation = np.sqrt(len(blocks) / (len(blocks) - 1) * (blocks**2).sum()) / len(errors)
    least = stdtrit(len(blocks) - 1, 1 - 0.05 / 2 / len(series.SHOPS)) * deviation
    assert off["bias_high"] - off["bias"] == pytest.approx(least) and len(blocks) < len(errors) / 10


def test_a_fan_shows_what_was_known_and_what_came(assessed):
    worst = [*forecast_charts.fans(assessed, assessed.forecast)][-1]
    assert worst.caption.startswith(assessed.forecast.series["group"][-1])
    assert worst.svg.count("<polyline") == 2 and 'class="band"' in worst.svg


def test_calendar_is_that_of_the_times_forecast(assessed):
    parts = assessed.forecast.calendar
    assert parts.keys() == {"hour", "weekday"} and parts["hour"].height == 24
    assert parts["hour"]["rows"].sum() == assessed.test.height


def test_names_of_series_that_are_personal_stay_out(trained, monkeypatch):
    monkeypatch.setattr(forecast_errors.personal, "columns", lambda schema: ["shop"])
    assert set(assess(prepare.read("test")).forecast.series["group"]) == {"series 1", "series 2", "series 3"}


def test_a_fan_is_of_its_own_series_where_names_are_numbers(trained, monkeypatch):
    """Of which the test has others than the observations."""

    def fans():
        assessed = assess(prepare.read("test").filter(pl.col("shop") != "north"))
        return {figure.title: figure.svg for figure in forecast_charts.fans(assessed, assessed.forecast)}

    named = fans()
    monkeypatch.setattr(forecast_errors.personal, "columns", lambda schema: ["shop"])
    assert fans() == named


def test_a_test_of_one_value_is_refused_in_one_line(assessed):
    constant = assessed.test.with_columns(sales=pl.lit(3.0))
    with pytest.raises(FactoryError, match=r"^test: all .* rows have the same sales, .* raise split.test in params.yaml$"):
        assess(constant)


def test_worst_forecasts_are_of_different_times(assessed):
    header, rows = worst.worst_predictions(assessed)
    assert header[:3] == ["shop", "hour", "origin"] and len({tuple(row[:2]) for row in rows}) == len(rows) == 10


def test_figures_are_in_the_evaluation(trained):
    forecast = json.loads(Path("reports/evaluation.json").read_text("utf-8"))["forecast"]
    assert [each["group"] for each in forecast["steps"]] == [*range(1, 7)] and len(forecast["series"]) == 3


def test_a_single_series_has_the_name_of_the_target():
    rows = pl.DataFrame({"hour": [1, 2, 3]})
    alone = series.params(forecast={"time": "hour", "every": "1h", "horizon": 1}, evaluation={"metric": "mae"})
    assert forecast_errors.names(rows, alone.forecast, "sales").to_list() == ["sales"] * 3
