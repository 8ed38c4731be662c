"""The contract of a forecast's rows, from that of observations: roles, names, and what history() may return."""

from functools import partial

import dataframely as dy
import polars as pl
import pytest
from late_flights.factory import forecasting
from late_flights.factory.errors import FactoryError
from late_flights.factory.forecasting import examples

from machinery import series


def test_names_of_dataframelys_own_methods_and_zones_of_times_are_kept():
    zoned = dy.Datetime(time_zone="Europe/Berlin")
    observation = type(
        "Zoned", (dy.Schema,), {"hour": zoned, "filter_": dy.Enum(["a"], alias="filter"), "y": dy.Float64(nullable=True)}
    )
    late = lambda rows, origin: rows.group_by("filter").agg(match=(pl.col("hour") > origin).sum())
    row, labelled = forecasting.rows(observation, late, group="filter", time="hour", target="y")
    assert {"filter", "match", "y"} < {*labelled.column_names()} and callable(labelled.filter)
    assert row.columns()["origin"].dtype == row.columns()["hour"].dtype == pl.Datetime("us", "Europe/Berlin")


def test_columns_are_in_the_order_that_models_were_trained_with():
    simple = ["naive", "seasonal_naive", "mean", "drift", "smooth", "smooth_level", "smooth_trend"]
    past = ["visitors_before", "day"]
    assert series.Row.column_names() == ["shop", "hour", "open", "origin", "step", *simple, "scale", *past]


WRONG = {
    "known ahead target": (partial(forecasting.rows, group="shop", time="hour", target="open"), "open is not a number"),
    "no such column": (partial(forecasting.rows, group="store", time="hour", target="sales"), "Observation has no column store"),
    "no time": (partial(forecasting.rows, group="shop", time="open", target="sales"), "open is not a time"),
}


@pytest.mark.parametrize("make, message", WRONG.values(), ids=WRONG)
def test_roles_that_cannot_be_are_refused(make, message):
    with pytest.raises(FactoryError, match=message):
        make(series.Observation, series.history)


def test_a_target_known_ahead_is_a_leak():
    class Ahead(series.Observation):
        sales = dy.Float64(nullable=True, metadata=forecasting.KNOWN_AHEAD)

    with pytest.raises(FactoryError, match=r"^LEAKAGE: contract\.py: the target sales cannot be known ahead"):
        forecasting.rows(Ahead, series.history, group="shop", time="hour", target="sales")


HISTORY_FAULTS = {
    "no table": (lambda rows, origin: 1, "returns int, not a DataFrame"),
    "no series": (lambda rows, origin: rows.select(x=pl.len()), "returns no column shop"),
    "a taken name": (lambda rows, origin: rows.select("shop", "open").unique("shop"), "returns open, which rows have already"),
    "a text": (lambda rows, origin: rows.group_by("shop").agg(x=pl.lit("a")), "x is String"),
    "an error": (lambda rows, origin: rows["nothing"], "fails on no observations"),
}


@pytest.mark.parametrize("history, message", HISTORY_FAULTS.values(), ids=HISTORY_FAULTS)
def test_faults_of_history_are_named(history, message):
    with pytest.raises(FactoryError, match=rf"features\.py: history\(\).*{message}"):
        forecasting.rows(series.Observation, history, group="shop", time="hour", target="sales")


def test_several_rows_of_a_series_are_refused(monkeypatch):
    series.declare(monkeypatch, lambda rows, origin: rows.select("shop", past="sales"))
    with pytest.raises(FactoryError, match="returns several rows for the same shop"):
        examples.at(series.observations(30), series.SETTINGS)
