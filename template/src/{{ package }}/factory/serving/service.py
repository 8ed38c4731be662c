"""What the routes share: models, limits, metrics, request log, and the one way from a request to its reply."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .. import signatures
from ..errors import ContractViolation
from ..scoring import predictions
from . import model_copy
from .access_log import AccessLog
from .auth import SHADOW, Callers
from .metrics import Telemetry
from .middleware import RequestContext
from .model_slot import LoadedModel, ModelSlot
from .packing import from_stream, stream_of
from .request_log import RequestLog, ScoredRequest
from .responses import ARROW, Reply, Request
from .settings import Settings
from .tls import Certificate


class NotReady(Exception):
    """No model is in service."""


class Service:
    """The service of a champion and, if there is one, a challenger."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.telemetry = settings, Telemetry()
        self.callers = Callers(settings)
        if settings.signers:
            signatures.read(settings.signers)  # stops the start if it cannot: no model would ever be served
        self.champion = ModelSlot(folder, "champion", settings, self.telemetry)
        challenger = settings.challenger
        self.challenger = ModelSlot(challenger, "challenger", settings, self.telemetry) if challenger else None
        self.request_log = (
            RequestLog(settings, settings.capture, self.telemetry, self._shadow) if settings.capture else None
        )
        self.certificate = (
            Certificate(settings.cert, settings.cert_key) if settings.cert and settings.cert_key else None
        )
        self.access_log = AccessLog(self.telemetry) if settings.access_log else None
        self.draining = False

    @property
    def slots(self) -> list[ModelSlot]:
        """Of the champion, and of the challenger if there is one."""
        return [slot for slot in (self.champion, self.challenger) if slot]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """At the end, write what is to be captured, and end all workers."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(model_copy.delete_abandoned)
        try:
            yield
            if self.request_log:
                await asyncio.to_thread(self.request_log.close)
        finally:
            for slot in self.slots:
                slot.close()

    def ready_champion(self) -> LoadedModel:
        """The champion, if it would answer now. Raises NotReady."""
        model = self.champion.current
        if self.draining or model is None:
            raise NotReady("shutting down" if self.draining else "no model is loaded")
        if not model.answers:
            raise NotReady("all workers are being restarted")
        return model

    def count_workers(self) -> None:
        """Bring the metric up to date."""
        for slot in self.slots:
            for state, number in (slot.current.pool.states() if slot.current else {}).items():
                self.telemetry.workers.labels(slot.role, state).set(number)

    async def respond(self, context: RequestContext, request: Request, requested: LoadedModel | None = None) -> Reply:
        """The reply of the requested model, or of the one that serves this caller.

        Raises NotReady, and Busy, Died and Failed of the workers.
        """
        role, model = (self._role(requested), requested) if requested else self._choose(context)
        reply = None
        if role == "challenger" and not requested and self.champion.current:
            try:
                half = self.seconds_left(context) / 2  # the rest is the champion's, where the challenger fails
                async with asyncio.timeout(half):
                    reply = await model.respond(context.turn, request, half)
            except Exception:  # noqa: BLE001  whatever it was
                self.telemetry.failures.inc()
                role, model = "champion", self.champion.current
        if reply is None:
            reply = await model.respond(context.turn, request, self.seconds_left(context))
        self.telemetry.cpu(context.label).inc(reply.cpu_seconds)
        if reply.status == 200:
            self.telemetry.rows(context.label, model.version, role).inc(reply.rows)
            for column, count in reply.unseen.items():
                self.telemetry.unseen.labels(column).inc(count)
        for column, count in reply.refused.items():
            self.telemetry.refused.labels(column).inc(count)
        if reply.refused and self.request_log:
            self.request_log.refusals.add(model.version, role, reply.refused)
        if (captured := reply.captured) and self.request_log:
            who, what = (context.id, context.caller, role, model, reply.rows), (captured.rows, captured.scores)
            more = captured.explanations, context.client_request
            self.request_log.put(ScoredRequest(time.time(), *who, *what, *more))
        return reply

    def seconds_left(self, context: RequestContext) -> float:
        """Until the request is given up."""
        return context.began + self.settings.seconds - time.monotonic()

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

    def _shadow(self, rows: pl.DataFrame) -> tuple[LoadedModel, NDArray[np.float64]] | None:
        """The challenger in the shadow, if there is one, and its scores; called in the thread of the request log."""
        model = self.challenger.current if self.challenger and self.settings.shadow else None
        if model is None:
            return None
        request, seconds = Request(ARROW, [stream_of(rows)], rows.height), self.settings.seconds
        answer = asyncio.wait_for(model.respond(SHADOW, request, seconds), seconds)
        reply = asyncio.run_coroutine_threadsafe(answer, self._loop).result()
        if reply.status != 200:
            raise ContractViolation(bytes(reply.body).decode())
        return model, predictions.from_frame(from_stream(reply.body), model.manifest)
