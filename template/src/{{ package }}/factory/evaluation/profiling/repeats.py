"""Rows that repeat others: within a table, and across the split; by a hash of each row, of many rows by a sample of the hashes."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...tables.chunks import Rows, iter_chunks

MOST = 4_000_000  # hashes in memory
Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Repeats:
    """How many rows repeat an earlier one in the columns compared; and of those, how many have another target."""

    rows: int
    repeated: int
    contradicting: int
    is_estimate: bool

    @property
    def share(self) -> float:
        """Of all rows."""
        return self.repeated / max(self.rows, 1)


def repeats(rows: Rows, height: int, compared: Collection[str], target: str | None) -> Repeats:
    """The rows that repeat an earlier one in the compared columns; the target is not one of them, but is compared afterwards."""
    if not compared:
        return Repeats(height, 0, 0, False)
    every = -(-height // MOST)
    features, whole = _hashes(rows, [*compared], target, every)
    alike, same = _repeated(features), _repeated(whole)
    return Repeats(height, every * same, every * (alike - same) if target else 0, every > 1)


def across(train: Rows, height: int, test: pl.DataFrame, compared: Collection[str], target: str) -> float:
    """The share of the test rows that are in the training rows, too, target included."""
    if not compared:
        return 0.0
    every = -(-height // MOST)
    known, tested = (_hashes(part, [*compared], target, every)[1] for part in (train, test))
    return float(np.isin(tested, known).mean()) if len(tested) else 0.0


def _hashes(rows: Rows, compared: list[str], target: str | None, every: int) -> tuple[Hashes, Hashes]:
    """The hash of each row in the compared columns, and in these and the target: of the rows whose first is divisible."""
    features, whole = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for chunk in iter_chunks(rows.select([*compared, *([target] if target else [])])):
        hashed = _hash(chunk.select(compared))
        kept = hashed % np.uint64(every) == 0
        features.append(hashed[kept])
        whole.append((hashed + _hash(chunk.select(target)) if target else hashed)[kept])
    return np.concatenate(features), np.concatenate(whole)


def _hash(rows: pl.DataFrame) -> Hashes:
    """Polars' hashes, which may differ between its versions: so may an estimate by a sample of them."""
    texts = [
        pl.col(name).cast(pl.String)
        for name, dtype in rows.schema.items()
        if isinstance(dtype, pl.Enum | pl.Categorical)
    ]
    hashed: Hashes = rows.with_columns(texts).hash_rows().to_numpy()
    return hashed


def _repeated(hashes: Hashes) -> int:
    ordered = np.sort(hashes)
    return int((ordered[1:] == ordered[:-1]).sum())
