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
    """Between the highest and the lowest rate; None where fewer than two groups could be compared."""

    value: float | None
    note: str


def groups(rows: pl.DataFrame, column: str) -> Iterator[tuple[Any, NDArray[np.bool_]]]:
    """Each value of the column, missing included, and which rows have it."""
    for value in rows[column].unique().sort():
        yield value, rows[column].eq_missing(value).to_numpy()


def gaps(column: pl.Series, target: Vector, predictions: Predictions, min_rows: int) -> dict[str, Gap]:
    """Gaps between the groups of `column` with at least so many rows.

    Of a classifier `selection`, the demographic parity difference, and `error`, the equalized odds
    difference (Hardt et al. 2016): the larger of the gaps in true and in false positive rates. Of
    several classes the widest gap of any class in being chosen, and the gap in the share of wrong
    decisions. Of a regression `error` alone: the gap in mean absolute error, as a share of the overall one.
    """
    rows = pl.DataFrame({"group": column, "target": target, "decision": predictions.decision})
    decision = pl.col("decision").cast(pl.Float64)
    if predictions.decision is None:
        errors = pl.Series("error", np.abs(predictions.score - target))
        overall = float(errors.mean()) or 1.0  # type: ignore[arg-type]  # of no error at all, any share is none
        rows, rates = rows.with_columns(errors), {"error": {"": pl.col("error").mean() / overall}}
    elif predictions.classes:
        selection = {name: (decision == code).mean() for code, name in enumerate(predictions.classes)}
        rates = {"selection": selection, "error": {"": (decision != pl.col("target")).mean()}}
    else:
        by_truth = {str(truth): decision.filter(pl.col("target") == truth).mean() for truth in (0, 1)}
        rates = {"selection": {"": decision.mean()}, "error": by_truth}
    small = rows.group_by("group").len().filter(pl.col("len") < min_rows)
    large = rows.join(small, on="group", how="anti", nulls_equal=True).group_by("group")
    note = f"{small.height} groups below {min_rows} rows" if small.height else ""
    return {kind: _widest(large, named, note, prefix=bool(predictions.classes)) for kind, named in rates.items()}


def _widest(groups: Any, rates: dict[str, pl.Expr], note: str, *, prefix: bool) -> Gap:
    candidates = []
    for name, rate in rates.items():
        by_group = groups.agg(rate.alias("rate")).drop_nulls("rate").sort("rate", "group")
        if by_group.height > 1:
            low, high = by_group.row(0), by_group.row(-1)
            start = f"{name}: " if prefix and name else ""
            candidates.append((high[1] - low[1], f"{start}{low[0]} {low[1]:.2f}, {high[0]} {high[1]:.2f}"))
    value, between = max(candidates, default=(None, "fewer than two groups to compare"))
    return Gap(value, "; ".join(filter(None, (between, note))))
