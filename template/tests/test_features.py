"""Features of a row depend, but for the last bit, on that row alone; the doctests in features.py show single ones."""

from datetime import datetime

import dataframely as dy
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from . import contract
from . import features as yours

features = yours.features
ROWS = pl.DataFrame(contract.Row.sample(60, generator=dy.random.Generator(0)))
FEATURES = features(ROWS)
positions = st.lists(st.integers(0, ROWS.height - 1), max_size=20)


@settings(deadline=None)
@given(positions)
def test_order_and_company_of_rows_do_not_matter(chosen):
    assert_frame_equal(features(ROWS[chosen]), FEATURES[chosen], rel_tol=1e-12)


def test_a_row_alone_has_features_of_the_same_types():
    for row in ROWS.iter_slices(1):
        assert features(row).schema == FEATURES.schema


def test_batches_and_the_whole_agree():
    assert_frame_equal(pl.concat(features(batch) for batch in ROWS.iter_slices(7)), FEATURES, rel_tol=1e-12)


def test_no_rows_have_the_same_types():
    assert features(ROWS.clear()).schema == FEATURES.schema


def test_rows_are_not_changed():
    before = ROWS.clone()
    features(ROWS)
    assert ROWS.equals(before)


def test_numbers_are_finite():
    numbers = FEATURES.select(pl.selectors.float())
    assert numbers.select(pl.all().is_finite().all()).row(0) == (True,) * numbers.width


def test_identity_and_destination_are_not_features():
    other = ROWS.with_columns(flight=pl.lit("XX1-EWR-20130101"), dest=pl.lit("XXX"))
    assert features(other).equals(FEATURES)


def changed(**columns):
    return features(ROWS[:1].with_columns(**{name: pl.lit(value) for name, value in columns.items()})).row(
        0, named=True
    )


def test_midnight_and_the_last_minute():
    assert changed(scheduled_departure=datetime(2013, 1, 7))["hour"] == 0
    assert 23.98 < changed(scheduled_departure=datetime(2013, 1, 7, 23, 59))["hour"] < 24


def test_weekdays_run_from_monday_to_sunday():
    days = [changed(scheduled_departure=datetime(2013, 1, day))["weekday"] for day in range(7, 14)]
    assert days == [1, 2, 3, 4, 5, 6, 7]


def test_what_is_unknown_stays_unknown():
    assert changed(plane_built=None)["plane_age"] is None
    assert changed(wind_speed=None, wind_gust=30.0)["gust_excess"] is None


def test_no_gust_is_no_excess():
    assert changed(wind_speed=20.0, wind_gust=None)["gust_excess"] == 0
