"""What the routes share: models, limits, telemetry, capture, and the one way from rows to scores."""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from fastapi import Response
from numpy.typing import NDArray

from ... import contract
from ..errors import ContractViolation
from ..validation import rules
from .auth import Callers
from .metrics import Telemetry
from .middleware import Call
from .model_slot import Loaded, Slot
from .parsing import Row
from .request_log import Capture, Scored
from .settings import Settings

SMALL = 20_000  # bytes of a body that is read and scored at once, as handing it to a thread would take longer
SLICE = 32_768  # rows that a thread scores while another scores the next


class Unready(Exception):
    """There is no model to answer with."""


class TooLarge(Exception):
    """A body or its rows are beyond the limits."""


@dataclass(frozen=True)
class Answer:
    """What a model says of the rows of one request, in their order; without an id `ids` is None."""

    loaded: Loaded
    ids: pl.Series | list[Any] | None
    said: NDArray[np.float64]
    seconds: float = 0  # of CPU, in other threads than the one that asked


class Service:
    """One model, or two, that answer."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.telemetry = settings, Telemetry()
        self.callers = Callers(settings.keys, settings.caller_header, settings.callers)
        self.champion = Slot(folder, "champion", self.telemetry)
        self.challenger = Slot(settings.challenger, "challenger", self.telemetry) if settings.challenger else None
        self.capture = Capture(settings, settings.capture, self.telemetry, self._shadow) if settings.capture else None
        self.draining = False
        self._requests = ThreadPoolExecutor(os.cpu_count(), "requests")
        self._slices = ThreadPoolExecutor(os.cpu_count(), "slices")

    def look(self) -> None:
        """Take into service what is new in the models' folders."""
        for slot in filter(None, (self.champion, self.challenger)):
            slot.look()

    async def run(self, size: int, work: Callable[[], Response]) -> Response:
        """What `work` makes of a body of that size, in a thread unless it is small."""
        return work() if size <= SMALL else await asyncio.get_running_loop().run_in_executor(self._requests, work)

    def score(self, call: Call, rows: list[Row] | pl.DataFrame, named: Loaded | None = None) -> Answer:
        """The answer of the model that is the call's, or is named. Raises ContractViolation, TooLarge and Unready."""
        if len(rows) > self.settings.rows:
            raise TooLarge(f"more than {self.settings.rows} rows at once")
        role, loaded = (self._role(named), named) if named else self._choose(call)
        began = time.thread_time()
        try:
            answer = self._answer(loaded, rows)
        except ContractViolation:
            raise
        except Exception:
            if role == "champion" or named or self.champion.current is None:
                raise
            self.telemetry.failures.inc()
            role, loaded = "champion", self.champion.current
            answer = self._answer(loaded, rows)
        self.telemetry.cpu(call.label).inc(time.thread_time() - began + answer.seconds)
        self.telemetry.rows(call.label, loaded.version, role).inc(len(rows))
        if self.capture and len(rows):
            self.capture.put(Scored(time.time(), call.id, call.caller, role, loaded, rows, answer.said))
        return answer

    def _answer(self, loaded: Loaded, rows: list[Row] | pl.DataFrame) -> Answer:
        id = loaded.scorer.manifest["id"]
        if isinstance(rows, list) and len(rows) == 1:
            ids = [rows[0][contract.Row.column_names().index(id)]] if id else None
            return Answer(loaded, ids, loaded.scorer.predict_row(rows[0]))
        table = rules.frame(rows, contract.Row) if isinstance(rows, list) else rows
        starts = range(0, max(table.height, 1), SLICE)
        parts = self._slices.map(lambda start: _scored(loaded, table, start), starts)
        found, said, seconds = zip(*parts, strict=True)
        return Answer(loaded, pl.concat(found) if id else None, np.concatenate(said), sum(seconds))

    def _choose(self, call: Call) -> tuple[str, Loaded]:
        """The role and the model that answers: always the same for the same key, while both serve."""
        challenger = self.challenger and self.challenger.current
        if challenger and int.from_bytes(hashlib.sha256(call.key).digest()[:8]) < self.settings.share * 2**64:
            return "challenger", challenger
        if self.champion.current is None:
            raise Unready("no model is loaded")
        return "champion", self.champion.current

    def _role(self, loaded: Loaded) -> str:
        return "challenger" if self.challenger and loaded is self.challenger.current else "champion"

    def _shadow(self) -> Loaded | None:
        return self.challenger.current if self.challenger and self.settings.shadow else None


def _scored(loaded: Loaded, table: pl.DataFrame, start: int) -> tuple[Any, NDArray[np.float64], float]:
    began = time.thread_time()
    try:
        return *loaded.scorer.predict_with_ids(table[start : start + SLICE]), time.thread_time() - began
    except ContractViolation as error:
        moved = [each if each.row is None else replace(each, row=each.row + start) for each in error.violations]
        raise ContractViolation(moved) from error
