"""What a delivery usually looks like, for `DELIVERY` in contract.py: expressions that yield true or false.

An interval says what may change from one delivery to the next. What chance does in so many rows comes on top, so that a
small delivery may be further away than a large one.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..tables.chunks import Rows, collect, height

DEVIATIONS = 3.5  # of chance, beyond which a share is refused: one of 2,000 even where nothing else may change

Interval = tuple[float, float]


def share(column: str, low: float, high: float) -> pl.Expr:
    """Whether the share of true values, or of ones, is between these limits."""
    return _within(pl.col(column).cast(pl.Float64), f"share of {column}", (low, high))


def missing(column: str, low: float, high: float) -> pl.Expr:
    """Whether the share of rows without a value is between these limits."""
    return _within(pl.col(column).is_null(), f"share of rows without {column}", (low, high))


def shares(column: str, intervals: Mapping[Any, Interval]) -> pl.Expr:
    """Whether the share of each of these values is within its interval."""
    named = {f"share of {column} = {value}": (pl.col(column) == value, each) for value, each in intervals.items()}
    return pl.all_horizontal(_within(truth, name, interval) for name, (truth, interval) in named.items())


def below(column: str, intervals: Mapping[Any, Interval]) -> pl.Expr:
    """Whether the share of values below each of these is within its interval."""
    named = {f"share of {column} below {value}": (pl.col(column) < value, each) for value, each in intervals.items()}
    return pl.all_horizontal(_within(truth, name, interval) for name, (truth, interval) in named.items())


def above(column: str, other: str, low: float, high: float) -> pl.Expr:
    """Whether the share of rows in which the column's value is above the other's is between these limits."""
    return _within(pl.col(column) > pl.col(other), f"share of {column} above {other}", (low, high))


def chance(share: float, rows: Any) -> Any:
    """By how much the share of so many rows may differ from the expected one by chance."""
    a_few = DEVIATIONS**2 / 6 / rows  # where it is rare
    return DEVIATIONS * (share * (1 - share) / rows) ** 0.5 + a_few


def _within(truth: pl.Expr, name: str, interval: Interval) -> pl.Expr:
    (low, high), rows = interval, truth.count()
    holds = truth.mean().alias(name).is_between(low - chance(low, rows), high + chance(high, rows))
    return holds.fill_null(True)  # of no values nothing is known


def measured(invariant: pl.Expr, rows: Rows) -> str:
    """What does not hold in the invariant, in words: of a comparison the figures, as far as they are known."""
    parts = invariant.meta.pop()[::-1]
    try:
        values = [collect(rows.select(part)).to_series() for part in parts]
    except pl.exceptions.PolarsError:  # a part may mean nothing by itself
        return ""
    if any(len(value) != 1 for value in values):
        return ""
    if len(parts) == 3 and all(value.dtype.is_numeric() for value in values):
        figure, low, high = (f"{value.item():.3g}" for value in values)
        return f"{values[0].name} is {figure}, expected {low} to {high} in {height(rows):,} rows"
    inner = [measured(part, rows) for part, value in zip(parts, values, strict=True) if value.item() is False]
    return ", ".join(filter(None, inner))
