"""Forecasts are validated as they are made: on later origins, by a model of what was known when the first of them came."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from late_flights.factory.training import cross_validation, rolling_origin
from tests.factory import toy

START, HORIZON = date(2024, 1, 1), 5


def params(**forecast):
    settings = {"group": "store", "time": "day", "every": "1d", "horizon": HORIZON, "season": 7} | forecast
    sections = {"data": {"target": "sold"}, "split": {"test": 0.2}, "evaluation": {"metric": "mae"}}
    return toy.params("forecasting", forecast=settings, **sections)


def rows(days=100, stores="ab"):
    """Every series, origin and step, shuffled."""
    table = pl.DataFrame(
        [
            {"store": store, "origin": START + timedelta(origin), "step": step, "day": START + timedelta(origin + step)}
            for store in stores
            for origin in range(days)
            for step in range(1, HORIZON + 1)
        ]
    )
    noise = np.random.default_rng(0).normal(size=table.height)
    return table.with_columns(sold=pl.col("step") + pl.Series(noise), scale=pl.lit(2.0)).sample(fraction=1, shuffle=True, seed=1)


@pytest.fixture
def folds(monkeypatch):
    monkeypatch.setattr(
        cross_validation, "feature_matrix", lambda rows, encoders: rows.select("step").to_numpy().astype(np.float32)
    )
    return lambda table, **more: cross_validation.Folds(table, params(), pl.Schema({"step": pl.Int16()}), **more)


@pytest.mark.parametrize("count", [5, 3, 1])
def test_each_part_learns_from_what_was_known_at_its_first_origin(count):
    table = rows()
    before = 0
    parts = rolling_origin.parts(table, params(), count)
    for part in parts:
        known, held_out = table.filter(pl.Series(part.fit)), table.filter(pl.Series(part.held_out))
        assert known["day"].max() < held_out["origin"].min()
        assert known["day"].max() == held_out["origin"].min() - timedelta(1)  # and from all of it
        assert known.height > before and part.is_sound
        before = known.height
    assert len(parts) == count and np.sum([part.held_out for part in parts], axis=0).max() == 1
    share = min(0.2 * count, 0.5)
    assert np.sum([part.held_out for part in parts]) == pytest.approx(share * table.height, rel=0.05)
    assert table.filter(pl.Series(parts[-1].held_out))["origin"].max() == table["origin"].max()


def test_several_parts_also_of_a_large_table_and_fewer_of_short_series(folds, monkeypatch):
    assert len(folds(rows()).parts) == 5
    assert len(folds(rows(7)).parts) < 5
    monkeypatch.setattr(cross_validation, "MAX_CELLS_OF_FOLDS", 10)
    assert len(folds(rows()).parts) == 3


def test_three_origins_are_one_part_and_a_single_one_is_refused(folds):
    assert len(folds(rows(3)).parts) == 1
    with pytest.raises(cross_validation.TooFewRows, match="cannot validate on 10 training rows"):
        folds(rows(1))
