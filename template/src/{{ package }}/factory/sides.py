"""Which side of a split a row is on: by its time, by its id, or by all that it holds."""

from collections.abc import Iterable, Iterator
from hashlib import sha256

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from .config import Params

SLICE = 50_000  # rows that are text at once


def test_side(rows: pl.DataFrame, params: Params, salt: str = "") -> pl.Series:
    """True for the rows of the test: the newest, or where ids repeat or there is no time, a hash's choice.

    Rows of one id are on one side, and without an id those that differ in the target at most. `salt`
    makes another choice among rows that were chosen already.
    """
    data, share = params.data, params.split.test
    if data.time and not data.repeats:
        return rows[data.time] > rows[data.time].quantile(1 - share, "lower")
    if data.id:
        ids = rows[data.id].cast(pl.String)
        distinct = ids.unique()
        chosen = distinct.filter(pl.Series(_positions(distinct, salt) < share))
        return ids.is_in(chosen.implode())
    return pl.Series(_positions(_contents(rows.drop(data.target)), salt) < share)


def _contents(rows: pl.DataFrame) -> Iterator[str]:
    text = rows.with_columns(selectors.binary().bin.encode("hex"))
    for part in text.iter_slices(SLICE):
        yield from part.write_ndjson().removesuffix("\n").split("\n")


def _positions(keys: Iterable[str], salt: str) -> NDArray[np.float64]:
    """Numbers from 0 to 1 that depend on the key alone, on every machine and in every version."""
    heads = b"".join(sha256((salt + key).encode()).digest()[:4] for key in keys)
    return np.frombuffer(heads, ">u4") / 0xFFFFFFFF
