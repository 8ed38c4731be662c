"""A feature that knows what is forecast is found in any unit; what is known at the origin is not."""

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory.forecasting import KNOWN_AHEAD
from late_flights.factory.training import forecast_leakage

from machinery.forecast_evidence import features, params, rows

ROWS = rows(times=24 * 12)
NOISE = np.random.default_rng(2).normal(size=ROWS.height)
SALES, SCALE = pl.col("sales"), pl.col("scale")


class Observation(dy.Schema):
    """Sales of shops by the hour, of which the visitors of two doors are declared as known ahead."""

    shop = dy.String()
    at = dy.Datetime()
    left = dy.Float64(metadata=KNOWN_AHEAD)
    right = dy.Float64(metadata=KNOWN_AHEAD)
    open = dy.Bool(metadata=KNOWN_AHEAD)
    sales = dy.Float64(nullable=True)


@pytest.fixture(autouse=True)
def visitors(monkeypatch):
    monkeypatch.setattr(contract, "Observation", Observation, raising=False)


def found(table=ROWS, **columns):
    doors = {name: pl.lit(1.0) for name in ("left", "right") if name not in table.columns}
    table = table.with_columns(**doors, open=pl.lit(True))
    return [
        leak.subject for leak in forecast_leakage.find(table, features(table).with_columns(table.select(**columns)), params())
    ]


LEAKS = {
    "the target itself": SALES,
    "in another unit": SALES * 0.453 + 12,
    "in units of each series": SALES / SALES.mean().over("shop"),
    "its logarithm": SALES.abs().log1p(),
    "reversed": -SALES,
    "rounded": (SALES / SCALE * 4).round() * SCALE / 4,
    "with a little noise": SALES + 0.05 * SCALE * pl.lit(pl.Series(NOISE)),
    "known of half of the rows": pl.when(pl.col("at").dt.day() % 2 == 0).then(SALES),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_copy_of_the_target_is_found(leak):
    assert found(planned=leak) == ["planned"]


HONEST = {
    "time": (pl.col("at") - pl.col("at").min()).dt.total_hours(),
    "hour": pl.col("at").dt.hour(),
    "value of yesterday": pl.col("seasonal_naive") * 1.02,
    "mean of the naive forecasts": (pl.col("naive") + pl.col("seasonal_naive")) / 2,
    "a plan that sales follow roughly": SALES + 0.5 * SCALE * pl.lit(pl.Series(NOISE)),
    "the naive forecast itself": pl.col("naive"),
    "constant": pl.col("step") * 0 + 1,
    "unknown": pl.when(pl.col("step") < 0).then(1.0),
    "a category": pl.col("shop").cast(pl.Enum([f"shop {i}" for i in range(3)])),
}


@pytest.mark.parametrize("column", HONEST.values(), ids=HONEST)
def test_what_is_known_at_the_origin_is_no_leak(column):
    assert found(planned=column) == []


@pytest.mark.parametrize("target", ["slow", "periodic", "growing"])
def test_series_that_are_easy_to_forecast_are_no_leak(target):
    """The naive forecasts explain nearly all of them, too."""
    hours = (pl.col("at") - pl.col("at").min()).dt.total_hours()
    values = {
        "slow": {"sales": pl.col("naive") + 0.001 * SCALE * pl.lit(pl.Series(NOISE))},
        "periodic": {"sales": (hours % 24).cast(pl.Float64), "seasonal_naive": (hours % 24).cast(pl.Float64)},
        "growing": {"sales": hours.cast(pl.Float64), "naive": (hours - pl.col("step")).cast(pl.Float64)},
    }[target]
    table = ROWS.with_columns(**values)
    assert found(table, level=pl.col("naive") * 2, time=hours, last=pl.col("seasonal_naive") + 1) == []


def test_copy_by_the_name_of_a_naive_forecast_is_found():
    assert found(naive=SALES) == ["naive"]


def test_parts_of_the_target_are_found_together():
    share = pl.lit(pl.Series(np.random.default_rng(3).random(ROWS.height)))
    parts = ROWS.with_columns(left=SALES * share, right=SALES * (1 - share) * 3)
    assert found(parts) == ["left, right"]
    assert found(parts.with_columns(right=pl.lit(pl.Series(NOISE)))) == []


def test_evidence_says_what_to_ask():
    [leak] = forecast_leakage.find(
        ROWS.with_columns(left=SALES, right=pl.lit(1.0), open=pl.lit(True)), ROWS.select(planned=SALES), params()
    )
    assert leak.figure == pytest.approx(1) and leak.naive < leak.figure
    assert leak.evidence.endswith("is it known at the origin?")
