"""What a model sees of a forecast at some origins of its training, to be compared with what it sees there otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ..config import Params
from ..data import observations, prepare
from ..forecasting import grid
from ..forecasting.grid import POSITION
from ..forecasting.settings import Settings
from ..tables.chunks import Rows, column
from .isolated_process import compute
from .row_by_row import TOLERANCE

COUNT = 3


@dataclass(frozen=True)
class Origin:
    """Its time, the observations before it and those of its horizon, and the rows with their features."""

    time: Any
    observations: pl.DataFrame
    seen: pl.DataFrame


def sampled(train: Rows, params: Params) -> list[Origin]:
    """The oldest origin, the newest and one between; computed in the opposite order."""
    settings = observations.settings(params)
    table = grid.numbered(prepare.read("observations"), settings)
    known = column(train, "origin").unique().sort()
    times = known.gather(np.unique(np.linspace(0, len(known) - 1, COUNT).astype(int)))
    return list(_found(table, settings, times.reverse()))[::-1]


def difference(expected: pl.DataFrame, found: pl.DataFrame) -> str | None:
    """The first column that differs, but for sums in another order."""
    if expected.schema != found.schema or expected.height != found.height:
        return "the table"
    for one, other in zip(expected.iter_columns(), found.iter_columns(), strict=True):
        pair = (one.to_numpy(), other.to_numpy())
        same = (
            np.isclose(*pair, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True).all()
            if one.dtype.is_float()
            else one.equals(other)
        )
        if not same:
            return one.name
    return None


def _found(table: pl.DataFrame, settings: Settings, times: pl.Series) -> Iterator[Origin]:
    for time in times:
        place = grid.position(table, settings, time)
        near = pl.col(POSITION).is_between(place - settings.window, place + settings.gap + settings.horizon)
        part = table.filter(near).drop(POSITION)
        yield Origin(time, part, compute(part, settings, time))
