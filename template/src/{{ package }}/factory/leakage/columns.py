"""Columns that predict the target too well and may be unknown when a prediction is made."""

from collections.abc import Iterable, Iterator

import numpy as np

from . import afterwards, alone, derived, joint, values
from .finding import Finding, Kind
from .forest import thinned
from .sample import Sample

KINDS: dict[Kind, str] = {
    "column": "alone predicts {target} ({:.4f} of 1): target leakage?",
    "joint": "with others predicts {target} ({:.4f} of 1): target leakage?",
    "value": "a value predicts {target} ({:.0%} of its rows): target leakage?",
    "missing": "unknown or not predicts {target} ({:.0%} of rows): target leakage?",
    "afterwards": "known only after {target} ({:.2f} of the score)?",
    "derived": "follows from a column that is left out ({:.0%} of its values)",
}
"""Why a column is left out, by the kind of leak, with its figure."""
MIN_ROWS, MIN_CLASS_ROWS = 100, 20
"""With fewer rows, only single columns are searched."""


def find(sample: Sample) -> Iterator[Finding]:
    """Each kind of leak in what the kinds before have left, and again in what is left of all, where one hid another."""
    whole = sample = thinned(sample)
    more = (joint.find_formulas, values.find, afterwards.find, joint.find_few) if _enough(sample) else ()
    found: dict[str, Finding] = {}
    for _ in range(2):
        left = sample
        for search in (alone.find, *more):
            for finding in search(sample):
                before = found.get(finding.subject)
                if before is None or (finding.refuses and not before.refuses):  # a question, until another leak is out
                    found[finding.subject] = finding
            sample = whole.without(refused(found.values()))
        if sample.columns.keys() == left.columns.keys():
            break
    yield from found.values()
    yield from derived.find(whole, refused(found.values()))


def refused(findings: Iterable[Finding]) -> set[str]:
    """The columns that are not used unless a person has a reason."""
    return {name for finding in findings if finding.refuses for name in finding.columns}


def _enough(sample: Sample) -> bool:
    counts = np.unique(sample.target, return_counts=True)[1]
    small = sample.problem == "classification" and counts.min() < MIN_CLASS_ROWS
    return sample.rows >= MIN_ROWS and len(counts) > 1 and not small
