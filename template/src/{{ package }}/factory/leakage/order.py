"""Rows that resemble their neighbours, as those of a series do, though no time splits them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..metrics.definitions import Vector
from .finding import Finding
from .groups import MIN_GROUPS, NAMES_TIME, Codes, measure, renumbered, whole_groups
from .sample import SCORES, Sample

BLOCK = 20  # neighbouring rows
MIN_BLOCK = 5
STANDARD_ERRORS, MIN_LIKENESS = 3.0, 0.2
REFUSED, ASKED = 0.1, 0.05
"""More than of an entity, since tables in the order of places or batches are common, and nothing can be left out; a smaller
drop is a question only."""


def order(sample: Sample) -> Iterator[Finding]:
    """Whether a model knows a row by its neighbours, which a split by chance puts on the other side."""
    size = min(BLOCK, sample.rows // MIN_GROUPS)
    blocks = np.arange(sample.rows) // max(size, 1)
    if sample.by_time or size < MIN_BLOCK or not is_series(sample, blocks):
        return
    rows = whole_groups(sample, blocks)
    part, within = sample.take(rows), renumbered(blocks[rows])
    place = sorted_places(sample)
    if place is not None:  # then only what is lost beyond that of blocks in which equal rows stand by chance
        if sample.together is not None:
            return
        by_sorting = replace(part, together=place[rows] // size)
        if np.array_equal(place // size, blocks) or not measure(by_sorting, within).is_real:
            return
    drop = measure(part, within)
    if not drop.is_real or drop.size < ASKED:
        return
    refuses = drop.size >= REFUSED
    yield Finding(
        "order",
        (),
        drop.size,
        REFUSED if refuses else ASKED,
        f"{SCORES[sample.problem]} {drop.by_rows:.3g} with single rows held out, "
        f"{drop.by_groups:.3g} with blocks of {size} neighbouring rows",
        "Do neighbouring rows belong together, such as those of one day, one device or one person?",
        "If so, add the column that shows it, a time or an id, to the table and name it in data.time or data.id; "
        "a split by chance tests the model on what it has nearly seen.",
        refuses,
    )


def is_series(sample: Sample, blocks: Codes) -> bool:
    """Whether the target and most columns are more alike in neighbours than in other rows of a block.

    In a table that is merely sorted only few are: those that it is sorted by, and what goes with them.
    """
    alike = [likeness(values, blocks) for values in sample.columns.values()]
    target = likeness(sample.target, blocks)
    return bool(target > STANDARD_ERRORS / np.sqrt(sample.rows) and np.median(alike) >= MIN_LIKENESS)


def likeness(values: Vector, blocks: Codes) -> float:
    """How much more neighbours in a block are alike than other rows of it: 0 as chance has it, 1 if they are equal."""
    known = ~np.isnan(values)
    values, blocks = values[known], blocks[known]
    sizes = np.bincount(blocks)
    distances = values - (np.bincount(blocks, values) / np.maximum(sizes, 1))[blocks]
    steps = np.diff(values)[np.diff(blocks) == 0]
    if not len(steps) or not distances.any():
        return 0.0
    return float(1 - (steps**2).mean() / (2 * (distances**2).sum() / (len(values) - np.count_nonzero(sizes))))


def sorted_places(sample: Sample) -> Codes | None:
    """A place for each row that only follows from the columns by which the table is sorted; None if by none.

    Rows that are equal in these columns change places by chance.
    """
    columns = [values for name, values in sample.columns.items() if not NAMES_TIME.search(name)]
    keys = [np.nan_to_num(values, nan=-1e300) for values in (sample.target, *columns)]
    keys = [values for values in keys if not _counts_rows(values)]
    segment = np.zeros(sample.rows, dtype=np.int64)
    while (key := next((k for k, values in enumerate(keys) if _sorts(values, segment)), None)) is not None:
        change = (np.diff(keys.pop(key)) != 0) | (np.diff(segment) != 0)
        segment = np.concatenate([[0], np.cumsum(change)])
    if segment[-1] == 0:
        return None
    places = np.empty(sample.rows, dtype=np.int64)
    places[np.lexsort((np.random.default_rng(0).random(sample.rows), segment))] = np.arange(sample.rows)
    return places


def _counts_rows(values: Vector) -> bool:
    """Whether the values are evenly spaced: the row's number is the order, not a reason for it."""
    return bool(np.ptp(np.diff(values)) == 0)


def _sorts(values: Vector, segment: Codes) -> bool:
    """Whether the column varies within the segments, and each of its values there stands in adjoining rows."""
    if segment[-1] * 2 > len(segment):
        return False  # of a row or two nothing can be said
    runs = 1 + np.count_nonzero((np.diff(values) != 0) | (np.diff(segment) != 0))
    different = len(np.unique(np.column_stack([segment, values]), axis=0))
    if runs == segment[-1] + 1:
        return False
    if runs == different and different * 2 <= len(values):
        return True
    steps = np.diff(values)[np.diff(segment) == 0]
    return bool((steps >= 0).all() or (steps <= 0).all())
