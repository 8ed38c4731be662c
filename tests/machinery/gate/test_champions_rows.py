"""The champion of a forecast is judged on rows of its own, whatever the challenger's history() calls by the same names."""

import runpy
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.data import observations, prepare
from late_flights.factory.gate import checks, compare
from late_flights.factory.paths import PREPARED
from late_flights.factory.registry import champion
from late_flights.factory.registry.versions import Version
from late_flights.factory.scoring import feature_table, scorer
from tests.factory import git_repository

from machinery import series

FORECASTS = champion.forecasts  # which `committed` replaces

pytestmark = pytest.mark.parametrize("problem", ["forecasting"])


def other_meaning(rows, origin):
    """The same columns, of which one is in other units and the other of another time."""
    return rows.group_by("shop").agg(visitors_before=-1000 * pl.col("visitors").last(), day=pl.col("sales").head(1).mean() - 500)


def renamed(rows, origin):
    return series.history(rows, origin).rename({"visitors_before": "visits", "day": "last_day"})


def features_of_renamed(rows):
    return series.features(rows.rename({"visits": "visitors_before", "last_day": "day"}))


CHANGES = {
    "the same": (series.history, series.features, {}),
    "another meaning": (other_meaning, series.features, {}),
    "another name": (renamed, features_of_renamed, {}),
    "another season and window": (series.history, series.features, {"season": 1, "window": 60}),
    "fewer steps after a gap": (series.history, series.features, {"gap": 2, "horizon": 3}),
}


def play(patch, history, features):
    series.declare(patch, history)
    for module, name in ((compare, "features"), (scorer, "features"), (feature_table, "compute")):
        patch.setattr(module, name, features)


@pytest.fixture
def version(committed, tmp_path_factory, monkeypatch):
    """The toy as champion: its code runs in a folder with its model and nothing else."""
    home = tmp_path_factory.mktemp("champion")
    shutil.copytree("model", home / "model")

    def run_python(version, script, *arguments):
        with pytest.MonkeyPatch.context() as patch:
            play(patch, series.history, series.features)
            patch.chdir(home)
            patch.setattr(sys, "argv", ["-c", *arguments])
            Path("script.py").write_text(script, encoding="utf-8")
            runpy.run_path("script.py")

    monkeypatch.setattr(champion, "forecasts", FORECASTS)
    monkeypatch.setattr(champion, "_run_python", run_python)
    commit = git_repository.commit(**{"params.yaml": series.text()})
    return Version(1, "", commit, {"commit": commit})


def forecast(**changes):
    return series.settings()["forecast"] | changes


def gathered(version, change, monkeypatch):
    """Evidence about a challenger that differs so; without its training, which would change nothing for the champion."""
    history, features, settings = CHANGES[change]
    play(monkeypatch, history, features)
    params = series.params(forecast=forecast(**settings), split={"test": 0.1})
    for name, rows in zip(("train", "test"), observations.split(prepare.read("observations"), params), strict=True):
        rows.write_parquet(PREPARED / f"{name}.parquet")
    challenger = scorer.Scorer.load()
    monkeypatch.setattr(compare, "_challenger", lambda params: (scorer.artifact.load(), challenger))
    monkeypatch.setattr(compare, "_parity", lambda *_: None)
    return compare.gather(params, version, None)


@pytest.mark.parametrize("change", CHANGES)
def test_champion_answers_as_it_does_in_production(version, monkeypatch, change):
    own = scorer.Scorer.load()  # with the champion's code, from what was delivered
    evidence = gathered(version, change, monkeypatch)
    play(monkeypatch, series.history, series.features)
    seen, scored = prepare.read("observations"), evidence.test.select("shop", "hour", "origin", theirs=evidence.champion.score)
    origins = evidence.test["origin"].unique().sort()[:40:13]  # of later ones the observations lack what is known ahead
    answers = pl.concat(own.forecast(seen, origin) for origin in origins)
    found = scored.filter(pl.col("origin").is_in(origins.implode())).join(answers, on=["shop", "hour", "origin"], how="left")
    assert found.height >= 3 * 3 * len(origins) and found["score"].to_list() == found["theirs"].to_list()


def test_champion_does_not_look_bad_by_the_challengers_history(version, monkeypatch):
    """The challenger's model has not learned the other meaning, so it is worse, and is refused."""
    [same] = checks.not_worse_than_champion(gathered(version, "the same", monkeypatch))
    assert same.passed and same.figure == 0
    [check] = checks.not_worse_than_champion(gathered(version, "another meaning", monkeypatch))
    assert not check.passed and check.high < 0


def test_forecast_that_the_champion_does_not_make_gives_no_result(version):
    with pytest.raises(errors.CannotEvaluate, match=r"^CHAMPION_BROKEN: the champion, v1, scored 0 of"):
        test = prepare.read("test").with_columns(pl.col("hour").dt.offset_by("30m"))
        compare.scores(version, test, series.params())


OTHER = {
    "longer": {"horizon": 7},
    "later": {"gap": 1},
    "step": {"every": "30m"},
    "series": {"group": None},
}


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_champion_that_forecasts_less_is_no_reference_unless_somebody_accepts_that(version, change):
    params = series.params(forecast=forecast(**change))
    with pytest.raises(
        errors.CannotEvaluate, match=r"^OTHER_QUESTION: the champion v1 predicts sales \(forecasting, .*horizon 6"
    ):
        compare.reference_model(params, [version], None)
    assert compare.reference_model(params, [version], "asked for")[0] is None


@pytest.mark.parametrize("change", [{}, {"horizon": 3}, {"gap": 2, "horizon": 4}, {"season": 12, "window": 30}], ids=str)
def test_champion_that_forecasts_as_much_is_the_reference(version, change):
    assert compare.reference_model(series.params(forecast=forecast(**change)), [version], None)[0] == version
