"""Columns that follow from one that is left out: what is unknown of the one is unknown of the other."""

from collections.abc import Collection, Iterator

import numpy as np

from ..metrics.definitions import Vector
from .finding import Finding
from .groups import BY_CHANCE, CONSTANT, Codes, constant_share
from .sample import Sample

MIN_ROWS_PER_VALUE = 5  # of the column that is left out; where it has more values, anything seems to follow


def find(sample: Sample, leaks: Collection[str]) -> Iterator[Finding]:
    """Each other column that is the same wherever one of these is, such as a grade beside its finer grades."""
    for name, values in sample.without(leaks).columns.items():
        for leak in sorted(leaks):
            share = _share(values, np.unique(sample.columns[leak], return_inverse=True)[1])
            if share >= CONSTANT:
                yield Finding(
                    "derived",
                    (name,),
                    share,
                    CONSTANT,
                    f"{name} follows from {leak}, which predicts {sample.target_name} too well: it is the same wherever {leak} is",
                    f"Is {name} known when {sample.target_name} is predicted?",
                    "Exclude it, if not.",
                )
                break


def _share(values: Vector, codes: Codes) -> float:
    """Of the values of the one, the share with a single value of the other; 0 where that may be chance."""
    different = len(np.unique(values))
    if not 1 < different < codes.max() + 1 <= len(codes) / MIN_ROWS_PER_VALUE:
        return 0.0
    shuffled = np.random.default_rng(0).permutation(len(codes))
    return constant_share(values, codes) if constant_share(values[shuffled], codes) < BY_CHANCE else 0.0
