"""The decisions about a whole table: true of its highest scores, of equal ones in the rows that come first."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..tables.chunks import iter_chunks
from . import staged

SCORED = ".scored.parquet"
"""Ending of what is beside a table until all of its scores are known."""


def write(pieces: Iterable[pl.DataFrame], schema: pl.Schema, path: Path, rows: int) -> None:
    """Write a table as `staged.write` does, with decisions for so many of its rows, or for all if it has no more.

    Memory holds a piece and so many scores. Raises OSError where the disk is full.
    """
    scored, best = path.with_name(path.name + SCORED), _Best(rows)
    staged.write(best.watch(pieces), schema, scored)
    staged.write(best.decide(scored), schema, path)
    scored.unlink()


class _Best:
    """The highest scores of the pieces so far."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._scores: NDArray[np.float64] = np.empty(0)

    def watch(self, pieces: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The pieces as they are."""
        for piece in pieces:
            scores = np.append(self._scores, piece["score"].to_numpy())
            many = len(scores) > self._rows
            self._scores = np.partition(scores, len(scores) - self._rows)[-self._rows :] if many else scores
            yield piece

    def decide(self, scored: Path) -> Iterator[pl.DataFrame]:
        """The written pieces, with the decisions."""
        lowest = float(self._scores.min(initial=np.inf))
        room, equal = int((self._scores == lowest).sum()), pl.col("score") == lowest
        for piece in iter_chunks(pl.scan_parquet(scored, glob=False)):
            yield piece.with_columns(decision=(pl.col("score") > lowest) | (equal & (equal.cum_sum() <= room)))
            room = max(0, room - piece.filter(equal).height)
