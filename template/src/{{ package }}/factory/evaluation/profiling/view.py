"""A table as the profile looks at it: all rows on demand, some of them in memory, and the ends of each column."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from ...tables.chunks import Rows, height, one_row
from ...tables.chunks import sample as shuffled

SAMPLE_ROWS, SAMPLE_CELLS = 20_000, 4_000_000  # wide tables have fewer rows


@dataclass(frozen=True)
class View:
    """Rows in their types; `sample` has some of them, spread over all, and `ends` the least and greatest value of each column."""

    rows: pl.LazyFrame
    height: int
    sample: pl.DataFrame
    ends: dict[str, tuple[Any, Any]]
    hidden: frozenset[str] = frozenset()
    """Columns of which no value is shown, as they hold what names a person."""
    keys: frozenset[str] = frozenset()
    """Columns that number or name the rows."""
    missing: dict[str, int] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    """After which a time is in the future; with a zone."""

    @property
    def is_sampled(self) -> bool:
        """Whether there are more rows than in the sample."""
        return self.sample.height < self.height


def of_rows(rows: Rows, hidden: Iterable[str], keys: Iterable[str], now: datetime) -> View:
    """The view of a table in its types, without columns of lists and the like."""
    names = [name for name, dtype in rows.lazy().collect_schema().items() if _is_plain(dtype)]
    table = rows.lazy().select(names)
    some = shuffled(table, min(SAMPLE_ROWS, SAMPLE_CELLS // max(len(names), 1)))
    counted = {"low": pl.Expr.min, "high": pl.Expr.max, "missing": pl.Expr.null_count}
    facts = one_row(
        table, [count(pl.col(name)).alias(f"{name} {what}") for name in names for what, count in counted.items()]
    )
    ends = {name: (facts[f"{name} low"], facts[f"{name} high"]) for name in names}
    missing = {name: facts[f"{name} missing"] for name in names}
    return View(table, height(table), some, ends, frozenset(hidden), frozenset(keys), missing, now)


def _is_plain(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype.is_temporal() or dtype in (pl.Boolean, pl.String, pl.Enum, pl.Categorical)
