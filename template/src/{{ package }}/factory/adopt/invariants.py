"""Invariants of a delivery as code: what its columns usually hold, and how far from that another delivery may be.

What may change is how much the parts of the table differ: in the order of time, or of the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .contract_code import ColumnCode, python_code
from .limits import is_flag
from .proposal import Proposal
from .target import Target
from .type_inference import NUMERIC

PARTS, LEAST_ROWS = 10, 20  # of a part
BEYOND = 3  # deviations of the parts' shares
ALWAYS = 0.06  # deviations of a single value, which any share may change by
FEW, FREQUENT, LISTED = 10, 0.05, 6  # different numbers that are codes; of values, the share and the number
POINTS = (0.1, 0.25, 0.5, 0.75, 0.9)
CERTAIN = 0.05  # a share that may be nearer to 0 and to 1 says nothing
USUAL = 20  # values that stand for a column in the tests

Interval = tuple[float, float]


@dataclass(frozen=True)
class Invariant:
    """A name, the expression as code, the function that it calls, and a value that violates it throughout a column."""

    name: str
    code: str
    function: str
    column: str
    broken: Any


@dataclass(frozen=True)
class Parts:
    """The number of the part that each row of the sample is in."""

    numbers: NDArray[np.intp]

    @classmethod
    def of(cls, rows: int, times: pl.Series | None) -> Self:
        """Parts of the same size: by time, or in the order of the rows."""
        order = np.arange(rows) if times is None else times.rank("ordinal").fill_null(1).to_numpy() - 1
        return cls((order * max(1, min(PARTS, rows // LEAST_ROWS)) // max(rows, 1)).astype(np.intp))

    def interval(self, truth: pl.Series) -> Interval:
        """Of a share: around that of the table, as wide as those of the parts differ beyond chance."""
        known = truth.is_not_null()
        true, parts = truth.filter(known).cast(pl.Float64).to_numpy(), self.numbers[known.to_numpy()]
        sizes, trues = np.bincount(parts), np.bincount(parts, true)
        share, shares = true.mean(), trues[sizes > 0] / sizes[sizes > 0]
        chance = float(share * (1 - share))
        differ = np.average((shares - share) ** 2, weights=sizes[sizes > 0]) - chance * (len(shares) - 1) / len(true)
        drift = BEYOND * max(0.0, float(differ)) ** 0.5 + ALWAYS * chance**0.5
        return max(0.0, floor(100 * (share - drift)) / 100), min(1.0, ceil(100 * (share + drift)) / 100)


def invariants(proposal: Proposal, columns: list[ColumnCode]) -> Iterator[Invariant]:
    """What the columns usually hold, as far as it tells an honest delivery from another; ids and times always differ."""
    target, samples = proposal.target, {code.column.name: code.column.sample for code in columns}
    parts = Parts.of(len(target.column.sample), samples.get(proposal.name_of("time") or ""))
    for code in columns:
        if code.column.name in (proposal.name_of("id"), proposal.name_of("time")):
            continue
        name, values = code.column.name, values_of(code, target)
        missing = parts.interval(values.is_null())
        if code.column.missing and missing[1] <= 1 - CERTAIN:
            yield Invariant(
                f"usual share of rows without {name}", _call("missing", name, *missing), "missing", name, None
            )
        if values.dtype == pl.Boolean:
            yield from _flag(name, parts.interval(values))
        elif code.categories is not None or (code.kind == "Int64" and code.column.different <= FEW):
            yield from _frequent(name, values, parts)
        elif code.kind in NUMERIC:
            yield from _points(name, values, parts)


def values_of(code: ColumnCode, target: Target) -> pl.Series:
    """The sample as the contract reads it; flags as true and false."""
    sample = code.column.sample
    if code.column is target.column and target.positive is not None:
        return sample.cast(pl.String).str.to_lowercase() == target.positive.lower()
    if code.categories is not None:
        return sample.cast(pl.String)
    return sample.cast(pl.Boolean) if is_flag(code.column) else sample


def usual_values(code: ColumnCode, target: Target) -> list[Any]:
    """Values that stand for the column: each about as often as in the table."""
    values = values_of(code, target).sort(nulls_last=False)
    if code.kind == "Int64" and values.dtype == pl.Boolean:
        values = values.cast(pl.Int64)
    return [short(value, code.kind) for value in values[[len(values) * (2 * i + 1) // (2 * USUAL) for i in range(USUAL)]]]


def short(value: Any, kind: str) -> Any:
    """A number with few digits, and other values as they are."""
    return float(f"{value:.3g}") if kind == "Float64" and value is not None else value


def _flag(name: str, interval: Interval) -> Iterator[Invariant]:
    if _tells(interval):
        broken = interval[1] <= 1 - CERTAIN
        yield Invariant(f"usual share of {name}", _call("share", name, *interval), "share", name, broken)


def _frequent(name: str, values: pl.Series, parts: Parts) -> Iterator[Invariant]:
    """The shares of the most frequent values."""
    counts = values.drop_nulls().value_counts(sort=True)
    frequent = counts.filter(pl.col("count") >= FREQUENT * counts["count"].sum())[name].head(LISTED).sort()
    intervals = {value: parts.interval(values == value) for value in frequent}
    intervals = {value: each for value, each in intervals.items() if _tells(each)}
    if intervals and len(counts) > 1:
        rarest = min(intervals, key=lambda value: intervals[value][1])
        other = next(value for value in counts[name] if value != rarest)
        broken = rarest if intervals[rarest][1] <= 1 - CERTAIN else other
        yield Invariant(f"usual shares of {name}", _call("shares", name, intervals), "shares", name, broken)


def _points(name: str, values: pl.Series, parts: Parts) -> Iterator[Invariant]:
    """The shares below points between which most numbers are."""
    kind = "Int64" if values.dtype.is_integer() else "Float64"
    points = dict.fromkeys(short(values.quantile(point, "nearest"), kind) for point in POINTS)
    if values.dtype.is_integer():
        points = {int(point): None for point in points}
    intervals = {point: parts.interval(values < point) for point in points}
    intervals = {point: each for point, each in intervals.items() if _tells(each)}
    if intervals:
        is_low = any(low >= CERTAIN for low, _ in intervals.values())
        broken = values.max() if is_low else values.min()
        yield Invariant(f"usual values of {name}", _call("below", name, intervals), "below", name, broken)


def _tells(interval: Interval) -> bool:
    return interval[0] >= CERTAIN or interval[1] <= 1 - CERTAIN


def _call(function: str, *arguments: Any) -> str:
    return f"{function}({', '.join(map(_code, arguments))})"


def _code(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{python_code(key)}: ({low:g}, {high:g})" for key, (low, high) in value.items()) + "}"
    return f"{value:g}" if isinstance(value, float) else python_code(value)
