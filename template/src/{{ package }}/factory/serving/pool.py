"""The worker processes of one model: started before they are needed, killed at the deadline, replaced when they end."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

from ..errors import ArtifactError
from ..tables.chunks import processors
from .messages import Bytes, Message
from .metrics import Telemetry
from .model_copy import ModelCopy
from .settings import Settings
from .turns import Place, Turns
from .worker_process import Died, Worker

FIRST_PAUSE = 0.1  # seconds before the next start after a death, doubled with each one in a row
LONGEST_PAUSE = {False: 30.0, True: 1.0}  # of a worker that had been ready: it is a request's fault, and others wait
MIN_LOAD_SECONDS = 60.0  # that a model may take to load; otherwise ten times as long as a request
IDLE_SECONDS = 60.0  # after which workers that are not needed are ended
ENDS = {"died": "died", "deadline": "was killed at the deadline", "memory": "had no memory left"}
log = logging.getLogger("uvicorn.error")


class Busy(Exception):
    """No worker was free in time."""

    def __str__(self) -> str:
        return "all workers are busy"


class Failed(Exception):
    """The model raised an exception, whose traceback this is."""


class Pool:
    """Workers with one model: one more than have work, as long as that is at most `size`."""

    def __init__(
        self, role: str, load: list[Bytes], files: ModelCopy | None, settings: Settings, telemetry: Telemetry
    ) -> None:
        """`load` is the first message to each worker; the files that it names are deleted at the end."""
        self._role, self._load, self._files, self._telemetry = role, load, files, telemetry
        self._size = settings.workers or processors() + 1
        self._load_seconds = max(MIN_LOAD_SECONDS, 10 * settings.seconds)
        self._least = 1
        self._workers: set[Worker] = set()
        self._turns = Turns[Worker](self._size)
        self._facts: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._start: asyncio.Task[None] | None = None
        self._reports: set[asyncio.Task[None]] = set()
        self._requests, self._pause, self._last_request = 0, 0.0, 0.0
        self._closing = self._ended_all = False

    async def facts(self) -> dict[str, Any]:
        """What the first worker says of the model, once it is ready. Raises ArtifactError."""
        self._start_if_needed()
        return await self._facts

    async def ask(self, caller: str, message: list[Bytes], patience: float) -> Message:
        """A worker's answer, or that of another one if the first dies, which begins within so many seconds.

        Raises Busy, Died and Failed.
        """
        until = time.monotonic() + patience
        self._requests += 1
        try:
            try:
                answer = await self._ask(Place(caller), message, until)
            except Died:
                answer = await self._ask(Place(caller, again=True), message, until)
        finally:
            self._requests -= 1
            self._last_request = time.monotonic()
            self._end_if_closing()
        self._turns.trust(caller)
        self._pause = 0
        if "failed" in answer[0]:
            raise Failed(answer[0]["failed"])
        return answer

    def states(self) -> dict[str, int]:
        """How many workers are ready, busy and being started."""
        ready, loaded = len(self._turns.free), sum(worker.loaded for worker in self._workers)
        return {"ready": ready, "busy": loaded - ready, "restarting": int(self._starting)}

    def trim(self) -> None:
        """End workers that were not needed for a while, but neither the last one nor the spare of one that is in use."""
        now = time.monotonic()
        kept = self._least if now - self._last_request > IDLE_SECONDS else 2
        while len(self._turns.free) > kept and now - self._turns.free[0].last_used > IDLE_SECONDS:
            self._turns.free[0].kill("idle")

    def close(self) -> None:
        """End all workers, once the requests that are under way have been answered."""
        self._closing = True
        self._end_if_closing()

    async def _ask(self, place: Place, message: list[Bytes], until: float) -> Message:
        if self._ended_all:
            raise Died
        turn = self._turns.join(place)
        self._start_if_needed()
        try:
            if not turn.done():
                await asyncio.wait([turn], timeout=until - time.monotonic())
            if not turn.done():
                raise Busy
            answer = await turn.result().ask(message)
            if answer[0].get("out_of_memory"):  # or the next request would find none either
                turn.result().kill("memory")
            return answer
        finally:
            if turn.done() and turn.result().end_reason in ("died", "deadline", "memory"):
                self._turns.suspect(place.caller)
            held = self._turns.leave(place, turn)
            if held and not held.ended:
                self._turns.put(held)

    @property
    def _starting(self) -> bool:
        return self._start is not None and not self._start.done()

    def _lacks(self) -> bool:
        few = not self._turns.free or len(self._workers) < self._least
        return (self._turns.waiting or (few and not self._closing)) and len(self._workers) < self._size

    def _start_if_needed(self) -> None:
        if self._lacks() and not self._starting:
            self._start = asyncio.create_task(self._start_workers())

    async def _start_workers(self) -> None:
        """Start workers one after another, so that those at work are left some of the processors."""
        while self._lacks():
            await asyncio.sleep(self._pause)
            try:
                worker = Worker(self._ended)
            except OSError as error:  # too many files or processes
                log.error("%s: cannot start a worker: %s", self._role, error.strerror)
                self._wait_longer(LONGEST_PAUSE[False])
                continue
            self._workers.add(worker)
            with suppress(Died):
                self._take(worker, await self._facts_of(worker))

    async def _facts_of(self, worker: Worker) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._load_seconds):
                facts, _ = await worker.ask(self._load)
        except TimeoutError:
            return {"refused": f"loading took longer than {self._load_seconds:g} seconds"}
        return facts

    def _wait_longer(self, longest: float) -> None:
        """Before the next start."""
        self._pause = min(max(FIRST_PAUSE, 2 * self._pause), longest)

    def _take(self, worker: Worker, facts: dict[str, Any]) -> None:
        """Let the worker work if it has loaded the same model as the others."""
        if "refused" in facts and not self._facts.done():
            self._facts.set_exception(ArtifactError(facts["refused"]))
            self.close()
            return
        if not self._facts.done():
            self._facts.set_result(facts)
            self._least = 1 if facts["compiled"] else 2  # or the first request would take the last one
        if all(facts.get(name) == self._facts.result()[name] for name in ("manifest", "compiled")):
            worker.loaded = True
            self._turns.put(worker)
        else:
            reason = facts.get("refused", "files of the model or of the project have changed")
            log.error("%s: a worker could not load the model again: %s", self._role, reason)
            worker.kill("refused")

    def _ended(self, worker: Worker) -> None:
        self._workers.discard(worker)
        if worker in self._turns.free:
            self._turns.free.remove(worker)
        if worker.end_reason in ("died", "refused") or not worker.loaded:
            self._wait_longer(LONGEST_PAUSE[worker.loaded])
        report = asyncio.create_task(self._report(worker))
        self._reports.add(report)
        report.add_done_callback(self._reports.discard)
        self._start_if_needed()

    async def _report(self, worker: Worker) -> None:
        status = await worker.exit_status()
        if worker.end_reason in ENDS:
            when = "" if worker.loaded else " while it loaded the model"
            log.warning("%s: a worker %s%s: %s", self._role, ENDS[worker.end_reason], when, status)
        if worker.end_reason not in ("idle", "closed"):
            self._telemetry.restarts.labels(self._role, worker.end_reason).inc()

    def _end_if_closing(self) -> None:
        if self._closing and not self._requests:
            if self._start:
                self._start.cancel()
            for worker in list(self._workers):
                worker.kill("closed")
            self._ended_all = True
            self._facts.cancel()
            if self._files:
                self._files.delete()
