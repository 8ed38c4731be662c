"""The rows of a table's sample in which leaks are searched for."""

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from ..leakage.finding import Finding
from ..leakage.groups import encode
from ..leakage.sample import Sample
from ..leakage.search import search
from .profile import Column, numbers
from .target import Target

MAX_CODES = 255  # categories of scikit-learn's histograms
MAX_MISSING = 0.05  # of the names of what several rows belong to


def findings(
    features: list[Column], columns: Collection[Column], target: Target, id: Column | None, *, by_time: bool
) -> Iterator[Finding]:
    """The leaks in a table, if these are the features; any of its columns may name what several rows belong to.

    `id` is the column whose rows the split keeps together; `by_time` is whether the newest rows are the test.
    """
    sample, rows = sample_of(features, target, id, by_time=by_time)
    entities = {
        column.name: column.sample.gather(rows)
        for column in columns
        if column.kind in ("Int64", "Float64", "String")
        and column is not target.column
        and column.missing <= MAX_MISSING * column.sample.len()
    }
    yield from search(sample, entities)


def sample_of(
    features: list[Column], target: Target, id: Column | None, *, by_time: bool = False
) -> tuple[Sample, NDArray[np.int64]]:
    """The rows of the table's sample that have a target, with these features, and which rows these are."""
    outcomes = numbers(target.column)
    rows = np.flatnonzero(~np.isnan(outcomes))
    known = outcomes[rows]
    if target.problem == "multiclass":
        known = np.unique(known, return_inverse=True)[1].astype(np.float64)
    elif target.problem == "classification":
        known = (known == known.max()).astype(np.float64)
    sample = Sample(
        "regression" if target.is_number else target.problem,
        target.name,
        known,
        {column.name: numbers(column)[rows] for column in features},
        frozenset(column.name for column in features if column.kind == "String" and len(column.values) < MAX_CODES),
        encode(id.sample.gather(rows)) if id else None,
        by_time,
        {c.name: ["", *c.sample.drop_nulls().unique().sort()] for c in features if c.kind == "String"},
    )
    return sample, rows
