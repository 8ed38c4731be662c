"""What a captured row looks like: the contract's columns, and what is known of it in columns that begin with _."""

import logging
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ... import contract
from .. import tables
from ..errors import FactoryError
from ..manifest import sha256
from ..scoring import predictions
from ..validation import parsing, rules
from .metrics import Telemetry
from .model_slot import Loaded
from .parsing import Row
from .settings import Settings

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


def to_table(batch: list[Scored], shadow: Loaded | None) -> pl.DataFrame:
    """A row for each row that was scored, and one more for what a shadow says of it."""
    return pl.concat([part for rows, scored in _parts(batch) for part in _described(rows, scored, shadow)])


def reduced(captured: pl.DataFrame, without: list[str], hashed: list[str]) -> pl.DataFrame:
    """The same without some columns, and with the sha256 of others."""
    hashes = [
        pl.col(name).cast(pl.String).map_elements(lambda text: sha256(text.encode()), pl.String) for name in hashed
    ]
    return captured.with_columns(hashes).drop(without)


def _parts(batch: list[Scored]) -> Iterator[tuple[pl.DataFrame, list[Scored]]]:
    """Rows with what was said of them, by one model."""
    for loaded in dict.fromkeys(scored.loaded for scored in batch):
        listed = [(s, s.rows) for s in batch if s.loaded is loaded and isinstance(s.rows, list)]
        for start in range(0, len(listed), AT_ONCE):  # the interpreter is free for requests in between
            some = listed[start : start + AT_ONCE]
            yield rules.frame([row for _, rows in some for row in rows], contract.Row), [s for s, _ in some]
    for scored in batch:
        if isinstance(scored.rows, pl.DataFrame):
            yield parsing.cast(scored.rows.select(contract.Row.column_names()), contract.Row), [scored]


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
        said = shadow.scorer.predict_with_ids(rows)[1]
    except Exception as error:  # noqa: BLE001  what was answered is kept all the same
        log.error("the shadow %s failed: %s", shadow.version, error)
        return
    named = known.with_columns(_role=pl.lit("shadow"), _model=pl.lit(shadow.version))
    yield _told(rows, named, said, shadow)


def _told(rows: pl.DataFrame, known: pl.DataFrame, said: NDArray[np.float64], loaded: Loaded) -> pl.DataFrame:
    told = {f"_{column.name}": column for column in predictions.to_columns(said, loaded.scorer.manifest)}
    told.setdefault("_decision", pl.repeat(None, rows.height, dtype=pl.Boolean, eager=True))
    return rows.hstack(known).with_columns(**told)


WAITING = 20  # files' worth of rows that may wait to be written
log = logging.getLogger("uvicorn.error")


class Capture:
    """Writes to a folder, a subfolder for each day, until it is closed."""

    def __init__(
        self, settings: Settings, folder: Path, telemetry: Telemetry, shadow: Callable[[], Loaded | None]
    ) -> None:
        self._settings, self._folder, self._telemetry, self._shadow = settings, folder, telemetry, shadow
        columns = contract.Row.column_names()
        self._without, self._hashed = (
            _named(given, columns) for given in (settings.capture_without, settings.capture_hashed)
        )
        self._queue: queue.SimpleQueue[Scored | None] = queue.SimpleQueue()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FactoryError(f"{folder}: nothing can be captured there: {error.strerror}") from error
        self._lock, self._waiting = threading.Lock(), 0
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    def put(self, scored: Scored) -> None:
        """Keep it, or count it as lost where the disk does not keep up; returns at once."""
        if self._waiting > WAITING * self._settings.capture_rows:
            self._telemetry.lost.labels("behind").inc(len(scored.rows))
        else:
            self._wait(len(scored.rows))
            self._queue.put(scored)

    def close(self, seconds: float = 20) -> None:
        """Write what waits."""
        self._queue.put(None)
        self._thread.join(seconds)

    def _wait(self, rows: int) -> None:
        with self._lock:
            self._waiting += rows

    def _run(self) -> None:
        for batch in self._batches():
            height = sum(len(scored.rows) for scored in batch)
            self._wait(-height)
            reason = "error"
            try:
                table = reduced(to_table(batch, self._shadow()), self._without, self._hashed)
                reason = "disk"
                self._write(table)
                self._telemetry.captured.inc(height)
            except Exception as error:  # noqa: BLE001  a capture that fails must not end the capture
                self._telemetry.lost.labels(reason).inc(height)
                log.error("%d rows could not be captured: %s", height, error)

    def _batches(self) -> Iterator[list[Scored]]:
        """What goes into one file: as many rows as it takes, or those of its time."""
        batch: list[Scored] = []
        rows, due = 0, time.monotonic() + self._settings.capture_seconds
        while True:
            with suppress(queue.Empty):
                scored = self._queue.get(timeout=max(0, due - time.monotonic()))
                if scored is None:
                    break
                batch.append(scored)
                rows += len(scored.rows)
            if rows >= self._settings.capture_rows or time.monotonic() >= due:
                if batch:
                    yield batch
                batch, rows, due = [], 0, time.monotonic() + self._settings.capture_seconds
        if batch:
            yield batch

    def _write(self, table: pl.DataFrame) -> None:
        now = datetime.now(UTC)
        self._forget(now)
        day = self._folder / f"{now:%Y-%m-%d}"
        day.mkdir(parents=True, exist_ok=True)
        path = day / f"{now:%H%M%S.%f}-{os.getpid()}.parquet"
        scratch = path.with_suffix(".tmp")
        try:
            with tables.writing(scratch):
                table.write_parquet(scratch)
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)

    def _forget(self, now: datetime) -> None:
        """Delete the days that are too old; what is full has room afterwards."""
        oldest = f"{datetime.fromtimestamp(now.timestamp() - self._settings.capture_days * 86400, UTC):%Y-%m-%d}"
        for past in self._folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"):
            if past.name < oldest:
                shutil.rmtree(past, ignore_errors=True)


def _named(given: str, columns: list[str]) -> list[str]:
    names = [name.strip() for name in given.split(",") if name.strip()]
    for name in names:
        if name not in columns:
            raise FactoryError(
                f"{name}: not a column of the contract, so that it cannot be left out of the capture or hashed"
            )
    return names
