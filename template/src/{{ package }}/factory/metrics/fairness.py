"""How differently groups fare: rates per group, and the gap between the highest and the lowest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .definitions import Vector


@dataclass(frozen=True)
class Predictions:
    """A model's scores of the test rows and, for a classifier, its decisions; of `classes`, their codes."""

    score: Vector
    decision: Any = None
    classes: list[str] | None = None


@dataclass(frozen=True)
class Gap:
    """Between the highest and the lowest rate; None where fewer than two groups could be judged."""

    value: float | None
    note: str


def groups(rows: pl.DataFrame, column: str) -> Iterator[tuple[Any, NDArray[np.bool_]]]:
    """Each value of the column, missing included, and which rows have it."""
    for value in rows[column].unique().sort():
        yield value, rows[column].eq_missing(value).to_numpy()


def gaps(column: pl.Series, target: Vector, decided: Predictions, least: int) -> dict[str, Gap]:
    """Gaps between the groups of `column` with at least so many rows.

    Of a classifier `selection`, the demographic parity difference, and `error`, the equalized odds
    difference (Hardt et al. 2016): the larger of the gaps in true and in false positive rates. Of
    several classes the widest gap of any class in being chosen, and the gap in the share of wrong
    decisions. Of a regression `error` alone: the gap in mean absolute error, as a share of the overall one.
    """
    rows = pl.DataFrame({"group": column, "y": target, "chosen": decided.decision})
    chosen = pl.col("chosen").cast(pl.Float64)
    if decided.decision is None:
        sizes = pl.Series("size", np.abs(decided.score - target))
        overall = float(sizes.mean()) or 1.0  # type: ignore[arg-type]  # of no error at all, any share is none
        rows, rates = rows.with_columns(sizes), {"error": {"": pl.col("size").mean() / overall}}
    elif decided.classes:
        each = {name: (chosen == code).mean() for code, name in enumerate(decided.classes)}
        rates = {"selection": each, "error": {"": (chosen != pl.col("y")).mean()}}
    else:
        sides = {str(side): chosen.filter(pl.col("y") == side).mean() for side in (0, 1)}
        rates = {"selection": {"": chosen.mean()}, "error": sides}
    small = rows.group_by("group").len().filter(pl.col("len") < least)
    large = rows.join(small, on="group", how="anti", nulls_equal=True).group_by("group")
    note = f"{small.height} groups below {least} rows" if small.height else ""
    return {kind: _widest(large, named, note, tell=bool(decided.classes)) for kind, named in rates.items()}


def _widest(groups: Any, rates: dict[str, pl.Expr], note: str, *, tell: bool) -> Gap:
    found = []
    for name, rate in rates.items():
        known = groups.agg(rate.alias("rate")).drop_nulls("rate").sort("rate", "group")
        if known.height > 1:
            low, high = known.row(0), known.row(-1)
            of = f"{name}: " if tell and name else ""
            found.append((high[1] - low[1], f"{of}{low[0]} {low[1]:.2f}, {high[0]} {high[1]:.2f}"))
    value, where = max(found, default=(None, "fewer than two groups to compare"))
    return Gap(value, "; ".join(filter(None, (where, note))))
