"""What is odd about series: gaps, other steps, clocks that are set back, and values that do not vary, or are zero or negative."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import polars as pl

from .time_series import GROUP, LEAST, PLACE, TIME, VALUE, Series

WHOLE = 0.001  # of a step
CLOCK_MONTHS, CLOCK_HOURS, SUNDAY = (3, 4, 9, 10, 11), (0, 3), 7
"""When clocks are set forward or back: in a night before a Sunday of these months, between these hours."""
FEW_NEGATIVE = 0.05  # of the values: a sign that others do not have
INTERMITTENT = 0.5  # of the values are zero


def gaps(series: Series) -> tuple[int, int]:
    """The number of times without a row, between the first and the last of each series, and of all times there."""
    place = pl.col(PLACE).floor()
    spans = series.observations.group_by(GROUP).agg(span=place.max() - place.min() + 1, there=place.n_unique())
    steps = int(spans["span"].sum())
    return steps - int(spans["there"].sum()), steps


def idle_weekdays(series: Series) -> list[str]:
    """The weekdays of which there is no time, where others have many."""
    if series.step.every != "1d":
        return []
    there = {*series.observations[TIME].dt.weekday()}
    monday = datetime(2024, 1, 1)
    return [f"{monday.replace(day=day):%A}" for day in range(1, 8) if day not in there]


def other_steps(series: Series) -> Counter[str]:
    """The number of series of each step, apart from those of the usual one."""
    steps = series.observations.select(GROUP, pl.col(PLACE).diff().over(GROUP).alias("step")).drop_nulls()
    usual = steps.group_by(GROUP).agg(pl.col("step").mode().min(), pl.len()).filter(pl.col("len") >= LEAST - 1)
    odd = usual.filter((pl.col("step") - 1).abs() > WHOLE)["step"]
    sizes = [step * series.step.count for step in odd]
    return Counter(replace(series.step, count=round(size)).every for size in sizes if size >= 1)


def clock_changes(series: Series) -> tuple[list[datetime], list[datetime]]:
    """The times that are missing in all series, and those that are there twice, where clocks are set forward and back."""
    rows = series.observations
    if rows.schema[TIME].time_zone or series.step.months or series.step.count > 60:  # type: ignore[attr-defined]
        return [], []
    twice = rows.filter(pl.struct(GROUP, TIME).is_duplicated())[TIME].unique()
    grid = pl.datetime_range(pl.col(TIME).min(), pl.col(TIME).max(), series.step.every).alias(TIME)
    missing = rows.select(grid).join(rows, on=TIME, how="anti", maintain_order="left")[TIME]
    return list(_of_clock(missing)), list(_of_clock(twice))


def negative(series: Series) -> tuple[int, int]:
    """The number of values below zero where hardly any are, and of all."""
    values = series.observations[VALUE].drop_nulls()
    below = int((values < 0).sum())
    return (below if below <= FEW_NEGATIVE * len(values) else 0), len(values)


def share_of_zeros(series: Series) -> float:
    """Of the known values."""
    return float((series.observations[VALUE] == 0).mean() or 0)  # type: ignore[arg-type]


def unvarying(series: Series) -> tuple[int, int]:
    """The number of series whose values are all the same, and of those that are all zero."""
    known = series.observations.drop_nulls(VALUE).group_by(GROUP)
    ends = known.agg(pl.col(VALUE).min().alias("low"), pl.col(VALUE).max().alias("high"), pl.len())
    same = ends.filter((pl.col("low") == pl.col("high")) & (pl.col("len") > 1))
    zeros = int((same["low"] == 0).sum())
    return same.height - zeros, zeros


def short(series: Series, steps: int) -> int:
    """The number of series with no more known values than that."""
    return int((series.lengths <= steps).sum())


def _of_clock(times: pl.Series) -> Iterator[datetime]:
    is_night = (times.dt.weekday() == SUNDAY) & times.dt.hour().is_between(*CLOCK_HOURS)
    yield from times.filter(is_night & times.dt.month().is_in(CLOCK_MONTHS)).sort()
