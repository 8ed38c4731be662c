"""The times of series as whole numbers of steps, on which missing ones are rows of nulls."""

import re
from collections.abc import Callable
from typing import Any

import polars as pl

from ..errors import FactoryError
from .settings import Settings

POSITION, PHASE = "position ", "within step "
"""The column with the number of a time; no column of users ends in a space."""
MILLISECONDS = {"m": 60_000, "h": 3_600_000}
DAYS = {"d": 1, "w": 7}
MONTHS = {"mo": 1, "q": 3, "y": 12}


class OffGrid(FactoryError):
    """The times of the observations are not one for each step."""


def numbered(observations: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """The observations with the position of each, sorted by series and time.

    Raises OffGrid where times are not a whole number of steps apart, or a series has one twice.
    """
    number, size = _number(pl.col(settings.time), settings.every)
    names = [*settings.groups, POSITION]
    placed = observations.lazy().with_columns((number // size).alias(POSITION), (number % size).alias(PHASE))
    table = placed.sort(names).collect(engine="in-memory")
    phases = table[PHASE]
    if phases.min() != phases.max():
        odd = observations.filter(number % size != phases.mode().min()).row(0, named=True)[settings.time]
        raise OffGrid(
            f"{settings.time}: {odd} is not a whole number of {settings.every} from the other times: round the times"
        )
    if (repeated := table.select(names).is_duplicated()).any():
        first = table.filter(repeated).row(0, named=True)
        place = ", ".join(f"{first[name]}" for name in settings.keys)
        raise OffGrid(
            f"{', '.join(settings.keys)}: {int(repeated.sum()):,} observations of the same time of a series, e.g. of {place}: keep "
            "one of each, or add them up (clocks that go back an hour repeat one: deliver times in UTC)"
        )
    return table.drop(PHASE)


def position(table: pl.DataFrame, settings: Settings, time: Any) -> int:
    """The position of a time among the numbered observations. Raises FactoryError."""
    stated = pl.Series([time], dtype=table.schema[settings.time], strict=False)
    asked, size = _number(pl.lit(stated), settings.every)
    first, _ = _number(pl.col(settings.time).first(), settings.every)
    place, phase, known = table.select(asked // size, phase=asked % size, known=first % size).row(0)
    if place is None or (table.height and phase != known):
        raise FactoryError(
            f"{settings.time}: {time} is none of the times of the series, which are {settings.every} apart"
        )
    return int(place)


def times(table: pl.DataFrame, settings: Settings, positions: pl.Series) -> pl.Series:
    """The times of the positions, counted from the newest observation."""
    place = positions.alias(POSITION).to_frame()
    return place.select(clock(table, settings)(POSITION).alias(settings.time)).to_series()


def clock(table: pl.DataFrame, settings: Settings) -> Callable[[str], pl.Expr]:
    """Gives the time of the position in a column: so many steps from the newest of the table, at the end of the month if all are."""
    if not table.height:
        return lambda name: pl.lit(None, table.schema[settings.time])
    newest = table.row(int(table[POSITION].arg_max() or 0), named=True)  # by whose clock days go on
    start = pl.lit(newest[settings.time], table.schema[settings.time])
    size, unit = parts(settings.every)
    ends = table[settings.time] if unit in MONTHS else None
    at_ends = ends is not None and (ends.dt.date() == ends.dt.month_end().dt.date()).all()

    def time_at(name: str) -> pl.Expr:
        steps = (pl.col(name) - newest[POSITION]) * size
        if unit in MILLISECONDS:
            return start + pl.duration(milliseconds=steps * MILLISECONDS[unit])
        time = start.dt.offset_by(pl.format(f"{{}}{unit}", steps))
        return time.dt.month_end() if at_ends else time

    return time_at


def _number(time: pl.Expr, every: str) -> tuple[pl.Expr, int]:
    """The time as a whole number of its unit, and how many of these are a step."""
    size, unit = parts(every)
    if unit in MILLISECONDS:
        return time.dt.epoch("ms"), size * MILLISECONDS[unit]
    if unit in DAYS:
        return time.dt.date().cast(pl.Int32).cast(pl.Int64), size * DAYS[unit]
    return time.dt.year().cast(pl.Int64) * 12 + time.dt.month().cast(pl.Int64) - 1, size * MONTHS[unit]


def parts(every: str) -> tuple[int, str]:
    """The number and the unit of a step."""
    size, unit = re.fullmatch(r"(\d+)(\w+)", every).groups()  # type: ignore[union-attr]
    return int(size), unit
