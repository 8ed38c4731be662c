"""Parts of the rows of a forecast to fit and to measure, of one time after the other (Tashman 2000, expanding window)."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..config import Params

Mask = NDArray[np.bool_]
MOST_HELD_OUT = 0.5
"""Of the origins by all parts together, so that the first is of a model that has learned from enough."""


@dataclass(frozen=True)
class Part:
    """Which rows are held out, and which are learned from."""

    fit: Mask
    held_out: Mask

    @property
    def is_sound(self) -> bool:
        """Whether more rows are learned from than measured."""
        return bool(self.fit.sum() > self.held_out.sum())


def parts(rows: pl.DataFrame, params: Params, count: int) -> list[Part]:
    """So many parts of about as many rows of the newest origins each, and what was known when the first of them was forecast.

    A row is known by the time of its target: one of an earlier origin may not be.
    """
    origins, time = (rows[name].to_numpy() for name in ("origin", params.data.times[0]))
    share = min(params.split.test, MOST_HELD_OUT / count)
    places = [round(len(rows) * (1 - share * left)) for left in range(count, 0, -1)]
    starts = np.sort(origins)[np.minimum(places, len(rows) - 1)]
    part = np.searchsorted(starts, origins, "right") - 1
    return [Part(time < start, part == i) for i, start in enumerate(starts)]
