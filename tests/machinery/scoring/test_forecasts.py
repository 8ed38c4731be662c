"""`factory score` of a history: the horizon of each series, the same in parts, in the service and in Python."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory.evaluation.formatting import number
from late_flights.factory.scoring import forecasts, scorer, workers
from late_flights.factory.tables import sources
from tests.factory.cli_runner import refused, run

from machinery import series

pytestmark = pytest.mark.usefixtures("trained")
HISTORY = series.observations(240, first=700)
LAST = HISTORY["hour"].max()


@pytest.fixture
def problem():
    return "forecasting"


def ahead(rows: pl.DataFrame, hours: int = 6) -> pl.DataFrame:
    """The history, and for the hours after it whether the shops are open."""
    later = series.observations(hours, first=940)
    return pl.concat([rows, later.with_columns(visitors=None, sales=None).cast(dict(rows.schema))])


ALL = ahead(HISTORY)


@pytest.mark.parametrize("source", ["history.csv", "history.parquet"])
@pytest.mark.parametrize("destination", ["forecasts.csv", "forecasts.parquet"])
def test_the_horizon_of_each_series_is_written(source, destination):
    shuffled = ALL.sample(fraction=1, shuffle=True, seed=1)
    (shuffled.write_csv if source.endswith("csv") else shuffled.write_parquet)(source)
    result = run("score", source, destination)
    assert result.exit_code == 0, result.output
    assert f"18 forecasts of 3 series after {LAST}" in result.output and "!" not in result.output
    written = pl.read_parquet(destination) if destination.endswith("parquet") else pl.read_csv(destination, try_parse_dates=True)
    expected = scorer.Scorer.load().forecast(ALL)
    assert written["score"].equals(expected["score"]) and written["hour"].equals(expected["hour"])
    assert expected.columns[:5] == ["shop", "hour", "origin", "step", "score"]
    assert expected["shop"].to_list() == [shop for shop in series.SHOPS for _ in range(6)]
    assert expected["hour"][:6].to_list() == [LAST + timedelta(hours=step) for step in range(1, 7)]
    assert (expected["origin"] == LAST).all() and expected["step"][:6].to_list() == [1, 2, 3, 4, 5, 6]
    assert sorted(path.name for path in Path().glob(".f*")) == []


def test_a_folder_is_one_history():
    folder = Path("inbox")
    folder.mkdir()
    ALL[:400].write_parquet(folder / "first.parquet")
    ALL[400:].write_csv(folder / "second.csv")
    assert run("score", "inbox", "forecasts.parquet").exit_code == 0
    assert pl.read_parquet("forecasts.parquet").equals(scorer.Scorer.load().forecast(ALL))
    assert run("score", "inbox", "forecasts").exit_code == 0
    assert sorted(path.name for path in Path("forecasts").iterdir()) == ["_SUCCESS", "forecasts.parquet"]
    assert Path("forecasts/forecasts.parquet").read_bytes() == Path("forecasts.parquet").read_bytes()
    assert "forecasts: exists" in refused("score", "inbox", "forecasts")


@pytest.mark.parametrize("jobs", [1, 2])
def test_parts_are_forecast_alike(jobs, monkeypatch):
    monkeypatch.setattr(forecasts, "PART", 100)
    ALL.write_parquet("history.parquet")
    task = workers.Task(scorer.Scorer.load(), jobs=jobs)
    counted = []
    made = forecasts.score(sources.find("history.parquet"), Path("f.parquet"), task, on_rows=counted.append)
    assert (made.rows, made.series, made.origin, made.later) == (18, 3, LAST, 0)
    assert sum(counted) == 2 * ALL.height and len(counted) == 4
    assert pl.read_parquet("f.parquet").equals(task.scorer.forecast(ALL))


def test_each_series_alone_is_forecast_to_the_bit_as_among_others():
    model = scorer.Scorer.load()
    alone = pl.concat(model.forecast(ALL.filter(pl.col("shop") == shop)) for shop in series.SHOPS)
    assert alone.equals(model.forecast(ALL))


def test_nothing_after_a_stated_origin_counts():
    ALL.write_parquet("history.parquet")
    origin = LAST - timedelta(hours=30)
    result = run("score", "history.parquet", "forecasts.parquet", "--origin", f"{origin}")
    assert f"after {origin}" in result.output and "90 values are from after the origin" in result.output
    before = ALL.with_columns(pl.when(pl.col("hour") <= origin).then(name).alias(name) for name in ("sales", "visitors"))
    assert pl.read_parquet("forecasts.parquet").equals(scorer.Scorer.load().forecast(before))


def test_short_and_new_series_have_a_forecast():
    short = ALL.filter((pl.col("shop") == "north") | (pl.col("hour") >= LAST))
    new = short.with_columns(sales=pl.when(pl.col("shop") != "west").then("sales"))
    found = scorer.Scorer.load().forecast(new)
    assert found.height == 18 and found["score"].is_finite().all()
    new.write_parquet("history.parquet")
    [line] = [line for line in run("score", "history.parquet", "f.csv").output.splitlines() if line.startswith("!")]
    assert line == "! 1 series had no value until then (forecast by what others show): west"


def test_names_of_series_that_are_personal_are_not_shown(monkeypatch):
    monkeypatch.setattr(forecasts.personal, "columns", lambda schema: ["shop"])
    known = pl.col("shop") == "north"
    ALL.with_columns(sales=pl.when(known | (pl.col("shop") == "south") & (pl.col("hour") < LAST)).then("sales")).write_csv(
        "history.csv"
    )
    lines = [line for line in run("score", "history.csv", "f.csv").output.splitlines() if line.startswith("!")]
    assert lines == [
        "! 1 series ended before that (forecast from older values)",
        "! 1 series had no value until then (forecast by what others show)",
    ]
    assert run("explain", "history.csv").output.startswith(f"Row 1, hour {LAST + timedelta(hours=1)}, origin")


def test_a_series_that_ended_long_ago_has_a_forecast_of_what_is_known_of_others():
    ended = ALL.filter((pl.col("shop") != "west") | (pl.col("hour") < LAST - timedelta(hours=100)) | (pl.col("hour") > LAST))
    found = scorer.Scorer.load().forecast(ended)
    ended.write_parquet("history.parquet")
    [line] = [line for line in run("score", "history.parquet", "f.csv").output.splitlines() if line.startswith("!")]
    newest = LAST - timedelta(hours=101)
    assert line == f"! 1 series ended before that (forecast from older values): west ({newest})"
    assert found["shop"].to_list() == [shop for shop in series.SHOPS for _ in range(6)] and found["score"].is_finite().all()
    assert found.filter(pl.col("shop") != "west").equals(scorer.Scorer.load().forecast(ALL).filter(pl.col("shop") != "west"))


def test_an_origin_long_after_the_history_asks_for_what_is_known_ahead():
    ALL.write_parquet("history.parquet")
    line = refused("score", "history.parquet", "forecasts.parquet", "--origin", "2030-01-01 00:00")
    assert "open: no value for hour 2030-01-01 01:00:00, which has to be known ahead" in line
    ahead = series.observations(6, first=87673).with_columns(sales=None, visitors=None).cast(dict(ALL.schema))
    found = scorer.Scorer.load().forecast(pl.concat([ALL, ahead]), ahead["hour"].min() - timedelta(hours=1))
    assert found.height == 18 and found["score"].is_finite().all()
    assert scorer.Scorer.load().forecast(ALL.clear(), LAST).height == 0


REFUSED = {
    "nothing known ahead": (HISTORY, [], f"open: no value for hour {LAST + timedelta(hours=1)}"),
    "not known ahead of one series": (
        ALL.filter((pl.col("shop") != "west") | (pl.col("hour") != LAST + timedelta(hours=3))),
        [],
        f"open: no value for hour {LAST + timedelta(hours=3)}, which has to be known ahead, 1 of 18 rows",
    ),
    "unknown series": (ALL.with_columns(pl.lit("east").alias("shop")), [], "shop"),
    "bad value": (
        ALL.with_columns(pl.when(pl.int_range(pl.len()) == 3).then(-1.0).otherwise("sales").alias("sales")),
        [],
        "sales: below min 0",
    ),
    "twice": (pl.concat([ALL, ALL[:1]]), [], "observations of the same time of a series"),
    "off the grid": (
        ALL.with_columns(pl.col("hour") + pl.duration(minutes=(pl.int_range(pl.len()) == 3) * 7)),
        [],
        "whole number",
    ),
    "nothing known": (ALL.with_columns(sales=None), [], "sales: no value is known"),
    "no such time": (ALL, ["--origin", "yesterday"], "origin: not a time"),
    "no rows": (ALL.clear(), [], "no rows"),
    "rows set aside": (ALL, ["--reject", "rejected"], "--reject"),
}


@pytest.mark.parametrize("rows, options, message", REFUSED.values(), ids=REFUSED)
def test_refusals_write_nothing(rows, options, message):
    rows.write_parquet("history.parquet")
    assert message in refused("score", "history.parquet", "forecasts.parquet", *options)
    assert not Path("forecasts.parquet").exists() and not list(Path().glob(".forecasts*"))


def test_other_engines_refuse_forecasts():
    ALL.write_parquet("history.parquet")
    assert "a forecast needs each series as a whole" in refused("score", "history.parquet", "out", "--engine", "spark")
    assert "history()" in refused("export", "onnx", "edge")


@pytest.mark.parametrize("problem", ["regression"])
def test_only_forecasts_have_an_origin():
    ALL.write_parquet("rows.parquet")
    assert "--origin is for forecasts" in refused("score", "rows.parquet", "scores.csv", "--origin", f"{datetime(2020, 1, 1)}")


def test_a_row_of_the_horizon_is_explained():
    ALL.sample(fraction=1, shuffle=True, seed=2).write_csv("history.csv")
    result = run("explain", "history.csv", "--row", "9")
    score = scorer.Scorer.load().forecast(ALL)["score"][8]
    assert result.exit_code == 0 and result.output.startswith(
        f"Row 9, shop south, hour {LAST + timedelta(hours=3)}, origin {LAST}, step 3: score {number(score)}; a typical row has"
    )
    assert "history.csv: its forecast has no row 19" in refused("explain", "history.csv", "--row", "19")
    assert "one row is explained at a time" in refused("explain", "history.csv", "all.csv")
