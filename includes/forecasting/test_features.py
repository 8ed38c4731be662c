"""Features of a row depend, but for the last bit, on that row alone, and a history on nothing that is newer."""

from datetime import datetime, timedelta

import dataframely as dy
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from . import contract
from . import features as yours

features, history = yours.features, yours.history
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


def test_weekdays_run_from_monday_to_sunday():
    days = pl.concat(ROWS[:1].with_columns(hour=pl.lit(datetime(2013, 1, day, 23))) for day in range(7, 14))
    found = features(days)
    assert found["weekday"].to_list() == [1, 2, 3, 4, 5, 6, 7] and set(found["hour_of_day"]) == {23}


ORIGIN = datetime(2013, 2, 10, 5)


def past(weeks, **columns):
    """The hours of two airports up to the origin: as many departures as the hour of the day has, twice as many at EWR."""
    hours = pl.DataFrame({"hour": [ORIGIN - timedelta(hours=back) for back in reversed(range(168 * weeks))]})
    rows = hours.join(pl.DataFrame({"airport": ["EWR", "JFK"]}), how="cross").sort("airport", "hour")
    departures = pl.col("hour").dt.hour() * pl.when(pl.col("airport") == "EWR").then(2).otherwise(1)
    usual = {"holiday": pl.lit(False), "wind_speed": pl.lit(10.0), "visibility": pl.lit(16.0), "departures": departures}
    return rows.with_columns(**(usual | columns)).cast({"airport": contract.Observation.airport.dtype})


def test_the_next_day_has_what_was_usual_at_that_hour():
    found = history(past(weeks=3), ORIGIN)
    assert found.group_by("airport").len()["len"].to_list() == [24, 24]
    assert set(found["hour"]) == {ORIGIN + timedelta(hours=step) for step in range(1, 25)}
    size = pl.when(pl.col("airport") == "EWR").then(2).otherwise(1)
    assert found.select(pl.col("usual") == pl.col("hour").dt.hour() * size).to_series().all()
    assert (found["recent_change"] == 0).all()


def test_hours_without_a_value_do_not_count():
    gaps = pl.when(pl.col("hour").dt.day() > 3).then("departures")
    found = history(past(weeks=3).with_columns(gaps), ORIGIN)
    assert found["recent_change"].null_count() == found.height
    assert found.filter(airport="JFK")["usual"].to_list() == [(5 + step) % 24 for step in range(1, 25)]


def test_recent_weather_is_the_worst_of_three_hours():
    newest = pl.col("hour") == ORIGIN - timedelta(hours=2)
    found = history(
        past(weeks=3).with_columns(
            wind_speed=pl.when(newest).then(60.0).otherwise(10.0), visibility=pl.when(newest).then(1.0).otherwise(16.0)
        ),
        ORIGIN,
    )
    assert set(found.select("recent_wind", "recent_visibility").unique().row(0)) == {60.0, 1.0}


def test_order_of_the_airports_does_not_matter():
    rows = past(weeks=3)
    alone = pl.concat(history(rows.filter(airport=airport), ORIGIN) for airport in ("EWR", "JFK"))
    assert history(rows, ORIGIN).equals(alone)
