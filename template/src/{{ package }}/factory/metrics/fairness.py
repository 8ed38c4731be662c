"""How differently groups fare: the main metric of each, rates of each, and the gap between the highest and the lowest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .definitions import Metric, Vector

CONFIDENCE = 0.95


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
    """How often something happens in one group: a share of its `cases`, which of a true positive rate are the true rows."""

    group: str
    rows: int
    rate: float
    cases: int


class Gap(NamedTuple):
    """Two groups, the one with the lower rate first, and with how many such pairs they were compared."""

    rate: str
    lowest: GroupRate
    highest: GroupRate
    compared: int = 1

    @property
    def value(self) -> float:
        """The difference between the rates."""
        return self.highest.rate - self.lowest.rate

    @property
    def ratio(self) -> float | None:
        """The lower rate divided by the higher, None where both are 0."""
        return self.lowest.rate / self.highest.rate if self.highest.rate else None

    @property
    def ratio_interval(self) -> tuple[float, float]:
        """The 95% interval of the ratio of two shares, for all compared pairs together (Bonferroni).

        By the logarithm (Katz et al. 1978), with half a case added, so that it exists where there is none (Walter 1975).
        """
        (low, low_all), (high, high_all) = ((each.rate * each.cases + 0.5, each.cases + 0.5) for each in self[1:3])
        middle = log(low / low_all) - log(high / high_all)
        spread = sqrt(max(0, 1 / low - 1 / low_all + 1 / high - 1 / high_all))
        margin = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / self.compared) * spread
        return exp(middle - margin), exp(middle + margin)

    @property
    def beyond_chance(self) -> bool:
        """Whether the two shares differ significantly."""
        return self.ratio_interval[1] < 1


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
    difference (Hardt et al. 2016): the larger of the gaps in true and in false positive rates, of those beyond chance if
    there are any. Of several classes the widest gap of any class in being predicted, and the gap in the share of wrong
    predictions. Of a regression `error` alone: the gap in mean absolute error, as a share of the overall one.
    A gap is None where fewer than two groups can be compared.
    """
    rows = pl.DataFrame({"group": column, "target": target, "decision": predictions.decision})
    skipped = rows.group_by("group").len().filter(pl.col("len") < min_rows).height
    if predictions.decision is None:
        error = np.abs(predictions.score - target)
        relative = pl.Series("error", error / (error.mean() or 1.0))  # of no error at all, any share is none
        shown = {"relative mean absolute error": pl.col("error")}
        return {"error": _widest(_pairs(rows.with_columns(relative), min_rows, shown))}, skipped
    decision, truth = pl.col("decision").cast(pl.Float64), pl.col("target")
    mistaken = {name: decision.filter(truth == side) for name, side in (("TPR", 1), ("FPR", 0))}
    errors = _pairs(rows, min_rows, {"error rate": decision != truth} if predictions.classes else mistaken)
    certain = [gap for gap in errors if gap.beyond_chance]
    selected = _pairs(rows, min_rows, _selections(predictions))
    return {"selection": _widest(selected), "error": _widest(certain or errors)}, skipped


def selection_ratio(column: pl.Series, predictions: Predictions, min_rows: int) -> Gap | None:
    """The groups with at least so many rows of which one is selected least often in relation to the other.

    Of several classes, those that are predicted so. None where fewer than two can be compared, or nobody is selected; a
    ratio that may be chance is given only where none is beyond it.
    """
    if predictions.decision is None:
        return None
    rows = pl.DataFrame({"group": column, "decision": predictions.decision})
    pairs = [gap for gap in _pairs(rows, min_rows, _selections(predictions)) if gap.highest.rate]
    return min(pairs, key=lambda gap: (not gap.beyond_chance, gap.ratio or 0.0), default=None)


def _selections(predictions: Predictions) -> dict[str, pl.Expr]:
    """Whether a row is selected, by the name of its rate: by the decision, or for one of the classes."""
    if not predictions.classes:
        return {"selection rate": pl.col("decision").cast(pl.Float64)}
    return {f"share predicted {name}": pl.col("decision") == code for code, name in enumerate(predictions.classes)}


def _pairs(rows: pl.DataFrame, min_rows: int, cases: Mapping[str, pl.Expr]) -> list[Gap]:
    """Every pair of the groups with at least so many rows, by each rate: the mean of the cases."""
    grouped = rows.group_by("group")
    pairs: list[tuple[str, GroupRate, GroupRate]] = []
    for name, values in cases.items():
        rates = grouped.agg(pl.len(), values.mean().alias("rate"), values.len().alias("cases"))
        large = rates.filter(pl.col("len") >= min_rows).drop_nulls("rate").sort("rate", "group")
        ordered = [GroupRate(label(group), *rest) for group, *rest in large.rows()]
        pairs += [(name, lower, higher) for lower, higher in combinations(ordered, 2)]
    return [Gap(*pair, compared=len(pairs)) for pair in pairs]


def _widest(pairs: list[Gap]) -> Gap | None:
    return max(pairs, key=lambda gap: gap.value, default=None)
