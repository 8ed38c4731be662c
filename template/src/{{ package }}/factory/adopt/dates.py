"""Dates of a table: formats, the time of a row, limits, features, and whether a time can split the rows."""

import math
from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from typing import Any

import polars as pl

from .. import config
from ..data.split import LEAST_VALUES, is_future, is_newest
from .time_formats import BIRTH, FIRST_YEAR, LAST_YEAR

DATES = ("Date", "Datetime")
TEMPORAL = (*DATES, "Time")
TEST_SHARE = config.Split().test
LEAST_TIMES = 3
UNKNOWN_STARTS, APART = (1, 1900, 1970), 5  # years: of dates in place of unknown ones, and before the next one
MIN_TEST_SHARE, MAX_TEST_SHARE = 0.05, 0.5


def is_row_time(name: str, kind: str, missing: int) -> bool:
    """Whether a column looks like the time of its row: a date without gaps that is not a date of birth."""
    return kind in DATES and not missing and not BIRTH.search(name)


def newest_share(values: pl.LazyFrame, time: pl.Expr, target: str, classes: int) -> float | str:
    """The share of the newest rows that are to be the test set, or why they cannot. A regression has no classes."""
    named = values.select(time.alias("time"), pl.col(target).alias("target"))
    rows = named.drop_nulls("target").collect(engine="streaming")
    if rows["time"].has_nulls():
        return "some rows have no such time"
    if is_future(rows["time"]).any():
        return "some of its values are in the future"
    first, *later = rows["time"].unique().sort().head(2).dt.year()
    if first in UNKNOWN_STARTS and later and later[0] - first >= APART:
        return f"its first value, of the year {first}, stands for an unknown one"
    share = _share(rows["time"])
    newest = is_newest(rows["time"], share)
    if not MIN_TEST_SHARE * rows.height <= newest.sum() <= MAX_TEST_SHARE * rows.height:
        return "too few distinct times"
    old, new = (rows["target"].filter(mask).n_unique() for mask in (~newest, newest))
    if new < LEAST_VALUES or old < (classes or LEAST_VALUES):
        return f"the newest rows have {new} distinct values of {target}, the others {old}"
    return share


def _share(times: pl.Series) -> float:
    """The usual share, or that of the last time if so many rows have it that no other is in the test."""
    last = float((times == times.max()).mean() or 0)  # type: ignore[arg-type]
    few = last >= TEST_SHARE and times.n_unique() >= LEAST_TIMES
    return math.floor(100 * last + 1) / 100 if few else TEST_SHARE


def is_always_after(values: pl.LazyFrame, later: str, time: str, step: str) -> bool:
    """Whether a time is never before the row's own, which stands for a day or so, and may be unknown at prediction time."""
    one, other = (pl.col(name).cast(pl.Datetime("us")).dt.truncate(step) for name in (later, time))
    return bool(values.select((one >= other).all() & (one > other).any()).collect(engine="streaming").item())


def limits(kind: str, low: date, high: date) -> dict[str, date]:
    """From the decade before the first date, but after those that stand for none, to the end of the century, or longer."""
    cls: Any = date if kind == "Date" else partial(datetime, tzinfo=getattr(low, "tzinfo", None))
    year = max(LAST_YEAR, high.year + 50)
    last = cls(year, 1, 1) if year <= date.max.year else cls(date.max.year, 12, 31)
    known = (unknown + 1 for unknown in UNKNOWN_STARTS if unknown + APART <= low.year)
    return {"min": cls(max(low.year // 10 * 10 - 10, 1, *known), 1, 1), "max": last}


def limits_of_years(low: int, high: int) -> dict[str, int] | None:
    """The same for integers that look like years; None if they do not."""
    if low >= FIRST_YEAR and high <= LAST_YEAR:
        return {"min": low // 10 * 10 - 50, "max": LAST_YEAR}
    return None


def features(name: str, kind: str, values: pl.Series) -> Iterator[dict[str, str]]:
    """The periodic parts of a time that vary, for the template of features.py: the function of each, and the code that calls it."""
    for function in _parts(kind, values):
        yield {"name": "", "code": f"{function}({name!r})", "function": function}


def _parts(kind: str, values: pl.Series) -> Iterator[str]:
    present = values.drop_nulls()
    if kind != "Time":
        if present.dt.month().n_unique() > 1:
            yield "month"
        if present.dt.day().n_unique() > 1:  # otherwise the dates stand for months or years
            yield "weekday"
    if kind != "Date" and present.dt.hour().n_unique() > 1:
        yield "hour"


def in_calendar(value: pl.Expr) -> pl.Expr:
    """The dates, null outside the years of Python."""
    return pl.when(value.dt.year().is_between(1, date.max.year)).then(value)


def imports(kinds: set[str], zoned: bool) -> str:
    """The imports that the limits of columns of these types need."""
    names = ", ".join(sorted(kind.lower() for kind in kinds & {*DATES}))
    zones = "\nfrom zoneinfo import ZoneInfo" if zoned else ""
    return f"from datetime import {names}{zones}" if names else ""
