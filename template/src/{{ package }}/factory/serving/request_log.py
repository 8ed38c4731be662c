"""Requests and their scores, captured in files for monitoring.

A row has the contract's columns, and those that begin with _: time, request, position in it, caller, role, model and scores.
Only the service's user can read the files.
"""

import logging
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import accumulate, groupby, repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ... import contract
from .. import tables
from ..errors import FactoryError
from ..scoring import predictions
from ..validation import personal
from .messages import Bytes
from .metrics import Telemetry
from .model_slot import LoadedModel
from .packing import Rows, table_of, unpacked
from .refusals import SUFFIX, Refusals
from .retention import DAYS, Retention
from .settings import Settings

Shadow = Callable[[pl.DataFrame], tuple[LoadedModel, NDArray[np.float64]] | None]
"""The shadow model's scores of rows of the contract's types, if there is such a model."""
ROWS_PER_TABLE = 5000  # between two the interpreter can serve requests
MAX_QUEUED_FILES = 20  # files' worth of rows that may be queued
MAX_QUEUED_BYTES = 256_000_000
REQUEST_BYTES = 1000  # that a request takes beside its rows
HOST = socket.gethostname()  # in containers, which share a folder, all have the same process id
log = logging.getLogger("uvicorn.error")


class ScoredRequest(NamedTuple):
    """The rows of one request, and the model's scores."""

    at: float
    request: str
    caller: str
    role: str
    model: LoadedModel
    height: int
    rows: Rows | Bytes
    scores: NDArray[np.float64]
    explanations: list[str] | None = None  # as JSON, where the request asked for them
    client_request: str = ""  # the id that the client gave it

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        if isinstance(self.rows, Bytes):
            rows = len(self.rows)
        elif isinstance(self.rows, pl.DataFrame):
            rows = int(self.rows.estimated_size())
        else:
            rows = sum(sys.getsizeof(value) for row in self.rows for value in row)
        return REQUEST_BYTES + rows + self.scores.nbytes


