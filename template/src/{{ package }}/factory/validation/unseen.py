"""Categories that the contract does not have: what becomes of them, and how many there are.

A column's metadata decide: `unseen` is "refuse", which is the default, "unknown", a missing value, or one of the column's categories;
`unseen_limit` is the share of a delivery's rows above which it is refused all the same.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import dataframely as dy
import polars as pl

from ..errors import FactoryError, Violation
from . import texts
from .expectations import chance

REFUSE, UNKNOWN = "refuse", "unknown"
LIMIT = 0.05
MOST_KEPT = 1000  # different values of a column that are counted one by one
OTHERS = "…"
SHOWN = 3  # values in a message

Tally = defaultdict[str, Counter[str]]
"""Of each column, the unseen values and their numbers."""
_counting: ContextVar[Tally | None] = ContextVar("counting", default=None)


def is_accepted(column: dy.Column) -> bool:
    """Whether the column takes unseen categories as something else. Raises FactoryError where it says what it cannot mean."""
    policy = (column.metadata or {}).get("unseen", REFUSE)
    if policy in (REFUSE, UNKNOWN) or (isinstance(column.dtype, pl.Enum) and policy in column.dtype.categories):
        return isinstance(column.dtype, pl.Enum) and policy != REFUSE
    raise FactoryError(f"contract.py: unseen={policy!r}: write {REFUSE!r}, {UNKNOWN!r} or a category of the column")


def taken_as(column: dy.Column) -> str | None:
    """What an unseen category is taken as."""
    policy = (column.metadata or {})["unseen"]
    return None if policy == UNKNOWN else str(policy)


def limit(column: dy.Column) -> float:
    """The share of the rows of a delivery that may have unseen categories."""
    return float((column.metadata or {}).get("unseen_limit", LIMIT))


def known(name: str, column: dy.Column, value: Any) -> Any:
    """A single value, or what it is taken as."""
    value = texts.one_category(value, column)
    if not isinstance(value, str) or value in column.dtype.categories:  # type: ignore[attr-defined]
        return value
    note(name, [value])
    return taken_as(column)


@contextmanager
def counting(tally: Tally | None = None) -> Iterator[Tally]:
    """Counts the unseen categories that are met meanwhile: here, or where they are being counted already."""
    active = _counting.get() if tally is None else tally
    tally = Tally(Counter) if active is None else active
    token = _counting.set(tally)
    try:
        yield tally
    finally:
        _counting.reset(token)


def note(name: str, values: Iterable[str]) -> None:
    """Count unseen categories of the column."""
    tally = _counting.get()
    if tally is not None:
        for value in values:
            kept = value in tally[name] or len(tally[name]) < MOST_KEPT
            tally[name][value if kept else OTHERS] += 1


def above_limit(tally: Tally, schema: type[dy.Schema], rows: int) -> list[str]:
    """The columns with more unseen categories than they may have in so many rows."""
    most = {name: limit(schema.columns()[name]) for name in tally}
    return [name for name, share in most.items() if tally[name].total() > rows * (share + chance(share, rows))]


def violations(tally: Tally, schema: type[dy.Schema], rows: int) -> list[Violation]:
    """Why a delivery is refused that has more unseen categories than it may have."""
    return [
        Violation(name, f"{_words(name, tally, schema, rows)}: above unseen_limit")
        for name in above_limit(tally, schema, rows)
    ]


def messages(tally: Tally, schema: type[dy.Schema], rows: int) -> Iterator[str]:
    """What to report of rows that are accepted: a line for each column."""
    above = above_limit(tally, schema, rows)
    for name in tally:
        taken = taken_as(schema.columns()[name]) or UNKNOWN
        warning = ", more than a delivery may have" if name in above else ""
        yield f"{name}: {_words(name, tally, schema, rows)}: taken as {taken}{warning}"


def _words(name: str, tally: Tally, schema: type[dy.Schema], rows: int) -> str:
    categories, values = schema.columns()[name].dtype.categories, []  # type: ignore[attr-defined]
    for value, count in tally[name].most_common(SHOWN):
        values.append(f"{value!r:.60} {count:,}{texts.hint(value, categories)}")
    more = [f"{len(tally[name]) - SHOWN} others"] if len(tally[name]) > SHOWN else []
    return f"{tally[name].total():,} of {rows:,} rows have unseen categories, {', '.join([*values, *more])}"
