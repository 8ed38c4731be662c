"""What the model must do whatever its figures: trained here on a small sample of the data."""

from pathlib import Path

import polars as pl
import pytest

from . import config, contract, definitions, manifest, observations, paths, scoring, train
from .factory.conftest import ROOT
from .factory.sample import sample

PARAMS = config.load(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def delivered():
    """The hours of the newest deliveries."""
    return sample(4000)


@pytest.fixture(scope="session")
def train_test(delivered):
    return observations.split(delivered, PARAMS)


@pytest.fixture(scope="session")
def folder(delivered, train_test, tmp_path_factory):
    """A project's folder in which the stage `train` has run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("departures"))
        paths.PREPARED.mkdir(parents=True)
        for name, rows in zip(("train", "test", "observations"), (*train_test, delivered), strict=True):
            rows.write_parquet(paths.PREPARED / f"{name}.parquet")
        manifest.write_manifest(paths.PREPARED, {})
        train.run(PARAMS)
        return Path.cwd()


@pytest.fixture(scope="session")
def scorer(folder):
    return scoring.Scorer.load(folder / paths.MODEL)


@pytest.fixture(scope="session")
def tomorrow(delivered, scorer):
    """The forecast of the 24 hours after the last one at each airport."""
    return scorer.forecast(delivered.vstack(ahead(delivered)))


def ahead(delivered, **known):
    """The hours after the last one, of which only the holiday is known: no weather, and no departures yet."""
    last = delivered["hour"].max()
    day = delivered.filter(pl.col("hour") > pl.lit(last).dt.offset_by("-1d"))
    unknown = {name: pl.lit(None, day.schema[name]) for name in ("wind_speed", "visibility", "departures")}
    return day.with_columns(pl.col("hour").dt.offset_by("1d"), **unknown, **known)


def test_same_hours_same_bytes(folder, monkeypatch):
    monkeypatch.chdir(folder)
    before = manifest.file_sha256(paths.MODEL / "manifest.json")
    train.run(PARAMS)
    assert manifest.file_sha256(paths.MODEL / "manifest.json") == before


@pytest.mark.parametrize("simple", ["naive", "seasonal_naive", "mean", "drift"])
def test_better_than_a_simple_forecast(scorer, train_test, simple):
    metric, test = definitions.main_metric(PARAMS), train_test[1]
    target, sign = definitions.target_of(test, PARAMS), metric.direction
    assert sign * metric(target, scorer.predict(test)) > sign * metric(target, test[simple].to_numpy())


def test_a_forecast_has_each_of_the_next_hours_at_each_airport(tomorrow, delivered):
    assert tomorrow.height == 24 * delivered["airport"].n_unique()
    assert tomorrow.select(pl.col("hour") == pl.col("origin") + pl.duration(hours="step")).to_series().all()
    assert (tomorrow["origin"] == delivered["hour"].max()).all()


def test_departures_are_within_their_interval_and_never_negative(tomorrow):
    assert tomorrow["score"].is_finite().all() and tomorrow["score"].min() >= 0
    assert (tomorrow["low"] <= tomorrow["score"]).all() and (tomorrow["score"] <= tomorrow["high"]).all()


def test_few_leave_at_night(tomorrow):
    night = tomorrow.filter(pl.col("hour").dt.hour().is_between(1, 4))
    day = tomorrow.filter(pl.col("hour").dt.hour().is_between(6, 19))
    assert night["score"].max() < 2 and day["score"].min() > 5


def test_what_comes_after_the_origin_does_not_matter(scorer, delivered, tomorrow):
    later = ahead(delivered).with_columns(departures=pl.lit(150, pl.Int16), wind_speed=pl.lit(149.0))
    origin = delivered["hour"].max()
    assert scorer.forecast(delivered.vstack(later), origin).equals(tomorrow)


def test_order_of_the_hours_does_not_matter(scorer, delivered, tomorrow):
    shuffled = delivered.vstack(ahead(delivered)).sample(fraction=1, shuffle=True, seed=0)
    assert scorer.forecast(shuffled).sort("airport", "hour").equals(tomorrow.sort("airport", "hour"))


def test_a_busier_week_is_expected_to_stay_busier(scorer, delivered, tomorrow):
    more = delivered.with_columns((pl.col("departures") * 2).clip(0, 150))
    assert scorer.forecast(more.vstack(ahead(delivered)))["score"].sum() > 1.5 * tomorrow["score"].sum()


def test_unknown_weather_and_a_short_history_are_no_obstacle(scorer, delivered):
    day = delivered.filter(pl.col("hour") > pl.lit(delivered["hour"].max()).dt.offset_by("-1d"))
    unknown = {name: pl.lit(None, pl.Float64) for name in ("wind_speed", "visibility")}
    found = scorer.forecast(day.with_columns(**unknown).vstack(ahead(delivered)))
    assert found.height == 24 * day["airport"].n_unique() and found["score"].is_finite().all()


def test_rows_to_score_lack_the_target(scorer, train_test):
    rows = train_test[1].head(5)
    assert scorer.score(rows).equals(scorer.score(rows.drop("departures")))
    assert set(rows.columns) == set(contract.LabelledRow.column_names())
