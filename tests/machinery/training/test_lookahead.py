"""Training rows that know what came later, or what a request does not hold, are refused."""

import dataframely as dy
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import forecasting
from late_flights.factory.data import observations, prepare
from late_flights.factory.errors import FactoryError, Refused
from late_flights.factory.scoring import feature_table
from late_flights.factory.training import isolation, lookahead, row_by_row

from machinery import series

SEEN = series.observations(300)


def train(monkeypatch, history=series.history) -> pl.DataFrame:
    """The training rows of a project with this history()."""
    series.declare(monkeypatch, history)
    names = ("step", "naive", *contract.Row.column_names()[-2:])
    monkeypatch.setattr(feature_table, "compute", lambda rows: rows.select(names))
    monkeypatch.setattr(prepare, "read", lambda name: SEEN)
    monkeypatch.setattr(isolation, "problem", lambda *_: None)
    rows, _ = observations.split(SEEN, series.params())
    return rows


def test_rows_of_what_was_known_pass(monkeypatch):
    lookahead.check_lookahead(train(monkeypatch), series.params())


def test_rows_that_hold_what_came_later_are_refused(monkeypatch):
    rows = train(monkeypatch)
    later = SEEN.select("shop", pl.col("hour").dt.offset_by("-1h"), coming="sales")
    leaked = rows.join(later, on=["shop", "hour"], how="left").with_columns(day=pl.coalesce("coming", "day"))
    with pytest.raises(Refused, match=r"LEAKAGE: .*: day of the training rows depends on what came after the origin: "):
        lookahead.check_lookahead(leaked.select(rows.columns), series.params())


def test_history_that_is_given_what_came_later_is_refused(monkeypatch):
    """As if the machinery had passed on all observations."""
    given = {}

    def knowing(rows, origin):
        seen = given.get("seen", SEEN.clear())
        coming = seen.filter(pl.col("hour") > origin).group_by("shop").agg(coming=pl.col("sales").mean())
        return series.history(rows, origin).join(coming, on="shop", how="left")

    compute = lookahead.compute

    def passing(table, *others):
        given["seen"] = table
        return compute(table, *others)

    rows = train(monkeypatch, knowing)
    monkeypatch.setattr(lookahead, "compute", passing)
    with pytest.raises(Refused, match=r"LEAKAGE: .*: coming depends on what came after the origin: "):
        lookahead.check_lookahead(rows, series.params())


def test_history_of_a_series_that_needs_the_others_is_refused(monkeypatch):
    def ranked(rows, origin):
        return series.history(rows, origin).with_columns(rank=pl.col("day").rank())

    with pytest.raises(Refused, match="rank of a series depends on the other series, of which nothing is known in service: "):
        lookahead.check_lookahead(train(monkeypatch, ranked), series.params())


LEAKS = {
    "shift(-1)": {"next": pl.col("naive").shift(-1)},
    "shift(-1) within the series": {"next": pl.col("naive").shift(-1).over("shop")},
    "mean of all rows": {"level": pl.col("naive") / pl.col("naive").mean()},
    "centred rolling mean": {"smooth": pl.col("naive").rolling_mean(5, center=True)},
    "rank": {"rank": pl.col("seasonal_naive").rank()},
    "mean of the series": {"usual": pl.col("naive").mean().over("shop")},
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_features_of_a_row_that_need_the_others_are_leaks(monkeypatch, leak):
    rows = train(monkeypatch)
    monkeypatch.setattr(row_by_row, "features", lambda rows: rows.select("step", "naive", **leak))
    with pytest.raises(Refused, match=f"LEAKAGE: .*: {next(iter(leak))} is "):
        row_by_row.check_row_by_row(rows, series.params())


def test_target_is_not_known_ahead():
    class Known(series.Observation):
        sales = dy.Float64(nullable=True, metadata=forecasting.KNOWN_AHEAD)

    with pytest.raises(FactoryError, match=r"LEAKAGE: contract.py: the target sales cannot be known ahead"):
        forecasting.rows(Known, series.history, group="shop", time="hour", target="sales")
