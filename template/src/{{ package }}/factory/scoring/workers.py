"""Tables scored on several processors; what comes back is in the order of their rows."""

import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import polars as pl

from ... import contract
from ..errors import CannotEvaluate, ContractViolation, FactoryError
from ..tables.chunks import CHUNK
from ..tables.sources import Source
from ..validation import unseen
from ..validation.parsing import cast
from . import ranked, rejected
from .scorer import Scorer

PAYS = 4.0  # seconds of work from which on processes are faster than threads: each loads polars and the model
PROBE = 5_000  # rows, whose time shows how much work all are
PIECE = 5 * CHUNK  # rows that a process reads by itself
AHEAD = 2  # pieces in memory, of each processor
THREADS = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Answer = Callable[[Scorer, pl.DataFrame], pl.DataFrame]
Result = Callable[[], Sequence["Scored"]]
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Scored:
    """What is written for a chunk, and of its rows those that were rejected, why, and which categories were unseen."""

    table: pl.DataFrame
    rejected: pl.DataFrame | None
    reasons: Counter[str]
    unseen: unseen.Tally


@dataclass(frozen=True)
class Piece:
    """Some rows of a table, read already, which may be packed, or to be read."""

    source: Source
    rows: pl.DataFrame | None = None
    offset: int = 0
    length: int | None = None

    def chunks(self) -> list[pl.DataFrame]:
        """Its rows."""
        if self.rows is not None:
            return [self.rows]
        return list(self.source.batches(contract.Row.columns(), offset=self.offset, length=self.length))

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process: packed, which takes half as long as by default."""
        packed = None if self.rows is None else self.rows.write_ipc_stream(None, compression="lz4").getvalue()
        return _unpacked, (self.source, packed, self.offset, self.length)


def scores(scorer: Scorer, rows: pl.DataFrame) -> pl.DataFrame:
    """What is written where nothing else is asked for. Raises ContractViolation."""
    return scorer.score(rows)


@dataclass(frozen=True)
class Task:
    """How each chunk is answered, and by how many processors; `rejecting` sets rows that violate the contract aside.

    Without the folder of the model all work is done in this process.
    """

    scorer: Scorer
    answer: Answer = scores
    rejecting: bool = False
    jobs: int = 1
    folder: Path | None = None

    def score(self, rows: pl.DataFrame) -> Scored:
        """Raises ContractViolation where rows violate the contract, unless these can be rejected."""
        tally = unseen.Tally(Counter)
        with unseen.counting(tally):
            try:
                return Scored(self._answered(rows), None, Counter(), tally)
            except ContractViolation:
                if not self.rejecting:
                    raise
            division = rejected.divide(rows, self.scorer.manifest["target"])
            return Scored(self._answered(division.valid), division.rejected, division.counts, tally)

    def _answered(self, rows: pl.DataFrame) -> pl.DataFrame:
        answered, manifest = self.answer(self.scorer, rows), self.scorer.manifest
        by = manifest.get("decision", {}).get("by")
        if by is None:
            return answered
        groups = cast(rows.drop(manifest["target"], strict=False), contract.Row)[by]
        return answered.with_columns(groups.cast(pl.String).alias(ranked.GROUP))

    def map(self, rows: Mapping[Source, int]) -> AbstractContextManager[Iterator[tuple[Source, Result]]]:
        """For each piece of the tables, whose numbers of rows these are, a function that gives what was made of it."""
        many = bool(self.jobs > 1 and self.folder and self._seconds(rows) >= PAYS)
        return self.each(_pieces(rows) if many else _chunks(rows), many)

    @contextmanager
    def each(self, pieces: Iterator[Piece], processes: bool) -> Iterator[Iterator[tuple[Source, Result]]]:
        """The same for each of these pieces, in processes if they are worth it, as far as there are several jobs."""
        results = self._each(pieces, processes)
        try:
            yield results
        finally:
            with suppress(ValueError):  # interrupted while a thread of polars asks for the next one
                results.close()

    def _each(self, pieces: Iterator[Piece], processes: bool) -> Generator[tuple[Source, Result], None, None]:
        if self.jobs == 1:
            yield from ((piece.source, partial(self.score_piece, piece)) for piece in pieces)
            return
        waiting = deque[tuple[Source, Result]]()
        with self._processes() if processes and self.folder else self._threads() as submit:
            for piece in pieces:
                waiting.append((piece.source, submit(piece)))
                if len(waiting) >= AHEAD * self.jobs:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()

    def score_piece(self, piece: Piece) -> list[Scored]:
        """The same for each chunk of a piece."""
        return [self.score(chunk) for chunk in piece.chunks()]

    def _seconds(self, rows: Mapping[Source, int]) -> float:
        """How long all of it takes, by the first rows."""
        seconds = 0.0
        for source in [source for source, height in rows.items() if height][:1]:
            first = next(source.batches(contract.Row.columns(), checked=True, length=PROBE))
            start = time.perf_counter()
            with suppress(ContractViolation):  # found again, and reported then
                self.score(first)
            seconds = (time.perf_counter() - start) / first.height * sum(rows.values())
        return seconds

    @contextmanager
    def _threads(self) -> Iterator[Callable[[Piece], Result]]:
        with ThreadPoolExecutor(self.jobs) as pool:
            yield lambda piece: pool.submit(self.score_piece, piece).result

    @contextmanager
    def _processes(self) -> Iterator[Callable[[Piece], Result]]:
        """Processes of one thread each: two of them use two processors fully, which threads of one process do not."""
        first = (self.folder, self.scorer.manifest, self.answer, self.rejecting)
        start: Callable[..., None] = _start
        with (
            _one_thread(),
            _held_back(ProcessPoolExecutor, self.jobs, get_context("spawn"), initializer=start, initargs=first) as pool,
        ):
            try:
                yield lambda piece: partial(self._result, _held_back(pool.submit, _score, piece), piece)
            finally:
                pool.shutdown(cancel_futures=True)

    def _result(self, future: Future[list[Scored] | None], piece: Piece) -> list[Scored]:
        try:
            scored = future.result()
        except BrokenProcessPool as error:
            raise CannotEvaluate(
                "WORKER_KILLED",
                "a process that scored was killed, mostly because memory ran out: "
                f"use fewer than {self.jobs} by --jobs, or a machine with more memory",
            ) from error
        return self.score_piece(piece) if scored is None else scored


def _held_back(start: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """What starts processes, which keep the mask of this thread: Ctrl-C and a closed terminal are the parent's business."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        return start(*args, **options)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _chunks(rows: Mapping[Source, int]) -> Iterator[Piece]:
    """The tables chunk by chunk."""
    columns = contract.Row.columns()
    return (Piece(source, chunk) for source in rows for chunk in source.batches(columns))


