"""Columns that tell the target and may be unknown when a prediction is made."""

from collections.abc import Iterator

import numpy as np

from ..metrics.definitions import Vector
from . import afterwards, disguise, joint, values
from .finding import Finding
from .forest import thinned
from .sample import Sample

MIN_ROWS, MIN_CLASS_ROWS = 100, 20
"""Fewer rows hardly tell a leak from chance."""


def find(sample: Sample, group: Vector | None = None) -> Iterator[Finding]:
    """Each kind of leak in what the kinds before have left; rows of one group stay together."""
    sample = thinned(sample, group)
    if not _enough(sample):
        return
    for search in (disguise.find, values.find, afterwards.find, joint.find):
        findings = list(search(sample))
        yield from findings
        sample = sample.without([name for finding in findings if finding.refuses for name in finding.columns])


def _enough(sample: Sample) -> bool:
    counts = np.unique(sample.target, return_counts=True)[1]
    small = sample.problem == "classification" and counts.min() < MIN_CLASS_ROWS
    return sample.rows >= MIN_ROWS and len(counts) > 1 and not small and bool(sample.columns)
