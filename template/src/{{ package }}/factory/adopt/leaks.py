"""Columns that alone tell the target, and so are hardly known before it."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .. import disguise
from .profile import Column
from .question import Question

ALMOST = 0.995
CELLS = 4_000_000
LEAST = 2_000
"""Cells that are looked at, and rows at least."""


def leaks(columns: list[Column], question: Question) -> dict[str, str]:
    """The columns that tell the target of unseen rows almost perfectly, with the reason to leave each out."""
    target = numbers(question.target)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(~np.isnan(target)))
    rows = rows[: max(CELLS // max(len(columns), 1), LEAST)]
    codes = np.unique(target[rows], return_inverse=True)[1]
    truth = target[rows] if question.problem == "regression" else codes.astype(np.float64)
    told = {}
    for column in columns:
        found = disguise.tells(numbers(column)[rows], truth, question.problem)
        if found > ALMOST:
            told[column.name] = f"alone tells {question.target.name} ({found:.4f} of 1): known only afterwards?"
    return told


def numbers(column: Column) -> NDArray[np.float64]:
    """The sample as numbers, NaN where unknown: times in their units, texts by their order."""
    values = column.sample
    if values.dtype == pl.String:
        values = values.rank("dense")
    return values.to_physical().cast(pl.Float64).to_numpy()
