"""The times of series as whole numbers of steps, on which missing ones are rows of nulls."""

import re
from typing import Any

import polars as pl

from ..errors import FactoryError
from .settings import Settings

POSITION = "position "
"""The column with the number of a time; no column of users ends in a space."""
MILLISECONDS = {"m": 60_000, "h": 3_600_000}
DAYS = {"d": 1, "w": 7}
MONTHS = {"mo": 1, "q": 3, "y": 12}


def numbered(observations: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """The observations with the position of each, sorted by series and time.

    Raises FactoryError where times are not a whole number of steps apart, or a series has one twice.
    """
    number, size = _number(pl.col(settings.time), settings.every)
    table = observations.with_columns((number // size).alias(POSITION))
    phases = table.select(number % size).to_series()
    if len(phases) and phases.min() != phases.max():
        odd = table.filter(phases != phases.mode().min()).row(0, named=True)[settings.time]
        raise FactoryError(
            f"{settings.time}: {odd} is not a whole number of {settings.every} from the other times: round the times, or correct "
            "forecast.every in params.yaml"
        )
    names = [*settings.groups, POSITION]
    if (repeated := table.select(names).is_duplicated()).any():
        first = table.filter(repeated).row(0, named=True)
        place = ", ".join(f"{first[name]}" for name in settings.keys)
        raise FactoryError(
            f"{', '.join(settings.keys)}: {int(repeated.sum()):,} observations of the same time of a series, e.g. of {place}: keep "
            "one of each, add them up, or correct forecast.every (clocks that go back an hour repeat one: deliver times in UTC)"
        )
    return table.sort(names)


def position(table: pl.DataFrame, settings: Settings, time: Any) -> int:
    """The position of a time among the numbered observations. Raises FactoryError."""
    asked = pl.DataFrame({settings.time: [time]}, {settings.time: table.schema[settings.time]}, strict=False)
    number, size = _number(pl.col(settings.time), settings.every)
    place, phase = asked.select((number // size).alias(POSITION), (number % size).alias("phase")).row(0)
    if place is None or (table.height and phase != table.head(1).select(number % size).item()):
        raise FactoryError(
            f"{settings.time}: {time} is none of the times of the series, which are {settings.every} apart"
        )
    return int(place)


def times(table: pl.DataFrame, settings: Settings, positions: pl.Series) -> pl.Series:
    """The times of the positions, counted from the newest observation."""
    place = positions.alias(POSITION).to_frame()
    return place.select(time_at(table, settings, POSITION).alias(settings.time)).to_series()


def time_at(table: pl.DataFrame, settings: Settings, name: str) -> pl.Expr:
    """The time of the position in that column: so many steps from the newest of the table, at the end of the month if all are."""
    if not table.height:
        return pl.lit(None, table.schema[settings.time])
    newest = table.row(int(table[POSITION].arg_max() or 0), named=True)  # by whose clock days go on
    size, unit = _parts(settings.every)
    steps = (pl.col(name) - newest[POSITION]) * size
    dtype = table.schema[settings.time]
    start = pl.lit(newest[settings.time], dtype)
    if unit in MILLISECONDS:
        return start + pl.duration(milliseconds=steps * MILLISECONDS[unit])
    time = start.dt.offset_by(pl.format(f"{{}}{unit}", steps))
    ends = table[settings.time]
    if unit in MONTHS and (ends.dt.date() == ends.dt.month_end().dt.date()).all():
        return time.dt.month_end()
    return time


def _number(time: pl.Expr, every: str) -> tuple[pl.Expr, int]:
    """The time as a whole number of its unit, and how many of these are a step."""
    size, unit = _parts(every)
    if unit in MILLISECONDS:
        return time.dt.epoch("ms"), size * MILLISECONDS[unit]
    if unit in DAYS:
        return time.dt.date().cast(pl.Int32).cast(pl.Int64), size * DAYS[unit]
    return time.dt.year().cast(pl.Int64) * 12 + time.dt.month().cast(pl.Int64) - 1, size * MONTHS[unit]


def _parts(every: str) -> tuple[int, str]:
    size, unit = re.fullmatch(r"(\d+)(\w+)", every).groups()  # type: ignore[union-attr]
    return int(size), unit
