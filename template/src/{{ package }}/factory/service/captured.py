"""What a captured row looks like: the contract's columns, and what is known of it in columns that begin with _."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ... import contract
from .. import casts, contracts, outcome
from ..digest import of_bytes
from .rows import Row
from .slots import Loaded

log = logging.getLogger("uvicorn.error")
AT_ONCE = 5000  # requests that are made a table together


class Scored(NamedTuple):
    """The rows of one request, and what a model said of them."""

    at: float
    request: str
    caller: str
    role: str
    loaded: Loaded
    rows: list[Row] | pl.DataFrame
    said: NDArray[np.float64]


def table(batch: list[Scored], shadow: Loaded | None) -> pl.DataFrame:
    """A row for each row that was scored, and one more for what a shadow says of it."""
    return pl.concat([part for rows, scored in _parts(batch) for part in _described(rows, scored, shadow)])


def reduced(captured: pl.DataFrame, without: list[str], hashed: list[str]) -> pl.DataFrame:
    """The same without some columns, and with the sha256 of others."""
    hashes = [
        pl.col(name).cast(pl.String).map_elements(lambda text: of_bytes(text.encode()), pl.String) for name in hashed
    ]
    return captured.with_columns(hashes).drop(without)


def _parts(batch: list[Scored]) -> Iterator[tuple[pl.DataFrame, list[Scored]]]:
    """Rows with what was said of them, by one model."""
    for loaded in dict.fromkeys(scored.loaded for scored in batch):
        listed = [(s, s.rows) for s in batch if s.loaded is loaded and isinstance(s.rows, list)]
        for start in range(0, len(listed), AT_ONCE):  # the interpreter is free for requests in between
            some = listed[start : start + AT_ONCE]
            yield contracts.frame([row for _, rows in some for row in rows], contract.Row), [s for s, _ in some]
    for scored in batch:
        if isinstance(scored.rows, pl.DataFrame):
            yield casts.typed(scored.rows.select(contract.Row.column_names()), contract.Row), [scored]


def _described(rows: pl.DataFrame, batch: list[Scored], shadow: Loaded | None) -> Iterator[pl.DataFrame]:
    known = pl.DataFrame(
        {
            "_at": [datetime.fromtimestamp(scored.at, UTC) for scored in batch],
            "_request": [scored.request for scored in batch],
            "_caller": [scored.caller for scored in batch],
            "_role": [scored.role for scored in batch],
            "_model": [scored.loaded.version for scored in batch],
        }
    )[np.repeat(np.arange(len(batch)), [len(scored.rows) for scored in batch])]
    yield _told(rows, known, np.concatenate([scored.said for scored in batch]), batch[0].loaded)
    if shadow:
        yield from _shadowed(rows, known, shadow)


def _shadowed(rows: pl.DataFrame, known: pl.DataFrame, shadow: Loaded) -> Iterator[pl.DataFrame]:
    try:
        said = shadow.scorer.say(rows)[1]
    except Exception as error:  # noqa: BLE001  what was answered is kept all the same
        log.error("the shadow %s failed: %s", shadow.version, error)
        return
    named = known.with_columns(_role=pl.lit("shadow"), _model=pl.lit(shadow.version))
    yield _told(rows, named, said, shadow)


def _told(rows: pl.DataFrame, known: pl.DataFrame, said: NDArray[np.float64], loaded: Loaded) -> pl.DataFrame:
    told = {f"_{column.name}": column for column in outcome.columns(said, loaded.scorer.manifest)}
    told.setdefault("_decision", pl.repeat(None, rows.height, dtype=pl.Boolean, eager=True))
    return rows.hstack(known).with_columns(**told)
