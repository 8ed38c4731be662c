"""What the routes share: models, limits, metrics, request log, and the one way from rows to scores."""

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
from .access_log import AccessLog
from .auth import Callers
from .metrics import Telemetry
from .middleware import RequestContext
from .model_slot import LoadedModel, ModelSlot
from .parsing import Row
from .request_log import RequestLog, ScoredRequest
from .settings import Settings

INLINE_BYTES = 20_000  # of a body that is scored in the event loop, since passing it to a thread would take longer
CHUNK = 32_768  # rows that a thread scores at a time


class NotReady(Exception):
    """No model is in service."""


class TooLarge(Exception):
    """The body or the number of rows exceeds a limit."""


@dataclass(frozen=True)
class Answer:
    """A model's scores of one request, in the order of its rows; `ids` is None where the data have no id."""

    model: LoadedModel
    ids: pl.Series | list[Any] | None
    scores: NDArray[np.float64]
    cpu_seconds: float = 0  # of worker threads


class Service:
    """The service of a champion and, if there is one, a challenger."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.telemetry = settings, Telemetry()
        self.callers = Callers(settings)
        self.champion = self._slot(folder, "champion")
        self.challenger = self._slot(settings.challenger, "challenger") if settings.challenger else None
        self.request_log = (
            RequestLog(settings, settings.capture, self.telemetry, self._shadow) if settings.capture else None
        )
        self.access_log = AccessLog(self.telemetry) if settings.access_log else None
        self.draining = False
        self._request_threads = ThreadPoolExecutor(os.cpu_count(), "requests")
        self._chunk_threads = ThreadPoolExecutor(os.cpu_count(), "chunks")

    def _slot(self, folder: Path, role: str) -> ModelSlot:
        return ModelSlot(folder, role, self.telemetry, self.settings.signers)

    def reload(self) -> None:
        """Load the models that have changed in their folders."""
        for slot in filter(None, (self.champion, self.challenger)):
            slot.reload()

    async def run(self, size: int, work: Callable[[], Response]) -> Response:
        """Run `work` on a body of that size, in a thread unless it is small."""
        if size <= INLINE_BYTES:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._request_threads, work)

    def score(
        self, context: RequestContext, rows: list[Row] | pl.DataFrame, requested: LoadedModel | None = None
    ) -> Answer:
        """The scores of the requested model, or of the one that serves this caller.

        Raises ContractViolation, TooLarge and NotReady.
        """
        if len(rows) > self.settings.rows:
            raise TooLarge(f"more than {self.settings.rows:,} rows")
        role, model = (self._role(requested), requested) if requested else self._choose(context)
        began = time.thread_time()
        try:
            answer = self._answer(model, rows)
        except ContractViolation:
            raise
        except Exception:
            if role == "champion" or requested or self.champion.current is None:
                raise
            self.telemetry.failures.inc()
            role, model = "champion", self.champion.current
            answer = self._answer(model, rows)
        self.telemetry.cpu(context.label).inc(time.thread_time() - began + answer.cpu_seconds)
        self.telemetry.rows(context.label, model.version, role).inc(len(rows))
        if self.request_log and len(rows):
            scored = ScoredRequest(
                time.time(), context.id, context.caller, role, model, rows, answer.scores, context.client_request
            )
            self.request_log.put(scored)
        return answer

    def _answer(self, model: LoadedModel, rows: list[Row] | pl.DataFrame) -> Answer:
        id = model.scorer.manifest["id"]
        if isinstance(rows, list) and len(rows) == 1:
            row_ids = [rows[0][contract.Row.column_names().index(id)]] if id else None
            return Answer(model, row_ids, model.scorer.predict_row(rows[0]))
        table = rules.frame(rows, contract.Row) if isinstance(rows, list) else rows
        starts = range(0, max(table.height, 1), CHUNK)
        ids, scores, seconds = zip(
            *self._chunk_threads.map(lambda start: _score_chunk(model, table, start), starts), strict=True
        )
        return Answer(model, pl.concat(ids) if id else None, np.concatenate(scores), sum(seconds))

    def _choose(self, context: RequestContext) -> tuple[str, LoadedModel]:
        """The role and the model to use: the same for the same key as long as both are in service."""
        challenger = self.challenger and self.challenger.current
        if challenger and int.from_bytes(hashlib.sha256(context.key).digest()[:8]) < self.settings.share * 2**64:
            return "challenger", challenger
        if self.champion.current is None:
            raise NotReady("no model is loaded")
        return "champion", self.champion.current

    def _role(self, model: LoadedModel) -> str:
        return "challenger" if self.challenger and model is self.challenger.current else "champion"

    def _shadow(self) -> LoadedModel | None:
        return self.challenger.current if self.challenger and self.settings.shadow else None


def _score_chunk(model: LoadedModel, table: pl.DataFrame, start: int) -> tuple[Any, NDArray[np.float64], float]:
    began = time.thread_time()
    try:
        return *model.scorer.predict_with_ids(table[start : start + CHUNK]), time.thread_time() - began
    except ContractViolation as error:
        moved = [each if each.row is None else replace(each, row=each.row + start) for each in error.violations]
        raise ContractViolation(moved) from error
