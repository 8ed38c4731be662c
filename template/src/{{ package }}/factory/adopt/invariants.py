"""Invariants of a delivery as code: what its columns usually hold, and how far from that another delivery may be."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from ..validation.expectations import chance
from .contract_code import ColumnCode, python_code
from .limits import is_flag
from .profile import Column
from .proposal import Proposal
from .roles import GROUP
from .target import Target
from .type_inference import NUMERIC
from .variation import Interval, Parts

FEW, FREQUENT, LISTED = 10, 0.05, 6  # different numbers that are codes; of values, the share and the number
POINTS = (0.1, 0.25, 0.5, 0.75, 0.9)
USUAL, TESTED_ROWS = 20, 1000  # values that stand for a column in the tests, and rows there


@dataclass(frozen=True)
class Invariant:
    """A name, the expression as code, the function that it calls, and a value that violates it throughout a column.

    Of a comparison of two columns, whether rows violate it where the first is always above the other.
    """

    name: str
    code: str
    function: str
    column: str
    broken: Any
    other: str | None = None  # the column that it is compared with


def invariants(proposal: Proposal, columns: list[ColumnCode], parts: Parts) -> Iterator[Invariant]:
    """What the columns usually hold, where that separates an honest delivery from another; ids and times always differ."""
    target, groups = proposal.target, (role.name for role in proposal.with_role(GROUP))
    left_out = (proposal.name_of("id"), *proposal.time, *groups)
    judged = [code for code in columns if code.column.name not in left_out]
    for code in judged:
        yield from _of_column(code, target, parts)
    numbers = [code.column for code in judged if code.kind in NUMERIC and code.column is not target.column]
    for one, other in pairwise(numbers):
        yield from _order(one, other, parts)


def _of_column(code: ColumnCode, target: Target, parts: Parts) -> Iterator[Invariant]:
    values = values_of(code, target)
    name, missing = code.column.name, _share_missing(code, parts.interval(values.is_null()))
    is_to_come = code.column is target.column and target.is_forecast
    if "nullable" in code.arguments and not is_to_come and missing[1] + chance(missing[1], TESTED_ROWS) < 1:
        yield Invariant(f"usual rows without {name}", _call("missing", name, *missing), "missing", name, None)
    if values.dtype == pl.Boolean:
        yield from _flag(name, values, parts)
    elif code.categories is not None or (code.kind == "Int64" and code.column.different <= FEW):
        yield from _frequent(name, values, parts)
    elif code.kind in NUMERIC:
        yield from _points(name, values, parts)


def _order(one: Column, other: Column, parts: Parts) -> Iterator[Invariant]:
    """How often one is above the other, where their values overlap and it would be noticed that they are swapped."""
    above, swapped = one.sample > other.sample, float((one.sample < other.sample).mean() or 0)  # type: ignore[arg-type]
    if above.null_count() == len(above) or one.low > other.high or other.low > one.high:
        return
    low, high = interval = parts.interval(above)
    sides, noticed = _sides(interval, above), chance(swapped, TESTED_ROWS)
    if sides and not low - noticed <= swapped <= high + noticed:
        name, code = f"usual order of {one.name} and {other.name}", _call("above", one.name, other.name, low, high)
        yield Invariant(name, code, "above", one.name, sides[1] >= sides[0], other.name)


def _share_missing(code: ColumnCode, seen: Interval) -> Interval:
    """Of the rows without a value, which those with an unseen category join."""
    more = code.arguments.get("metadata", {}).get("unseen_limit", 0)
    return seen[0], min(1.0, round(seen[1] + more, 2))


def values_of(code: ColumnCode, target: Target) -> pl.Series:
    """The sample as the contract reads it; flags as true and false."""
    sample = code.column.sample
    if code.column is target.column and target.positive is not None:
        return sample.cast(pl.String).str.to_lowercase() == target.positive.lower()
    if code.categories is not None:
        return sample.cast(pl.String)
    return sample.cast(pl.Boolean) if is_flag(code.column) else sample


def usual_values(code: ColumnCode, target: Target) -> tuple[float, list[Any]]:
    """The share of rows without a value, and values that stand for the others: each about as often as in the table."""
    values = values_of(code, target)
    known = values.drop_nulls().sort()
    if code.kind == "Int64":
        known = known.cast(pl.Int64)
    places = [len(known) * (2 * i + 1) // (2 * USUAL) for i in range(USUAL)]
    return round(1 - len(known) / len(values), 3), [short(value, 4) for value in known[places]]


def short(value: Any, digits: int) -> Any:
    """A number with so many digits, and other values as they are."""
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def _flag(name: str, values: pl.Series, parts: Parts) -> Iterator[Invariant]:
    interval = parts.interval(values)
    if sides := _sides(interval, values):
        yield Invariant(f"usual share of {name}", _call("share", name, *interval), "share", name, sides[1] >= sides[0])


def _frequent(name: str, values: pl.Series, parts: Parts) -> Iterator[Invariant]:
    """The shares of the most frequent values."""
    known = values.drop_nulls().alias("value")
    counts = known.value_counts().sort("count", "value", descending=[True, False])
    frequent = counts.filter(pl.col("count") >= FREQUENT * len(known))["value"].head(LISTED).sort()
    intervals = {value: parts.interval(values == value) for value in frequent}
    sides = {value: side for value, each in intervals.items() if (side := _sides(each, values))}
    if sides and len(counts) > 1:
        rarest = max(sides, key=lambda value: sides[value][1])
        broken = rarest if sides[rarest][1] > 0 else next(value for value in counts["value"] if value != rarest)
        code = _call("shares", name, {value: intervals[value] for value in sides})
        yield Invariant(f"usual shares of {name}", code, "shares", name, broken)


def _points(name: str, values: pl.Series, parts: Parts) -> Iterator[Invariant]:
    """The shares below points between which most numbers are."""
    known = values.drop_nulls().sort()
    points = dict.fromkeys(short(known[int(point * len(known))], 3) for point in POINTS)
    intervals = {point: parts.interval(values < point) for point in points if known[0] < point <= known[-1]}
    sides = {point: side for point, each in intervals.items() if (side := _sides(each, values))}
    if sides:
        below, above = (max(side[place] for side in sides.values()) for place in (0, 1))
        code = _call("below", name, {point: intervals[point] for point in sides})
        yield Invariant(f"usual values of {name}", code, "below", name, known[-1] if below > above else known[0])


def _sides(interval: Interval, values: pl.Series) -> tuple[float, float] | None:
    """How far below and above the interval a share can be in the rows of the tests; None if it cannot."""
    (low, high), rows = interval, max(1.0, TESTED_ROWS * (1 - float(values.is_null().mean() or 0)))  # type: ignore[arg-type]
    sides = low - chance(low, rows), 1 - high - chance(high, rows)
    return sides if max(sides) > 0 else None


def _call(function: str, *arguments: Any) -> str:
    return f"{function}({', '.join(map(_code, arguments))})"


def _code(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{python_code(key)}: ({low:g}, {high:g})" for key, (low, high) in value.items()) + "}"
    return f"{value:g}" if isinstance(value, float) else python_code(value)
