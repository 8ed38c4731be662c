"""Training rows that know what came later, or what a request does not hold, are refused."""

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import forecasting
from late_flights.factory.data import observations, prepare
from late_flights.factory.errors import Refused
from late_flights.factory.scoring import feature_table
from late_flights.factory.training import hindsight, isolation

from machinery import series

SEEN = series.observations(300)


def train(monkeypatch, history=series.history) -> pl.DataFrame:
    """The training rows of a project with this history()."""
    row, labelled = forecasting.rows(series.Observation, history, group="shop", time="hour", target="sales")
    for name, value in {"Observation": series.Observation, "Row": row, "LabelledRow": labelled}.items():
        monkeypatch.setattr(contract, name, value, raising=False)
    monkeypatch.setattr(feature_table, "compute", lambda rows: rows.select("step", "naive", *row.column_names()[-2:]))
    monkeypatch.setattr(prepare, "read", lambda name: SEEN)
    monkeypatch.setattr(isolation, "problem", lambda *_: None)
    rows, _ = observations.split(SEEN, series.params())
    return rows


def test_rows_of_what_was_known_pass(monkeypatch):
    hindsight.check_hindsight(train(monkeypatch), series.params())


def test_rows_that_hold_what_came_later_are_refused(monkeypatch):
    rows = train(monkeypatch)
    later = SEEN.select("shop", pl.col("hour").dt.offset_by("-1h"), coming="sales")
    leaked = rows.join(later, on=["shop", "hour"], how="left").with_columns(day=pl.coalesce("coming", "day"))
    with pytest.raises(Refused, match=r"LEAKAGE: .*: day of the training rows depends on what came after the origin: "):
        hindsight.check_hindsight(leaked.select(rows.columns), series.params())


def test_history_that_is_given_what_came_later_is_refused(monkeypatch):
    """As if the machinery had passed on all observations."""
    given = {}

    def knowing(rows, origin):
        seen = given.get("seen", SEEN.clear())
        coming = seen.filter(pl.col("hour") > origin).group_by("shop").agg(coming=pl.col("sales").mean())
        return series.history(rows, origin).join(coming, on="shop", how="left")

    compute = hindsight.compute

    def passing(table, *others):
        given["seen"] = table
        return compute(table, *others)

    rows = train(monkeypatch, knowing)
    monkeypatch.setattr(hindsight, "compute", passing)
    with pytest.raises(Refused, match=r"LEAKAGE: .*: coming depends on what came after the origin: "):
        hindsight.check_hindsight(rows, series.params())


def test_history_of_a_series_that_needs_the_others_is_refused(monkeypatch):
    def ranked(rows, origin):
        return series.history(rows, origin).with_columns(rank=pl.col("day").rank())

    with pytest.raises(Refused, match="rank of a series depends on the other series, of which nothing is known in service: "):
        hindsight.check_hindsight(train(monkeypatch, ranked), series.params())