class RequestLog:
    """Writes scored requests to a folder, with a subfolder for each day, in a thread of its own."""

    def __init__(self, settings: Settings, folder: Path, telemetry: Telemetry, shadow: Shadow) -> None:
        self._settings, self._folder, self._telemetry, self._shadow = settings, folder, telemetry, shadow
        columns = contract.Row.column_names()
        self._without = _column_names(settings.capture_without, columns)
        self._hashed = list({*personal.columns(contract.Row), *_column_names(settings.capture_hashed, columns)})
        self._queue: queue.SimpleQueue[ScoredRequest | None] = queue.SimpleQueue()
        try:
            folder.mkdir(0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise FactoryError(f"{folder}: cannot capture requests there: {error.strerror}") from error
        self.refusals, self._retention = Refusals(), Retention(folder, settings.capture_days)
        self._lock, self._queued_rows, self._queued_bytes = threading.Lock(), 0, 0
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    def put(self, scored: ScoredRequest) -> None:
        """Queue the request, or count it as lost if the disk does not keep up; returns at once."""
        if self._queued_rows > MAX_QUEUED_FILES * self._settings.capture_rows or self._queued_bytes > MAX_QUEUED_BYTES:
            self._telemetry.lost.labels("behind").inc(scored.height)
        else:
            self._count_queued(scored.height, scored.size)
            self._queue.put(scored)

    def close(self, seconds: float = 20) -> None:
        """Write what is queued, and stop."""
        self._queue.put(None)
        self._thread.join(seconds)

    def _count_queued(self, rows: int, size: int) -> None:
        with self._lock:
            self._queued_rows += rows
            self._queued_bytes += size

    def _run(self) -> None:
        _make_private(self._folder)
        self._delete_old()
        for batch in self._batches():
            self._delete_old()  # first, since that makes room on a full disk
            self._write_refusals()
            if not batch:
                continue
            height = sum(scored.height for scored in batch)
            reason = "error"
            try:
                table = redacted(to_table(batch, self._shadow), self._without, self._hashed)
                reason = "disk"
                self._write(table)
                self._telemetry.captured.inc(height)
            except Exception as error:  # noqa: BLE001  one failure must not end the capture
                self._telemetry.lost.labels(reason).inc(height)
                log.error("%d rows lost instead of captured: %s", height, error)
            self._count_queued(-height, -sum(scored.size for scored in batch))
        self._write_refusals()

    def _write_refusals(self) -> None:
        if self.refusals:
            try:
                self.refusals.write(self._new_file(SUFFIX))
            except OSError as error:
                log.error("refused rows are not counted yet: %s", error)

    def _delete_old(self) -> None:
        try:
            self._retention.enforce()
        except Exception as error:  # noqa: BLE001  as above
            log.error("no captures are deleted: %s: %s", type(error).__name__, error)

    def _batches(self) -> Iterator[list[ScoredRequest]]:
        """The requests for one file: until it has enough rows, or its time is up, then perhaps none."""
        batch: list[ScoredRequest] = []
        rows, size, due = 0, 0, time.monotonic() + self._settings.capture_seconds
        while True:
            with suppress(queue.Empty):
                scored = self._queue.get(timeout=max(0, due - time.monotonic()))
                if scored is None:
                    break
                batch.append(scored)
                rows, size = rows + scored.height, size + scored.size
            full = rows >= self._settings.capture_rows or size > MAX_QUEUED_BYTES // 4
            if full or time.monotonic() >= due:
                yield batch
                batch, rows, size, due = [], 0, 0, time.monotonic() + self._settings.capture_seconds
        if batch:
            yield batch

    def _new_file(self, suffix: str) -> Path:
        """The path of a new file in the day's folder."""
        now = datetime.now(UTC)
        day = self._folder / f"{now:%Y-%m-%d}"
        self._retention.use(day.name)
        for folder in (self._folder, day):
            folder.mkdir(0o700, parents=True, exist_ok=True)
        return day / f"{now:%H%M%S.%f}-{HOST}-{os.getpid()}{suffix}"

    def _write(self, table: pl.DataFrame) -> None:
        with tables.private(self._new_file(".parquet")) as file, tables.writing(file):
            table.write_parquet(file)


def to_table(batch: list[ScoredRequest], shadow: Shadow) -> pl.DataFrame:
    """One row for each scored row, and another with the score of the shadow model, if there is one."""
    return pl.concat([table for rows, requests in _groups(batch) for table in _tables(rows, requests, shadow)])


def redacted(table: pl.DataFrame, without: list[str], hashed: list[str]) -> pl.DataFrame:
    """The table without some columns, and with the sha256 of others; then without explanations, which would give them away."""
    if without or hashed:
        table = table.with_columns(_explanation=pl.lit(None, pl.String))
    return table.with_columns(map(personal.hashed, hashed)).drop(without)


def _groups(batch: list[ScoredRequest]) -> Iterator[tuple[pl.DataFrame, list[ScoredRequest]]]:
    """Rows that one model scored, and their requests."""
    alike: dict[Any, list[tuple[ScoredRequest, Rows]]] = {}
    for request in batch:
        rows = unpacked(request.rows)
        columns = tuple(rows.schema.items()) if isinstance(rows, pl.DataFrame) else None
        alike.setdefault((request.model, columns), []).append((request, rows))
    for pairs in alike.values():
        starts = accumulate((request.height for request, _ in pairs), initial=0)
        for _, chunk in groupby(zip(starts, pairs, strict=False), key=lambda each: each[0] // ROWS_PER_TABLE):
            requests, parts = zip(*(pair for _, pair in chunk), strict=True)
            yield table_of(_joined(parts)), list(requests)


def _joined(parts: Sequence[Any]) -> Rows:
    return pl.concat(parts) if isinstance(parts[0], pl.DataFrame) else [row for rows in parts for row in rows]


def _tables(rows: pl.DataFrame, requests: list[ScoredRequest], shadow: Shadow) -> Iterator[pl.DataFrame]:
    heights = [request.height for request in requests]
    context = pl.DataFrame(
        {
            "_at": [datetime.fromtimestamp(request.at, UTC) for request in requests],
            "_request": [request.request for request in requests],
            "_client_request": pl.Series([request.client_request or None for request in requests], dtype=pl.String),
            "_caller": [request.caller for request in requests],
            "_role": [request.role for request in requests],
            "_model": [request.model.version for request in requests],
        }
    )[np.repeat(np.arange(len(requests)), heights)]
    explanations = [text for each in requests for text in each.explanations or repeat(None, each.height)]
    context = context.with_columns(
        _row=np.concatenate(list(map(np.arange, heights))).astype(np.uint32),
        _explanation=pl.Series(explanations, dtype=pl.String),
    )
    yield _with_scores(rows, context, np.concatenate([request.scores for request in requests]), requests[0].model)
    try:
        shadowed = shadow(rows)
    except Exception as error:  # noqa: BLE001  the response is captured all the same
        log.error("the shadow model failed: %s: %s", type(error).__name__, error)
        return
    if shadowed:
        model, scores = shadowed
        context = context.with_columns(
            _role=pl.lit("shadow"), _model=pl.lit(model.version), _explanation=pl.lit(None, pl.String)
        )
        yield _with_scores(rows, context, scores, model)


def _with_scores(
    rows: pl.DataFrame, context: pl.DataFrame, scores: NDArray[np.float64], model: LoadedModel
) -> pl.DataFrame:
    columns = {f"_{column.name}": column for column in predictions.to_columns(scores, model.manifest, rows)}
    columns.setdefault("_decision", pl.repeat(None, rows.height, dtype=pl.Boolean, eager=True))
    return rows.hstack(context).with_columns(**columns)


def _column_names(setting: str, columns: list[str]) -> list[str]:
    names = [name.strip() for name in setting.split(",") if name.strip()]
    for name in names:
        if name not in columns:
            raise FactoryError(
                f"{name}: not a column of the contract: correct FACTORY_CAPTURE_WITHOUT or FACTORY_CAPTURE_HASHED"
            )
    return names


def _make_private(folder: Path) -> None:
    """Take from others the right to read what older releases or copies left open; the folder, too, if it has nothing else."""
    days = list(folder.glob(DAYS))
    whole = [folder] if set(folder.glob("[!.]*")) <= set(days) else []
    for path in (*whole, *days, *folder.glob(f"{DAYS}/*.parquet")):
        with suppress(OSError):  # of another user
            if path.stat().st_mode & 0o077:
                path.chmod(path.stat().st_mode & 0o700)