def _pieces(rows: Mapping[Source, int]) -> Iterator[Piece]:
    """The tables in pieces that processes read by themselves, except where only all of a large table can be read."""
    for source, height in rows.items():
        if source.is_sliceable or height <= PIECE:
            yield from (Piece(source, None, offset, PIECE) for offset in range(0, max(height, 1), PIECE))
        else:
            yield from _chunks({source: height})


def _unpacked(source: Source, packed: bytes | None, offset: int, length: int | None) -> Piece:
    return Piece(source, None if packed is None else pl.read_ipc_stream(BytesIO(packed)), offset, length)


_tasks: list[Task] = []
"""Of a worker process: what it does."""


def _start(folder: Path, manifest: dict[str, Any], answer: Answer, rejecting: bool) -> None:
    """Get ready in a new process; it ends with its parent, also where that is killed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(FactoryError):  # the parent has loaded it
        scorer = Scorer.load(folder)
        if scorer.manifest == manifest:
            _tasks.append(Task(scorer, answer, rejecting))


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _score(piece: Piece) -> list[Scored] | None:
    """What is made of a piece in a worker process; None for the parent to see for itself what is wrong."""
    try:
        return _tasks[0].score_piece(piece)
    except Exception:  # noqa: BLE001  not all can be handed over; raised by the parent
        return None


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes that start meanwhile have one thread for each library."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
