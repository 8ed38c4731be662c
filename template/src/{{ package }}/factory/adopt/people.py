"""Groups of people in a table: how often the target is true of them, and which features predict them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..leakage.sample import Sample
from ..metrics import fairness
from ..metrics.fairness import Gap
from ..training.leakage import predictive_power
from .profile import Column, numbers
from .target import Target

FOUR_FIFTHS = 0.8
MAX_COLUMNS, MAX_ROWS, MIN_ROWS = 6, 2_000, 30
"""Sensitive columns that are looked at, rows of each, and the least rows of a group."""
MAX_CODES = 255  # categories of scikit-learn's histograms
STANDS_IN = 0.8
"""The ROC AUC from which on features stand in for a sensitive column: excellent discrimination (Hosmer and Lemeshow 2000)."""
ALONE, NAMED = 0.65, 3
"""The ROC AUC from which on a feature is named, and the most that are."""


@dataclass(frozen=True)
class Proxy:
    """A sensitive column, how well the features together predict it, and the best alone: ROC AUC, of several groups the mean."""

    sensitive: str
    power: float
    alone: dict[str, float]


def base_rates(columns: Iterable[Column], target: Target) -> Iterator[tuple[str, Gap]]:
    """By sensitive column the groups of which the target is true least often in relation to another, beyond chance."""
    if target.is_number:
        return
    texts, classes = target.column.sample.cast(pl.String), list(target.counts)
    for column in columns:
        rows = pl.DataFrame({"group": column.sample, "text": texts}).drop_nulls()
        if target.positive is not None:
            outcome, names = (rows["text"].str.to_lowercase() == target.positive.lower()).to_numpy(), None
        else:
            outcome, names = rows["text"].replace_strict(classes, range(len(classes)), default=0).to_numpy(), classes
        predictions = fairness.Predictions(outcome.astype(np.float64), outcome, names)
        gap = fairness.selection_ratio(rows["group"], predictions, MIN_ROWS)
        if gap and gap.ratio is not None and gap.ratio < FOUR_FIFTHS and gap.beyond_chance:
            yield column.name, gap


def proxies(columns: list[Column], features: list[Column]) -> Iterator[Proxy]:
    """The sensitive columns for which features that are none themselves stand in."""
    names = {column.name for column in columns}
    others = [feature for feature in features if feature.name not in names]
    for column in columns[:MAX_COLUMNS] if others else []:
        sample = _sample(column, others)
        if sample.rows and np.ptp(sample.target):
            power = sample.scores(np.arange(sample.rows) % 2)
            if power.size and power.mean() >= STANDS_IN:
                yield Proxy(column.name, float(power.mean()), _strongest(sample))


def _strongest(sample: Sample) -> dict[str, float]:
    alone = {name: predictive_power(values, sample.target, sample.problem) for name, values in sample.columns.items()}
    best = sorted(alone, key=lambda name: -alone[name])[:NAMED]
    return {name: alone[name] for name in best if alone[name] >= ALONE}


def _sample(column: Column, features: list[Column]) -> Sample:
    """Rows of the groups that have enough of them, in random order."""
    codes = numbers(column)
    _, place, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    large = np.flatnonzero(~np.isnan(codes) & (sizes[place] >= MIN_ROWS))
    rows = np.random.default_rng(0).permutation(large)[:MAX_ROWS]
    target = np.unique(codes[rows], return_inverse=True)[1].astype(np.float64)
    return Sample(
        "multiclass" if target.size and target.max() > 1 else "classification",
        column.name,
        target,
        {feature.name: numbers(feature)[rows] for feature in features},
        frozenset(each.name for each in features if each.kind == "String" and len(each.values) < MAX_CODES),
    )
