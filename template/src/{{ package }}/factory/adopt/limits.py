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
CLOCK = ("hour|hr", "minute|second")
SIGNED = {
    *("temperature", "temp", "celsius", "fahrenheit", "dewp", "dewpoint", "elevation", "altitude", "balance", "profit"),
    *("profits", "margin", "net", "change", "return", "growth", "delta", "diff", "difference", "gain", "anomaly"),
}
NEVER_BELOW_ZERO = {
    *("price", "prices", "fee", "fare", "tip", "salary", "wage", "rent", "count", "number", "size", "area", "volume"),
    *("length", "width", "height", "depth", "weight", "mass", "distance", "duration", "speed", "pressure"),
    *("precip", "precipitation", "rain", "snow"),
}
"""Words in a name by which values may be below zero, or never are."""
HEAP = 0.02  # of the values are zero: they end there
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
TWOS = 3  # would be expected of a count with so many ones: without any it is a flag
USUAL = 0.95  # of the values; where the farthest from zero is not even twice as far, none will be much farther
FEW = 1000  # rows, of which the highest value says little
TIGHT = 2  # times the lowest value are above the highest: a measurement that may be far from zero


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
    if is_flag(column) and column.rows * float(column.sample.mean() or 0) ** 2 >= 2 * TWOS:  # type: ignore[arg-type]
        return {"min": 0, "max": 1}
    if column.kind == "Int64" and (years := dates.limits_of_years(low, high)):
        return years
    return _possible(column)


def is_flag(column: Column) -> bool:
    """Whether its numbers are 0 and 1."""
    return column.kind == "Int64" and column.different == 2 and (column.low, column.high) == (0, 1)


def by_meaning(name: str, kind: str, low: float, high: float) -> dict[str, Any] | None:
    """The limits that the name stands for, if all values are within them."""
    words = _words(name)
    joined = "".join(words)
    for names, ranges in MEANINGS.items():
        known = names.split("|")
        if joined in known or (words and (words[-1] in known or words[0] in known)):
            parts = kind == "Float64" and names in CLOCK  # of an hour or a minute
            for least, most in ((least, most + parts) for least, most in ranges):
                if least <= low and high <= most and high >= FILLED.get(names, 0) * most:
                    return {"min": least, "max": most}
    return None


def _words(name: str) -> list[str]:
    return [word.lower() for word in WORDS.findall(name)]


def _possible(column: Column) -> dict[str, Any]:
    """Far beyond the values seen: not below zero where none can be, nor so many times as far from it as the farthest."""
    low, far = column.low, max(column.high, -column.low)
    is_usual = column.rows >= FEW and far <= 2 * float(column.sample.abs().quantile(USUAL) or 0)
    most, words = (2 if is_usual else 10) * far, {*_words(column.name)}
    if low >= 0 and _ends_at_zero(column, words):
        least = 0
    else:
        least = low / 2 if low * TIGHT > far and not words & SIGNED else -most
    dtype = pl.Int64() if column.kind == "Int64" else pl.Float64()
    return {"min": rounded_bound(least, "min", dtype), "max": rounded_bound(most, "max", dtype)}


def _ends_at_zero(column: Column, words: set[str]) -> bool:
    """Whether values that are not below zero never will be: counts, shares, prices, sizes."""
    if words & SIGNED:
        return False
    is_count_or_share = column.kind == "Int64" or column.high <= 1
    return is_count_or_share or bool(words & NEVER_BELOW_ZERO) or float((column.sample == 0).mean() or 0) >= HEAP  # type: ignore[arg-type]
