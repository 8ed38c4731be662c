"""Tables in chunks, to save memory, and how many of them to work on at a time."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .. import interruption

CHUNK = 50_000  # rows
EXPRESSIONS_PER_QUERY = 250  # whose time grows with the square of their number
CGROUP = Path("/sys/fs/cgroup")  # limits of the container
QUOTAS = ("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")  # microseconds, of cgroup v2 and v1
MEMORY = "memory.max", "memory/memory.limit_in_bytes"
MASK = "mask "

Matrix = NDArray[np.float32]
Predictor = Callable[[Matrix], NDArray[np.float64]]
Rows = pl.DataFrame | pl.LazyFrame
"""A table in memory, or one in files that is read on demand."""
Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def processors() -> int:
    """How many processors this process may use, by affinity and by the quota of its container."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for files in QUOTAS:
        with suppress(OSError, ValueError):  # no such limit
            quota, period = " ".join((CGROUP / file).read_text("utf-8") for file in files).split()
            if int(quota) > 0:
                usable = min(usable, max(1, round(int(quota) / int(period))))
    return usable


def memory() -> int:
    """How many bytes of memory this process may use, by the machine and by the limit of its container."""
    usable = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in MEMORY:
        with suppress(OSError, ValueError):  # no such limit
            usable = min(usable, int((CGROUP / file).read_text("utf-8")))
    return usable


def collect(rows: Rows) -> pl.DataFrame:
    """The table in memory."""
    return rows.collect(engine="streaming") if isinstance(rows, pl.LazyFrame) else rows


def height(rows: Rows) -> int:
    """The number of rows."""
    return int(collect(rows.select(pl.len())).item())


def column(rows: Rows, name: str) -> pl.Series:
    """One column, without reading the others."""
    return collect(rows.select(name)).to_series()


def iter_chunks(rows: Rows) -> Iterator[pl.DataFrame]:
    """The rows in their order, chunk by chunk."""
    return rows.iter_slices(CHUNK) if isinstance(rows, pl.DataFrame) else _batches(rows)


def _batches(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    yield from rows.collect_batches(chunk_size=CHUNK, maintain_order=True)
    interruption.check()  # which ends them as if there were no more


def one_row(rows: Rows, expressions: Sequence[pl.Expr]) -> dict[str, Any]:
    """The single row that the expressions give, in as few passes over the rows as their number allows."""
    found: dict[str, Any] = {}
    for start in range(0, len(expressions), EXPRESSIONS_PER_QUERY):
        found |= collect(rows.select(expressions[start : start + EXPRESSIONS_PER_QUERY])).row(0, named=True)
    return found


def filter_rows(rows: Frame, mask: pl.Series) -> Frame:
    """The rows for which the mask is true."""
    if isinstance(rows, pl.DataFrame):
        return rows.filter(mask)
    masked = pl.concat([rows, mask.alias(MASK).to_frame().lazy()], how="horizontal")
    return masked.filter(MASK).drop(MASK)


def sample(rows: Rows, most: int) -> pl.DataFrame:
    """At most that many of the rows, shuffled; the same ones each time."""
    size = height(rows)
    if isinstance(rows, pl.LazyFrame) and most < size:
        positions = pl.Series(np.sort(np.random.default_rng(0).choice(size, most, replace=False)))
        rows = filter_rows(rows, pl.int_range(size, eager=True).is_in(positions.implode()))
    table = collect(rows)
    return table.sample(min(table.height, most), seed=0, shuffle=True)


def chunked(predict: Predictor, threads: int) -> Predictor:
    """The same predictions, computed chunk by chunk in that many threads."""

    def predict_chunks(features: Matrix) -> NDArray[np.float64]:
        if len(features) <= CHUNK:
            return predict(features)
        with ThreadPoolExecutor(threads) as pool:
            parts = (features[start : start + CHUNK] for start in range(0, len(features), CHUNK))
            return np.concatenate(list(pool.map(predict, parts)))

    return predict_chunks
