"""What the model must do whatever its figures: trained here on a small sample of the data."""

from pathlib import Path

import polars as pl
import pytest

from . import config, contract, definitions, manifest, paths, scoring, split, train
from .factory.conftest import ROOT
from .factory.sample import sample

PARAMS = config.load(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def train_test():
    return split.split(sample(), PARAMS)


@pytest.fixture(scope="session")
def folder(train_test, tmp_path_factory):
    """A project's folder in which the stage `train` has run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("flights"))
        paths.PREPARED.mkdir(parents=True)
        for name, rows in zip(("train", "test"), train_test, strict=True):
            rows.write_parquet(paths.PREPARED / f"{name}.parquet")
        manifest.write_manifest(paths.PREPARED, {})
        train.run(PARAMS)
        return Path.cwd()


@pytest.fixture(scope="session")
def scorer(folder):
    return scoring.Scorer.load(folder / paths.MODEL)


@pytest.fixture(scope="session")
def flights(train_test):
    return train_test[1].drop(PARAMS.data.target)


def scores(scorer, flights, **changed):
    return scorer.score(flights.with_columns(**{name: pl.lit(value) for name, value in changed.items()}))["score"]


def test_same_flights_same_bytes(folder, monkeypatch):
    monkeypatch.chdir(folder)
    before = manifest.file_sha256(paths.MODEL / "manifest.json")
    train.run(PARAMS)
    assert manifest.file_sha256(paths.MODEL / "manifest.json") == before


def test_better_than_knowing_the_mean(scorer, train_test):
    metric, test = definitions.main_metric(PARAMS), train_test[1]
    target, sign = definitions.target_of(test, PARAMS), metric.direction
    mean = scorer.manifest["baseline"] + 0 * target
    assert sign * metric(target, scorer.predict(test)) > sign * metric(target, mean)


@pytest.mark.parametrize("changed", [{"flight": "XX1-EWR-20130101"}, {"dest": "XXX"}], ids=["flight", "dest"])
def test_name_and_destination_do_not_matter(scorer, flights, changed):
    assert scores(scorer, flights, **changed).equals(scores(scorer, flights))


def test_the_later_it_leaves_the_later_it_arrives(scorer, flights):
    means = [scores(scorer, flights, departure_delay=delay).mean() for delay in (-5, 0, 10, 20, 40, 80)]
    assert means == sorted(means) and means[0] < means[-1]


@pytest.mark.parametrize("origin", ["EWR", "JFK", "LGA"])
def test_hour_late_is_worse_than_punctual_for_every_flight(scorer, flights, origin):
    here = flights.filter(origin=origin)
    assert (scores(scorer, here, departure_delay=60) > scores(scorer, here, departure_delay=0)).all()


LATE = {"late": 0.9, "arrival_delay": 90}
PUNCTUAL = {"late": 0.5, "arrival_delay": 15}


def test_flight_that_leaves_three_hours_late_arrives_late(scorer, flights):
    assert scores(scorer, flights, departure_delay=180).min() > LATE[PARAMS.data.target]


def test_most_flights_that_leave_on_time_arrive_on_time(scorer, flights):
    assert (scores(scorer, flights, departure_delay=0) < PUNCTUAL[PARAMS.data.target]).mean() > 0.9


def test_unknown_weather_and_aircraft_are_no_obstacle(scorer, flights):
    optional = [name for name, column in contract.Row.columns().items() if column.nullable]
    unknown = scores(scorer, flights, **dict.fromkeys(optional))
    assert unknown.is_finite().all()
    assert pl.select(pl.corr(unknown, scores(scorer, flights))).item() > 0.8
