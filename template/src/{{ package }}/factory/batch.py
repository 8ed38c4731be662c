"""A file of rows in, a file of scores out, in memory that does not grow with the number of rows."""

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl

from .. import contract
from . import tables
from .errors import FactoryError
from .scoring import Scorer


def score_file(
    scorer: Scorer, source: Path, destination: Path, on_rows: Callable[[int], object] = lambda rows: None
) -> int:
    """Score a CSV or Parquet file batch by batch, in the order of its rows; returns their number.

    `on_rows` is told the size of each batch. The destination appears only when it is whole.
    Raises FactoryError.
    """
    if destination.suffix not in tables.SUFFIXES:
        raise FactoryError(f"{destination}: name it {' or '.join('*' + suffix for suffix in tables.SUFFIXES)}")
    if not destination.parent.is_dir():
        raise FactoryError(f"{destination.parent}: no such folder")
    sizes: list[int] = []

    def score(rows: pl.DataFrame) -> pl.DataFrame:
        scores = scorer.score(rows)
        sizes.append(rows.height)
        on_rows(rows.height)
        return scores

    schema = scorer.score(contract.Row.create_empty()).schema
    scores = tables.scan(source).map_batches(score, schema=schema, streamable=True)
    scratch = destination.with_name(f".{destination.stem}.{os.getpid()}{destination.suffix}")
    try:
        with tables.reading(source):
            tables.sink(scores, scratch)
        if not sum(sizes):
            raise FactoryError(f"{source}: has no rows")
        scratch.replace(destination)
    finally:
        scratch.unlink(missing_ok=True)
    return sum(sizes)
