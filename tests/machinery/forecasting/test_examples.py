"""Rows of a forecast: what is in them was known at their origin, whatever history() does, and training, batch and service agree."""

from datetime import UTC, date, datetime, timedelta

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from late_flights import contract
from late_flights.factory import forecasting
from late_flights.factory.errors import FactoryError
from late_flights.factory.forecasting import examples, grid
from late_flights.factory.forecasting.settings import Settings
from polars.testing import assert_frame_equal

from machinery import series

PLACE = 120  # hours after the start


def at(hours: int) -> datetime:
    return series.START + timedelta(hours=hours)


def until(seen: pl.DataFrame, origin: datetime) -> pl.DataFrame:
    """As at the origin: later targets and visitors are not known yet."""
    later = pl.col("hour") > origin
    return seen.with_columns(pl.when(~later).then(pl.col(name)).alias(name) for name in ("visitors", "sales"))


def rows_of(seen: pl.DataFrame, shop: str, origin: datetime) -> pl.DataFrame:
    table = grid.numbered(seen, series.SETTINGS)
    made = examples.build(table, series.SETTINGS, [grid.position(table, series.SETTINGS, origin)])
    return made.filter(pl.col("shop") == shop).sort("step")


def test_a_row_holds_what_simple_methods_forecast():
    seen = series.observations()
    own = seen.filter(pl.col("shop") == "south").sort("hour")
    row = rows_of(seen, "south", at(PLACE)).row(2, named=True)
    value = dict(zip(own["hour"], own["sales"], strict=True))
    window = [value[at(PLACE - 71 + i)] for i in range(72)]
    assert (row["origin"], row["step"], row["hour"], row["sales"]) == (at(PLACE), 3, at(PLACE + 3), value[at(PLACE + 3)])
    assert row["naive"] == window[-1] and row["seasonal_naive"] == value[at(PLACE + 3 - 24)]
    assert row["mean"] == pytest.approx(sum(window) / 72)
    assert row["drift"] == pytest.approx(window[-1] + 3 * (window[-1] - window[0]) / 71)
    differences = [abs(window[i] - window[i - 24]) for i in range(24, 72)]
    assert row["scale"] == pytest.approx(sum(differences) / 48)
    assert row["day"] == pytest.approx(sum(window[-24:]) / 24)


HISTORIES = {
    "as it should be": series.history,
    "shifted backwards": lambda rows, origin: (
        rows.select("shop", "hour", ahead=pl.col("sales").shift(-1).over("shop")).group_by("shop").agg(pl.col("ahead").last())
    ),
    "mean of all shops": lambda rows, origin: rows.select("shop", whole=pl.col("sales").mean()).unique(),
    "a day before": lambda rows, origin: rows.select("shop", pl.col("hour") + timedelta(days=1), before="sales"),
    "all that comes later": lambda rows, origin: rows.group_by("shop").agg(later=(pl.col("hour") > origin).sum()),
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_nothing_after_the_origin_changes_a_row(history, data):
    with pytest.MonkeyPatch.context() as patch:
        series.declare(patch, history)
        seen = series.observations(150)
        origin = at(data.draw(st.integers(30, 140)))
        noise = data.draw(st.integers(0, 1000))
        later = pl.col("hour") > origin
        other = seen.with_columns(
            pl.when(later).then(pl.lit(float(noise))).otherwise("sales").alias("sales"),
            pl.when(later).then(pl.lit(noise)).otherwise("visitors").cast(pl.Int32).alias("visitors"),
        ).sample(fraction=1, shuffle=True, seed=noise)
        expected = examples.at(seen, series.SETTINGS, origin)
        assert examples.at(other, series.SETTINGS, origin).sort("shop", "step").equals(expected.sort("shop", "step"))


def test_training_and_scoring_have_the_same_rows():
    seen = series.observations()
    trained = pl.concat([rows_of(seen, shop, at(PLACE)) for shop in series.SHOPS]).drop("sales")
    scored = examples.at(until(seen, at(PLACE)).filter(pl.col("hour") <= at(PLACE + 6)), series.SETTINGS)
    assert_frame_equal(scored, trained, check_row_order=False, abs_tol=0, rel_tol=1e-12)  # sums differ in the last digits


@pytest.mark.parametrize("shop", series.SHOPS)
def test_a_series_alone_has_the_rows_that_it_has_among_others(shop):
    seen = until(series.observations(), at(PLACE))
    alone = examples.at(seen.filter(pl.col("shop") == shop), series.SETTINGS)
    assert alone.equals(examples.at(seen, series.SETTINGS).filter(pl.col("shop") == shop))


def test_a_gap_moves_the_horizon():
    late = Settings(**{**vars(series.SETTINGS), "gap": 2})
    made = examples.at(until(series.observations(), at(PLACE)), late)
    first = made.filter(pl.col("step") == 1)
    assert first["hour"].unique().to_list() == [at(PLACE + 3)] and first["origin"].unique().to_list() == [at(PLACE)]


def test_missing_times_are_unknown_and_short_series_fall_back():
    seen = series.observations(PLACE + 1)
    keep = (pl.col("shop") != "west") | (pl.col("hour") == at(PLACE))  # a series of one observation
    holes = seen.filter(keep & ~((pl.col("shop") == "south") & (pl.col("hour") == at(PLACE - 24 + 1))))
    made = examples.at(holes, series.SETTINGS).with_columns(pl.lit(True).alias("open")).filter(pl.col("step") == 1)
    by_shop = {row["shop"]: row for row in made.iter_rows(named=True)}
    value = {(row["shop"], row["hour"]): row["sales"] for row in seen.iter_rows(named=True)}
    assert by_shop["south"]["seasonal_naive"] == value["south", at(PLACE - 48 + 1)]  # of the season before
    only = value["west", at(PLACE)]
    assert [by_shop["west"][name] for name in ("naive", "seasonal_naive", "mean", "drift", "scale")] == [only] * 4 + [None]


def test_less_than_a_season_falls_back_on_the_mean():
    made = examples.at(series.observations(11), series.SETTINGS).filter(pl.col("step") == 1)
    assert made["seasonal_naive"].equals(made["mean"], check_names=False)


def test_series_without_any_history_have_rows():
    seen = until(series.observations(PLACE + 10), at(PLACE)).filter((pl.col("shop") != "west") | (pl.col("hour") > at(PLACE)))
    new = examples.at(seen, series.SETTINGS).filter(pl.col("shop") == "west")
    assert new.height == series.SETTINGS.horizon and new["naive"].is_null().all() and new["open"].is_not_null().all()


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_constant_series_has_no_scale(value):
    made = examples.at(series.observations(100).with_columns(sales=pl.lit(value)), series.SETTINGS)
    assert made["scale"].is_null().all() and (made["naive"] == value).all() and (made["drift"] == value).all()


def test_times_off_the_grid_and_repeated_ones_are_refused():
    seen = series.observations(30)
    odd = pl.col("hour") == at(5)
    off = seen.with_columns(pl.when(odd).then(pl.col("hour") + timedelta(minutes=7)).otherwise("hour").alias("hour"))
    with pytest.raises(FactoryError, match=r"^hour: 2020-01-01 05:07:00 is not a whole number of 1h from the other times"):
        grid.numbered(off, series.SETTINGS)
    twice = pl.concat([seen, seen.filter(odd)])
    with pytest.raises(
        FactoryError, match=r"^shop, hour: 6 observations of the same time of a series, e.g. of north, 2020-01-01 05:00"
    ):
        grid.numbered(twice, series.SETTINGS)


class Dated(dy.Schema):
    day = dy.Date()
    amount = dy.Float64(nullable=True)


def dated(every: str, days: list[date], season: int = 1) -> pl.DataFrame:
    of = Settings(groups=[], time="day", target="amount", every=every, horizon=3, season=season, gap=0, window=24)
    row, labelled = forecasting.rows(Dated, lambda rows, origin: rows.select(rows=pl.len()), time="day", target="amount")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"Observation": Dated, "Row": row, "LabelledRow": labelled}.items():
            patch.setattr(contract, name, value, raising=False)
        return examples.at(pl.DataFrame({"day": days, "amount": [float(i) for i in range(len(days))]}), of)


