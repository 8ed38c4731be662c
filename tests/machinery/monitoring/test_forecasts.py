"""Forecasts in service: later observations are their outcomes, by series and time, and the figures are by step."""

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import config
from late_flights.factory.monitoring import outcomes, performance
from late_flights.factory.scoring import histories
from late_flights.factory.scoring.scorer import Scorer
from tests.factory.cli_runner import refused, run

from machinery import series
from machinery.monitoring import captured
from machinery.scoring.test_forecasts import ALL, LAST

pytestmark = pytest.mark.usefixtures("trained")
ORIGINS = [LAST - timedelta(hours=hours) for hours in (4, 2, 0)]
LATER = series.observations(10, first=940 - 4)  # what became known after the first of them
DAY = date(2026, 11, 20)


@pytest.fixture
def problem():
    return "forecasting"


@pytest.fixture
def kept():
    """Forecasts of three origins, as the service captured them."""
    model, parts = Scorer.load(), []
    for origin in ORIGINS:
        known = ALL.with_columns(pl.when(pl.col("hour") <= origin).then("sales"))
        rows = histories.horizon(known, model.manifest, origin)
        scores = model.score(rows).rename(lambda name: f"_{name}")
        parts.append(rows.hstack(scores))
    table = captured.table(pl.concat(parts).to_dict(), DAY, size=18)
    captured.write(table, DAY)
    return table


def take(rows, name="later.csv"):
    rows.write_csv(name)
    result = run("outcomes", name)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_later_observations_are_the_outcomes_of_all_forecasts_of_their_time(kept):
    first = take(LATER)
    assert "later.csv: 30 outcomes, 30 of them new" in first and "of captured rows: 30 outcomes" in first
    known = {(shop, hour): sales for shop, hour, sales in LATER.select("shop", "hour", "sales").rows()}
    joined = outcomes.read(config.load()).join(kept)
    assert joined["_outcome"].to_list() == [known[row] for row in kept.select("shop", "hour").rows()]
    assert "0 of them new" in take(LATER), "the same twice counts once"
    assert "0 outcomes, 0 of them new, 3 rows without one" in take(LATER.tail(3).with_columns(sales=None), "empty.csv")


def test_what_contradicts_an_observation_is_refused(kept):
    take(LATER)
    LATER.with_columns(pl.col("sales") + 1).write_csv("other.csv")
    assert "30 outcomes differ from others of the same rows" in refused("outcomes", "other.csv")
    LATER.drop("shop").write_csv("nameless.csv")
    assert "it needs the columns shop, hour or _request, _row" in refused("outcomes", "nameless.csv")


def days(clock, count=5):
    """Midnights of Berlin around the night of 31 March 2024 in UTC, by a clock of winter, or as they are."""
    dates = [datetime(2024, 3, 28, 23) + timedelta(days=day) for day in range(count)]
    return [time - timedelta(hours=clock == "local" and time > datetime(2024, 3, 30, 23)) for time in dates]


@pytest.mark.parametrize("every, joins", [("1d", True), ("7d", True), ("1mo", True), ("1h", False)])
def test_days_of_a_place_with_summer_time_join_their_forecasts(every, joins):
    params = series.params(forecast={"group": "shop", "time": "hour", "every": every, "horizon": 6})
    known = pl.DataFrame({"shop": "north", "hour": days("local"), "sales": [1.0, 2.0, 3.0, 4.0, 5.0]})
    rows = pl.DataFrame({"shop": "north", "hour": [*days("winter"), datetime(2024, 3, 30, 12)]})
    rows = rows.with_columns(_at=pl.lit(datetime(2024, 3, 20), outcomes.TIME.dtype))
    table = known.with_columns(_at=pl.lit(datetime(2024, 4, 20), outcomes.TIME.dtype)).lazy()
    joined = outcomes.Outcomes([table], params).join(rows)
    assert joined["_outcome"].to_list() == [1, 2, 3, *((4, 5) if joins else (None, None)), None] and joined["hour"].equals(
        rows["hour"]
    )


def joined(known, rows, every="1d"):
    """The outcomes of rows, each a shop and a time, of whose forecasts the step is that."""
    params = series.params(forecast={"group": "shop", "time": "hour", "every": every, "horizon": 6})
    asked, came = (pl.lit(datetime(2024, month, 20), outcomes.TIME.dtype).alias("_at") for month in (1, 6))
    table = pl.DataFrame(known, ["shop", "hour", "sales"], orient="row").with_columns(came)
    named = pl.DataFrame(rows, ["shop", "hour"], orient="row").with_columns(asked)
    return outcomes.Outcomes([table.lazy()], params).join(named)["_outcome"].to_list()


def test_series_may_have_other_times_of_the_day():
    rows = [(shop, datetime(2024, 3, day, clock)) for shop, clock in (("north", 0), ("south", 12), ("west", 5)) for day in (1, 2)]
    assert joined([(*row, float(number)) for number, row in enumerate(rows)], rows) == [0, 1, 2, 3, 4, 5]


def test_an_outcome_of_the_same_time_wins_and_hours_are_no_days():
    hours = [("north", datetime(2024, 3, 1) + timedelta(hours=hour), float(hour)) for hour in range(72)]
    rows = [("north", datetime(2024, 3, day)) for day in (1, 2, 3, 4)]
    assert joined(hours, rows) == [0, 24, 48, None]


@pytest.mark.parametrize("hour, outcome", [(12, None), (14, 1.0)])
def test_an_outcome_with_another_within_half_a_day_is_not_near(hour, outcome):
    midnight = datetime(2024, 3, 1)
    times = [("north", midnight + timedelta(hours=sign * by), float(by)) for sign in (1, -1) for by in (1, hour)]
    assert joined(times[:2], [("north", midnight)]) == joined(times[2:], [("north", midnight)]) == [outcome]


def test_the_figures_are_those_of_the_forecasts_in_all_and_by_step(kept):
    take(LATER)
    params = config.Params.model_validate(series.settings(evaluation={"metric": "mase"}))
    part = performance.part(outcomes.read(params).join(kept), params)
    found = performance.measure([pl.concat([part] * 7)], DAY, DAY, params)
    error = (part["_outcome"] - part["score"]).abs() / part["scale"]
    assert found.metric.value == pytest.approx(error.mean()) and found.coverage == 1
    by_step = part.select("step", error=error).group_by("step").agg(pl.col("error").mean()).sort("step")
    assert found.steps == pytest.approx({f"{step}": value for step, value in by_step.rows()})
    assert performance.measure([part], DAY, DAY, params).steps == {}, "too few rows of each"


def test_the_monitor_reports_steps(committed, kept, monkeypatch):
    monkeypatch.setattr(performance, "MIN_ROWS", 5)
    Path("params.yaml").write_text(series.text(), encoding="utf-8")
    take(LATER)
    report = run("monitor", "--until", f"{DAY + timedelta(days=1)}", "--json")
    assert '"steps": {' in report.output, report.output


def test_captured_rows_are_no_delivery(kept):
    take(LATER)
    assert "factory ingest takes in their files" in refused("outcomes", "--as-delivery", "captured.parquet")
    assert not Path("data/raw/captured.parquet").exists()
