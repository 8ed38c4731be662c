"""Many rows some at a time: all at once they take far more room."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

SLICE = 50_000  # rows
CHOSEN = "chosen "

Matrix = NDArray[np.float32]
Predictor = Callable[[Matrix], NDArray[np.float64]]
Rows = pl.DataFrame | pl.LazyFrame
"""A table in memory, or one in files that is read when it is asked for."""
Some = TypeVar("Some", pl.DataFrame, pl.LazyFrame)


def collected(rows: Rows) -> pl.DataFrame:
    """The table in memory."""
    return rows.collect(engine="streaming") if isinstance(rows, pl.LazyFrame) else rows


def height(rows: Rows) -> int:
    """The number of rows."""
    return int(collected(rows.select(pl.len())).item())


def column(rows: Rows, name: str) -> pl.Series:
    """One column, without reading the others."""
    return collected(rows.select(name)).to_series()


def slices(rows: Rows) -> Iterator[pl.DataFrame]:
    """The rows in their order, some at a time."""
    if isinstance(rows, pl.DataFrame):
        return rows.iter_slices(SLICE)
    return rows.collect_batches(chunk_size=SLICE, maintain_order=True)


def where(rows: Some, chosen: pl.Series) -> Some:
    """The rows that are chosen."""
    if isinstance(rows, pl.DataFrame):
        return rows.filter(chosen)
    both = pl.concat([rows, chosen.alias(CHOSEN).to_frame().lazy()], how="horizontal")
    return both.filter(CHOSEN).drop(CHOSEN)


def sample(rows: Rows, most: int) -> pl.DataFrame:
    """So many of the rows, in the order of chance; the same ones each time."""
    size = height(rows)
    if isinstance(rows, pl.LazyFrame) and most < size:
        places = pl.Series(np.sort(np.random.default_rng(0).choice(size, most, replace=False)))
        rows = where(rows, pl.int_range(size, eager=True).is_in(places.implode()))
    some = collected(rows)
    return some.sample(min(some.height, most), seed=0, shuffle=True)


def sliced(predict: Predictor, at_once: int) -> Predictor:
    """The same scores, of many rows slice by slice, so many of them side by side."""

    def each(features: Matrix) -> NDArray[np.float64]:
        if len(features) <= SLICE:
            return predict(features)
        with ThreadPoolExecutor(at_once) as pool:
            parts = (features[start : start + SLICE] for start in range(0, len(features), SLICE))
            return np.concatenate(list(pool.map(predict, parts)))

    return each
