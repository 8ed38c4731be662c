"""Test rows that are copies of training rows, as against rows that coincide by chance."""

import numpy as np
from numpy.typing import NDArray

from .evidence import Part

HALVES = 20
QUANTILE = 0.75  # as some halves have none of the columns that identify a row
Keys = NDArray[np.uint64]


def copied_share(train: Part, test: Part, target: str) -> float:
    """The share of the test rows that equal a training row in features and target."""
    found = np.isin(_joined(_keys(test, target)), _joined(_keys(train, target)))
    return min(1.0, float(found.mean()) / train.share)


def beyond_chance(train: Part, test: Part, target: str) -> float:
    """Of the pairs that agree in half of the features, the share that agrees in all and, beyond chance, in the target.

    Rows of a few values coincide by chance, and will do so where the model is used. Then many more of them coincide in half
    of the features, and those that coincide in all differ in the target about as others do. Of copies, neither holds.
    """
    ours, theirs = _keys(test, target), _keys(train, target)
    by_chance = _pairs(ours[:, :1], theirs[:, :1]) / (len(ours) * len(theirs))
    alike, same = _pairs(ours[:, 1:], theirs[:, 1:]), _pairs(ours, theirs)
    excess = (same - by_chance * alike) / (1 - by_chance)
    random, features = np.random.default_rng(0), np.arange(1, ours.shape[1])
    halves = (random.permutation(features)[: -(-len(features) // 2)] for _ in range(HALVES))
    return float(np.quantile([excess / max(1, _pairs(ours[:, half], theirs[:, half])) for half in halves], QUANTILE))


def _keys(part: Part, target: str) -> Keys:
    """A number for each value, the same for the same value of a column; the target's first."""
    columns = [part.rows[target], *part.features.iter_columns()]
    return np.column_stack([column.hash(seed=place).to_numpy() for place, column in enumerate(columns)])


def _joined(keys: Keys) -> Keys:
    joined: Keys = keys.sum(axis=1, dtype=np.uint64)
    return joined


def _pairs(ours: Keys, theirs: Keys) -> int:
    """How many pairs of a row of ours and one of theirs agree in all columns."""
    values, counts = np.unique(_joined(theirs), return_counts=True)
    wanted = _joined(ours)
    places = np.searchsorted(values, wanted).clip(max=len(values) - 1)
    return int(counts[places][values[places] == wanted].sum())
