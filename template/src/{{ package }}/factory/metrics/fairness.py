"""How differently groups fare: the main metric of each, rates of each, and the gap between the highest and the lowest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .definitions import Metric, Vector


@dataclass(frozen=True)
class Predictions:
    """A model's scores of the test rows and, for a classifier, its decisions; of `classes`, their codes."""

    score: Vector
    decision: Any = None
    classes: list[str] | None = None


class GroupMetric(NamedTuple):
    """A metric on one group's rows, a reference's on the same rows, and the relative gain: positive is better.

    `members` is which rows of the table the group has.
    """

    group: str
    rows: int
    value: float
    reference: float
    gain: float
    members: NDArray[np.bool_]


class GroupRate(NamedTuple):
    """How often something happens in one group."""

    group: str
    rows: int
    rate: float


class Gap(NamedTuple):
    """The groups with the lowest and the highest rate of that name."""

    rate: str
    lowest: GroupRate
    highest: GroupRate

    @property
    def value(self) -> float:
        """The difference between the rates."""
        return self.highest.rate - self.lowest.rate

    @property
    def ratio(self) -> float | None:
        """The lowest rate divided by the highest, None where all are 0."""
        return self.lowest.rate / self.highest.rate if self.highest.rate else None


def groups(rows: pl.DataFrame, column: str) -> Iterator[tuple[Any, NDArray[np.bool_]]]:
    """Each value of the column, missing included, and which rows have it."""
    for value in rows[column].unique().sort():
        yield value, rows[column].eq_missing(value).to_numpy()


def label(group: Any) -> str:
    """The group's name."""
    return "missing" if group is None else str(group)


def group_metrics(
    test: pl.DataFrame, column: str, metric: Metric, target: Vector, score: Vector, reference: Vector, min_rows: int
) -> tuple[list[GroupMetric], int]:
    """The metric in each group of the column, the smallest gain over the reference first; and how many groups it skips.

    Skipped are groups with fewer rows than `min_rows`, or with a single value of the target.
    """
    measured, skipped = [], 0
    for group, rows in groups(test, column):
        if rows.sum() < min_rows or np.ptp(target[rows]) == 0:
            skipped += 1
            continue
        ours, theirs = float(metric(target[rows], score[rows])), float(metric(target[rows], reference[rows]))
        gain = metric.direction * (ours - theirs) / max(abs(theirs), 1e-9)
        measured.append(GroupMetric(label(group), int(rows.sum()), ours, theirs, gain, rows))
    return sorted(measured, key=lambda each: (each.gain, each.group)), skipped


def gaps(
    column: pl.Series, target: Vector, predictions: Predictions, min_rows: int
) -> tuple[dict[str, Gap | None], int]:
    """Gaps between the groups of `column` with at least so many rows, and how many groups are smaller.

    Of a classifier `selection`, the demographic parity difference, and `error`, the equalized odds
    difference (Hardt et al. 2016): the larger of the gaps in true and in false positive rates. Of
    several classes the widest gap of any class in being predicted, and the gap in the share of wrong
    predictions. Of a regression `error` alone: the gap in mean absolute error, as a share of the overall one.
    A gap is None where fewer than two groups can be compared.
    """
    rows = pl.DataFrame({"group": column, "target": target, "decision": predictions.decision})
    decision = pl.col("decision").cast(pl.Float64)
    if predictions.decision is None:
        errors = pl.Series("error", np.abs(predictions.score - target))
        overall = float(errors.mean()) or 1.0  # type: ignore[arg-type]  # of no error at all, any share is none
        relative = pl.col("error").mean() / overall
        rows, rates = rows.with_columns(errors), {"error": {"relative mean absolute error": relative}}
    elif predictions.classes:
        names = enumerate(predictions.classes)
        selection = {f"share predicted {name}": (decision == code).mean() for code, name in names}
        rates = {"selection": selection, "error": {"error rate": (decision != pl.col("target")).mean()}}
    else:
        by_truth = {name: decision.filter(pl.col("target") == truth).mean() for name, truth in (("TPR", 1), ("FPR", 0))}
        rates = {"selection": {"selection rate": decision.mean()}, "error": by_truth}
    sizes = rows.group_by("group").len("rows")
    large = rows.join(sizes.filter(pl.col("rows") >= min_rows), on="group", nulls_equal=True).group_by("group", "rows")
    skipped = sizes.filter(pl.col("rows") < min_rows).height
    return {kind: _widest(large, named) for kind, named in rates.items()}, skipped


def _widest(groups: Any, rates: dict[str, pl.Expr]) -> Gap | None:
    candidates = []
    for name, rate in rates.items():
        by_group = groups.agg(rate.alias("rate")).drop_nulls("rate").sort("rate", "group")
        if by_group.height > 1:
            lowest, highest = (GroupRate(label(group), rows, value) for group, rows, value in by_group[[0, -1]].rows())
            candidates.append(Gap(name, lowest, highest))
    return max(candidates, key=lambda gap: gap.value, default=None)
