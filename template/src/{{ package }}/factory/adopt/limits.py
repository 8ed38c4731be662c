"""Limits of a column: by what its name and values mean, or else what no value can be; another unit is up to invariants."""

from typing import Any

import polars as pl

from ..evaluation.profiling.meanings import FILLED, NEVER_BELOW_ZERO, SIGNED, meanings, words
from ..validation.bounds import rounded_bound
from . import dates
from .profile import Column
from .type_inference import NUMERIC

HEAP = 0.02  # of the values are zero: they end there
CLOCK = ("hour|hr", "minute|second")
TWOS = 3  # would be expected of a count with so many ones: without any it is a flag
USUAL = 0.95  # of the values; where the farthest from zero is not even twice as far, none will be much farther
FEW = 1000  # rows, of which the highest value says little
TEXT = 1000  # characters that a text may have at least
TIGHT = 2  # times the lowest value are above the highest: a measurement that may be far from zero


def limits(column: Column, is_key: bool, is_text: bool = False) -> dict[str, Any]:
    """The arguments of the column's type."""
    low, high = column.low, column.high
    if column.kind == "String" and is_key:
        return {"min_length": 1, "max_length": rounded_bound(2 * column.longest, "max_length", pl.String())}
    if is_text:
        return {"max_length": rounded_bound(max(2 * column.longest, TEXT), "max_length", pl.String())}
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
    for names, ranges in meanings(name):
        parts = kind == "Float64" and names in CLOCK  # of an hour or a minute
        for least, most in ((least, most + parts) for least, most in ranges):
            if least <= low and high <= most and high >= FILLED.get(names, 0) * most:
                return {"min": least, "max": most}
    return None


def _possible(column: Column) -> dict[str, Any]:
    """Far beyond the values seen: not below zero where none can be, nor so many times as far from it as the farthest."""
    low, far = column.low, max(column.high, -column.low)
    is_usual = column.rows >= FEW and far <= 2 * float(column.sample.abs().quantile(USUAL) or 0)
    most, named = (2 if is_usual else 10) * far, {*words(column.name)}
    if low >= 0 and _ends_at_zero(column, named):
        least = 0
    else:
        least = low / 2 if low * TIGHT > far and not named & SIGNED else -most
    dtype = pl.Int64() if column.kind == "Int64" else pl.Float64()
    return {"min": rounded_bound(least, "min", dtype), "max": rounded_bound(most, "max", dtype)}


def _ends_at_zero(column: Column, named: set[str]) -> bool:
    """Whether values that are not below zero never will be: counts, shares, prices, sizes."""
    if named & SIGNED:
        return False
    is_count_or_share = column.kind == "Int64" or column.high <= 1
    return is_count_or_share or bool(named & NEVER_BELOW_ZERO) or float((column.sample == 0).mean() or 0) >= HEAP  # type: ignore[arg-type]
