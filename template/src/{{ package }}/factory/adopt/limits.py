"""Limits of a column: by what its name and values mean, or else what no value can be; another unit is up to invariants."""

import re
from typing import Any

import polars as pl

from ..validation.bounds import rounded_bound
from . import dates
from .profile import Column
from .type_inference import NUMERIC

MEANINGS: dict[str, tuple[tuple[float, float], ...]] = {
    "age": ((0, 120),),
    "hour|hr": ((0, 23), (0, 24)),
    "minute|second": ((0, 59),),
    "weekday|dayofweek|dow": ((1, 7), (0, 6), (0, 7)),
    "day|dayofmonth|mday": ((1, 31),),
    "week": ((1, 53),),
    "month": ((1, 12),),
    "quarter": ((1, 4),),
    "percent|percentage|pct|perc": ((0, 1), (0, 100)),
    "rate|share|probability|prob|fraction|proportion": ((0, 1),),
    "humidity|humid": ((0, 1), (0, 100)),
    "latitude|lat": ((-90, 90),),
    "longitude|lon|lng|long": ((-180, 180),),
    "rating|stars": ((1, 5), (0, 5), (1, 10), (0, 10)),
}
"""Of words in a name, the ranges that they may stand for: the first that holds all values."""
FILLED = {"minute|second": 0.75, "day|dayofmonth|mday": 0.75, "hour|hr": 0.5, "week": 0.5}
"""The share of the range that the values reach where the word may also be a duration or a running number."""
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
FLAG = 0.02  # of the rows have the rarer value of a flag, otherwise it may be a count
USUAL = 0.95  # of the values; where the highest is not even twice as high, none will be far above it
TIGHT = 3  # times the lowest value are above the highest


def limits(column: Column, is_key: bool) -> dict[str, Any]:
    """The arguments of the column's type."""
    low, high = column.low, column.high
    if column.kind == "String" and is_key:
        return {"min_length": 1, "max_length": rounded_bound(2 * column.longest, "max_length", pl.String())}
    if column.kind in dates.DATES:
        return dates.limits(column.kind, low, high)
    if column.kind not in NUMERIC or low is None:
        return {}
    if is_key:
        return {"min": min(0, low)}
    found = by_meaning(column.name, column.kind, low, high)
    if found:
        return found
    if is_flag(column) and FLAG <= float(column.sample.mean() or 0) <= 1 - FLAG:  # type: ignore[arg-type]
        return {"min": 0, "max": 1}
    if column.kind == "Int64" and (years := dates.limits_of_years(low, high)):
        return years
    usual = float(column.sample.quantile(USUAL) or 0)
    return _possible(low, high, 2 if high <= 2 * usual else 10, pl.Int64() if column.kind == "Int64" else pl.Float64())


def is_flag(column: Column) -> bool:
    """Whether its numbers are 0 and 1."""
    return column.kind == "Int64" and column.different == 2 and (column.low, column.high) == (0, 1)


def by_meaning(name: str, kind: str, low: float, high: float) -> dict[str, Any] | None:
    """The limits that the name stands for, if all values are within them."""
    words = [word.lower() for word in WORDS.findall(name)]
    joined = "".join(words)
    for names, ranges in MEANINGS.items():
        known = names.split("|")
        if joined in known or (words and (words[-1] in known or words[0] in known)):
            for least, most in ranges:
                if least <= low and high <= most and high >= FILLED.get(names, 0) * most:
                    return {"min": least, "max": most}
    return None


def _possible(low: float, high: float, factor: int, dtype: pl.DataType) -> dict[str, Any]:
    """Far beyond the values seen: not below zero if none is, nor above so many times the highest."""
    if low < 0:
        span = high - low
        return {"min": rounded_bound(low - span, "min", dtype), "max": rounded_bound(high + span, "max", dtype)}
    if low * TIGHT > high:
        return {"min": rounded_bound(low / 2, "min", dtype), "max": rounded_bound(2 * high, "max", dtype)}
    return {"min": 0, "max": rounded_bound(factor * high, "max", dtype)}
