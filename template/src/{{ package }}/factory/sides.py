"""Which side of a split a row is on: by its time, by its id, or by all that it holds."""

from collections.abc import Iterable, Iterator
from hashlib import sha256

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from .config import Params
from .slices import Rows, column, slices


def test_side(rows: Rows, params: Params, salt: str = "") -> pl.Series:
    """True for the rows of the test: the newest, or where ids repeat or there is no time, a hash's choice.

    Rows of one id are on one side, and without an id those that differ in the target at most. `salt`
    makes another choice among rows that were chosen already.
    """
    data, share = params.data, params.split.test
    if data.time and not data.repeats:
        times = column(rows, data.time)
        return times > times.quantile(1 - share, "lower")
    if data.id:
        ids = column(rows, data.id).cast(pl.String)
        distinct = ids.unique()
        chosen = distinct.filter(pl.Series(_positions(distinct, salt) < share))
        return ids.is_in(chosen.implode())
    return pl.Series(_positions(_contents(rows.drop(data.target)), salt) < share)


def _contents(rows: Rows) -> Iterator[str]:
    text = rows.with_columns(selectors.binary().bin.encode("hex"))
    for part in slices(text):
        yield from part.write_ndjson().removesuffix("\n").split("\n")


def _positions(keys: Iterable[str], salt: str) -> NDArray[np.float64]:
    """Numbers from 0 to 1 that depend on the key alone, on every machine and in every version."""
    heads = b"".join(sha256((salt + key).encode()).digest()[:4] for key in keys)
    return np.frombuffer(heads, ">u4") / 0xFFFFFFFF