@pytest.mark.parametrize(
    "every, days, expected",
    [
        ("1mo", [date(2023, 11, 1), date(2023, 12, 1)], [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]),
        ("1mo", [date(2023, 11, 30), date(2023, 12, 31)], [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)]),
        ("1q", [date(2023, 9, 30), date(2023, 12, 31)], [date(2024, 3, 31), date(2024, 6, 30), date(2024, 9, 30)]),
        ("1w", [date(2024, 2, 19), date(2024, 2, 26)], [date(2024, 3, 4), date(2024, 3, 11), date(2024, 3, 18)]),
        ("1d", [date(2024, 2, 28), date(2024, 2, 29)], [date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 3)]),
        ("1y", [date(2020, 1, 1), date(2021, 1, 1)], [date(2022, 1, 1), date(2023, 1, 1), date(2024, 1, 1)]),
    ],
)
def test_calendars(every, days, expected):
    made = dated(every, days)
    assert made["day"].to_list() == expected and made["naive"].to_list() == [1.0] * 3 and made["rows"].to_list() == [24.0] * 3


def test_hours_go_on_where_clocks_change():
    berlin = pl.Datetime("us", "Europe/Berlin")
    start = datetime(2024, 10, 26, 22, tzinfo=UTC)
    seen = pl.DataFrame({"hour": [start + timedelta(hours=i) for i in range(6)], "sales": [1.0] * 6})
    seen = seen.with_columns(pl.col("hour").dt.convert_time_zone("Europe/Berlin"))
    assert (
        seen.schema["hour"] == berlin
        and grid.numbered(seen, Settings(**{**vars(series.SETTINGS), "groups": []}))[grid.POSITION].diff().drop_nulls().to_list()
        == [1] * 5
    )


def test_days_go_on_by_the_clock_of_the_newest():
    times = [datetime(2024, 3, 1, 23), datetime(2024, 3, 2, 23), datetime(2024, 3, 3, 22)]
    seen = pl.DataFrame({"shop": ["north"] * 3, "hour": times, "open": [True] * 3, "visitors": [1] * 3, "sales": [1.0] * 3})
    of = Settings(groups=["shop"], time="hour", target="sales", every="1d", horizon=1, season=1, gap=0, window=24)
    made = examples.at(seen.cast({name: column.dtype for name, column in series.Observation.columns().items()}), of)
    assert made["hour"].to_list() == [datetime(2024, 3, 4, 22)]
