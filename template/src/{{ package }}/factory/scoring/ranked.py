"""The decisions about a whole table: true of its highest scores, of equal ones in the rows that come first."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..tables.chunks import iter_chunks
from . import staged

GROUP = "_group"
"""The column that divides the rows where each group has its share; it is not written."""
SCORED = ".scored.parquet"
"""Ending of what is beside a table until all of its scores are known."""
Scores = NDArray[np.float64]


def write(pieces: Iterable[pl.DataFrame], schema: pl.Schema, path: Path, rows: int, *, by_group: bool = False) -> None:
    """Write a table as `staged.write` does, with decisions for so many of its rows, or for all if it has no more.

    Memory holds a piece and so many scores, of each group where the pieces have them. Raises OSError where the disk is full.
    """
    scored, highest = path.with_name(path.name + SCORED), Highest(rows)
    staged.write(highest.watch(pieces), pl.Schema({**schema} | ({GROUP: pl.String} if by_group else {})), scored)
    decided = highest.decide(iter_chunks(pl.scan_parquet(scored, glob=False)))
    staged.write((piece.select(schema.names()) for piece in decided), schema, path)
    scored.unlink()


class Highest:
    """So many rows with the highest scores; where there are groups, of each as many as its share of all rows."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._sizes = Counter[str | None]()
        self._scores: dict[str | None, Scores] = {}

    def watch(self, pieces: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The pieces as they are, whose scores are noted."""
        for piece in pieces:
            for group, places in _groups(piece):
                known = np.append(self._scores.get(group, np.empty(0)), piece["score"].to_numpy()[places])
                self._scores[group] = _largest(known, self._rows)
                self._sizes[group] += len(places)
            yield piece

    def decide(self, pieces: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The pieces that were watched, with the decisions."""
        chosen = {group: _largest(self._scores[group], rows) for group, rows in shares(self._sizes, self._rows).items()}
        lowest = {group: float(scores.min(initial=np.inf)) for group, scores in chosen.items()}
        room = Counter({group: int((scores == lowest[group]).sum()) for group, scores in chosen.items()})
        for piece in pieces:
            decision = np.zeros(piece.height, bool)
            for group, places in _groups(piece):
                scores = piece["score"].to_numpy()[places]
                equal = scores == lowest[group]
                decision[places] = (scores > lowest[group]) | (equal & (equal.cumsum() <= room[group]))
                room[group] -= min(room[group], int(equal.sum()))
            yield piece.with_columns(decision=pl.Series(decision))


def shares(sizes: Mapping[str | None, int], rows: int) -> dict[str | None, int]:
    """How many of the rows each group has, by its size: whole numbers by the largest remainders."""
    total = sum(sizes.values()) or 1
    rows = min(rows, sum(sizes.values()))
    found = {group: rows * size // total for group, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda group: (-(rows * sizes[group] % total), group or ""))
    for group in by_remainder[: rows - sum(found.values())]:
        found[group] += 1
    return found


def _largest(scores: Scores, rows: int) -> Scores:
    return np.partition(scores, len(scores) - rows)[-rows:] if 0 < rows < len(scores) else scores[:rows]


def _groups(piece: pl.DataFrame) -> Iterator[tuple[str | None, NDArray[np.int64]]]:
    """Each group, and where in the piece its rows are."""
    if GROUP not in piece.columns:
        yield None, np.arange(piece.height)
        return
    for (group,), part in piece.select(GROUP, place=pl.int_range(pl.len())).group_by(GROUP, maintain_order=True):
        yield group, part["place"].to_numpy()
