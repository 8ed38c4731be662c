"""The models in service. A new one is loaded beside the current one, verified and warmed up before it takes over."""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ... import contract
from ..errors import ArtifactError, FactoryError
from ..scoring import onnx_sessions
from ..scoring.compiled import Compiled
from ..validation.parsing import cast
from . import messages
from .metrics import Telemetry
from .model_copy import ModelCopy
from .packing import Rows
from .pool import Pool
from .responses import JSON, TENSORS, Ids, Reply, Request, respond
from .settings import Settings

INLINE_ROWS = 16  # which hold the event loop for about a millisecond, as long as handing the request to a worker does
INLINE_BYTES = 20_000
log = logging.getLogger("uvicorn.error")


class Undecided(Exception):
    """Only a worker can score these rows."""


@dataclass
class InlineModel:
    """A model's graphs, which score few rows in the event loop, since that takes less time than asking a worker."""

    manifest: dict[str, Any]
    version: str
    compiled: Compiled

    def score(self, rows: Rows) -> tuple[Ids, NDArray[np.float64]]:
        """As WarmModel does. Raises Undecided and ContractViolation."""
        if not 0 < len(rows) <= INLINE_ROWS:
            raise Undecided
        id, target = self.manifest["id"], self.manifest["target"]
        if isinstance(rows, pl.DataFrame):
            rows = cast(rows.drop(target, strict=False), contract.Row).rows()
        scores = self.compiled.scores(rows)
        if scores is None:
            raise Undecided
        place = contract.Row.column_names().index(id) if id else 0
        return [row[place] for row in rows] if id else None, scores

    def explain(self, rows: Rows) -> list[dict[str, Any]]:
        """Leave it to a worker: it takes as long as scoring a thousand rows. Raises Undecided."""
        raise Undecided

    def forecast(self, rows: Rows, origin: str | None, most: int) -> tuple[pl.DataFrame, NDArray[np.float64]]:
        """Leave it to a worker, as history() is the user's code. Raises Undecided."""
        raise Undecided


@dataclass(eq=False)
class LoadedModel:
    """A model that is ready to serve: what is known of it, its workers, and its graphs if they do without the user's code."""

    manifest: dict[str, Any]
    version: str
    commit: str
    example: dict[str, Any]
    history: list[dict[str, Any]] | None
    outputs: list[dict[str, Any]]
    pool: Pool
    inline: InlineModel | None

    async def respond(self, caller: str, request: Request, seconds: float) -> Reply:
        """The response to a caller who waits so long. Raises Busy, Died and Failed."""
        if self.inline and _is_small(request):
            with suppress(Undecided):
                return respond(self.inline, request, time.thread_time)
        return Reply.decode(*await self.pool.ask(caller, request.encode(), seconds / 2))

    @property
    def answers(self) -> bool:
        """Whether a request would be answered now."""
        workers = self.pool.states()
        return bool(self.inline or workers["ready"] or workers["busy"])

    def description(self) -> dict[str, Any]:
        """What callers may want to know about it."""
        names = ("problem", "target", "id", "threshold", "thresholds", "decision", "classes", "features")
        facts = {name: self.manifest.get(name) for name in names}
        return {"version": self.version, "commit": self.commit, "data": self.manifest["data"]["train"], **facts}


class ModelSlot:
    """One role's model: the one in the folder, or the last one there that could be loaded."""

    def __init__(self, folder: Path, role: str, settings: Settings, telemetry: Telemetry) -> None:
        self.folder, self.role = folder, role
        self.current: LoadedModel | None = None
        self._settings, self._telemetry = settings, telemetry
        self._fingerprint: object = None
        self._loading: asyncio.Task[None] | None = None

    async def reload(self) -> None:
        """Begin to load the model in the folder if it has changed; if that fails, the current one stays."""
        fingerprint = await asyncio.to_thread(_fingerprint, self.folder)
        if fingerprint != self._fingerprint:
            self._fingerprint = fingerprint
            self._stop_loading()
            self._loading = asyncio.create_task(self._load())
        if self.current:
            self.current.pool.trim()

    def close(self) -> None:
        """End all workers."""
        self._stop_loading()
        if self.current:
            self.current.pool.close()

    def _stop_loading(self) -> None:
        if self._loading:
            self._loading.cancel()

    async def _load(self) -> None:
        try:
            model = await self._loaded()
        except Exception as error:  # noqa: BLE001  whatever is wrong with a new model, the current one goes on serving
            self._telemetry.loads.labels(self.role, "refused").inc()
            reason = error if isinstance(error, FactoryError) else f"{type(error).__name__}: {error}"
            version = self.current.version if self.current else "none"
            log.error("%s: new model rejected, %s in service: %s", self.role, version, reason)
            return
        self._telemetry.loads.labels(self.role, "taken").inc()
        previous, self.current = self.current, model
        if previous:
            self._telemetry.model.remove(*_labels(self.role, previous))
            previous.pool.close()
        self._telemetry.model.labels(*_labels(self.role, model)).set(1)
        log.info("%s: %s is in service", self.role, model.version)

    async def _loaded(self) -> LoadedModel:
        """The model in the folder. Raises ArtifactError."""
        copy = await asyncio.to_thread(ModelCopy.of, self.folder)
        folder, signers = (copy.folder if copy else self.folder).absolute(), self._settings.signers
        named = str(signers.absolute()) if signers else None
        load = messages.encode({"folder": str(folder), "signers": named, "memory_mb": self._settings.worker_mb})
        pool = Pool(self.role, load, copy, self._settings, self._telemetry)
        try:
            found, _ = await asyncio.gather(pool.facts(), asyncio.to_thread(_prepare_inline, folder))
            facts = dict(found)
            inline = await asyncio.to_thread(_inline, folder, facts) if facts.pop("compiled") else None
            return LoadedModel(**facts, pool=pool, inline=inline)
        except ArtifactError as error:
            pool.close()
            raise ArtifactError(str(error).replace(str(folder), str(self.folder))) from error
        except BaseException:
            pool.close()
            raise


def _is_small(request: Request) -> bool:
    if request.forecast or request.size > INLINE_BYTES or request.kind not in (JSON, TENSORS):
        return False
    return request.kind == TENSORS or request.content.count(b"{") <= INLINE_ROWS  # so that few bodies are parsed twice


def _prepare_inline(folder: Path) -> None:
    """Import what only such models need, while a worker loads the model."""
    if (folder / "features.onnx").exists():
        onnx_sessions.import_onnxruntime()


def _inline(folder: Path, facts: dict[str, Any]) -> InlineModel:
    """Raises ArtifactError."""
    compiled = Compiled.load(folder, facts["manifest"], contract.Row)
    return InlineModel(facts["manifest"], facts["version"], compiled)


def _fingerprint(folder: Path) -> object:
    """A value that changes when a file in the folder is replaced or rewritten."""
    try:
        files = {path.name: path.stat() for path in folder.iterdir()}
    except OSError:
        return "unreadable"
    return {name: (file.st_ino, file.st_mtime_ns, file.st_size) for name, file in files.items()}


def _labels(role: str, model: LoadedModel) -> tuple[str, ...]:
    return role, model.version, model.commit, model.manifest["data"]["train"]
