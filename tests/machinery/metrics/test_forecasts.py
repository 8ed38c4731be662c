"""What forecasts are measured by: scaled errors, naive forecasts, and blocks of errors that are alike."""

import numpy as np
import polars as pl
import pytest
from late_flights.factory.errors import FactoryError
from late_flights.factory.metrics import bootstrap, definitions
from late_flights.factory.metrics.forecasts import MIN_BLOCKS, naive_forecasts
from late_flights.factory.metrics.scaled import Scaled, scaled

from machinery.forecast_evidence import params, rows

METRICS = definitions.METRICS["forecasting"]


def test_scaled_errors_of_large_and_small_series_count_alike():
    target = scaled(np.array([1.0, 2.0, 100.0, 300.0]), pl.Series([1.0, 1.0, 100.0, 100.0]))
    score = np.array([2.0, 2.0, 200.0, 200.0])
    assert METRICS["mase"](target, score) == pytest.approx(0.75)
    assert METRICS["rmsse"](target, score) == pytest.approx(np.sqrt(0.75))
    assert METRICS["mae"](target, score) == pytest.approx(50.25)
    assert METRICS["bias"](target, score) == pytest.approx(0.25)


@pytest.mark.parametrize("rows", [slice(1, 3), np.array([2, 0]), np.array([False, True, True, False]), np.array([1, 1, 3])])
def test_scales_stay_with_the_chosen_rows(rows):
    scale = np.array([1.0, 2.0, 4.0, 8.0])
    part = scaled(np.arange(4.0), pl.Series(scale))[rows]
    assert isinstance(part, Scaled) and part.scale is not None and (part.scale == scale[rows]).all()
    assert type(part - 1) is np.ndarray and not isinstance(part.mean(), np.ndarray)


def test_series_without_a_scale_counts_by_the_scale_of_others():
    target = scaled(np.zeros(4), pl.Series([2.0, None, 0.0, 4.0]))
    assert target.scale is not None and target.scale.tolist() == [2, 3, 3, 4]
    constant = scaled(np.zeros(2), pl.Series([None, None], dtype=pl.Float64))
    assert METRICS["mase"](constant, np.array([0.0, 3.0])) == 1.5


def test_targets_that_have_lost_their_scales_have_no_scaled_error():
    with pytest.raises(ValueError, match="lost their scales"):
        METRICS["mase"](np.zeros(2), np.ones(2))


def test_target_of_a_forecast_knows_the_scale():
    table = rows(series=2, times=30)
    found = definitions.target_of(table, params())
    assert isinstance(found, Scaled) and (found.scale == table["scale"].to_numpy()).all()


@pytest.mark.parametrize("name", ["bias", "error_q50", "r2"])
def test_forecasts_are_not_judged_by_what_has_no_better(name):
    with pytest.raises(FactoryError, match=f"{name} is not one of mase, rmsse, mae, rmse"):
        definitions.main_metric(params(evaluation={"metric": name}))


def test_naive_forecasts_fall_back_on_the_last_value_the_mean_and_the_mean_of_all():
    known = {"seasonal_naive": [1.0, None, None, None], "naive": [2.0, 2.0, None, None], "mean": [3.0, 3.0, 3.0, None]}
    found = naive_forecasts(pl.DataFrame(known | {"drift": [4.0, 4.0, None, None]}), 9.0)
    assert found["seasonal_naive"].tolist() == [1, 2, 3, 9] and found["drift"].tolist() == [4, 4, 3, 9]
    assert found["naive"].tolist() == [2, 2, 3, 9] and found["mean"].tolist() == [3, 3, 3, 9]


def test_rows_of_a_block_of_target_times_are_resampled_together():
    table = rows(series=3, times=24 * 8)
    ids = definitions.ids_of(table, params())
    blocks = table.with_columns(block=pl.Series(ids)).group_by("block").agg(pl.col("at").n_unique(), pl.col("shop").n_unique())
    assert blocks["at"].max() == 24 and (blocks["shop"] == 3).all() and blocks.height >= 8


@pytest.mark.parametrize("series, cases", [(1, 2), (9, 9)])
def test_series_are_the_cases_where_there_are_few_blocks(series, cases):
    ids = definitions.ids_of(rows(series=series, times=30), params())
    assert (len(np.unique(ids)) == cases and cases < MIN_BLOCKS) or series > cases - 1


def test_intervals_of_blocks_are_wider_than_those_of_rows():
    """Errors at one time are alike in all series: there are fewer cases than rows."""
    table = rows(series=10, times=24 * 20)
    shock = np.repeat(np.random.default_rng(0).normal(size=40), 12)
    shocks = dict(zip(table["at"].unique().sort(), shock, strict=False))
    target = definitions.target_of(table, params())
    score = target + table["at"].replace_strict(shocks, default=0.0).to_numpy()
    by_rows = bootstrap.interval(METRICS["mase"], target, score)
    by_blocks = bootstrap.interval(METRICS["mase"], target, score, definitions.ids_of(table, params()))
    assert by_blocks.high - by_blocks.low > 3 * (by_rows.high - by_rows.low)
