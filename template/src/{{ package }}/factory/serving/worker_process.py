"""A worker as the service sees it: a process behind a socket."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import messages
from .messages import PREFIX, Bytes, Message
from .process import start_process


class Died(Exception):
    """The worker ended before it answered."""

    def __str__(self) -> str:
        return "the process that scored the request ended unexpectedly"


class Worker(asyncio.Protocol):
    """A process that answers one message at a time."""

    def __init__(self, on_end: Callable[["Worker"], object]) -> None:
        """Start the process; `on_end` is called once, when it has ended."""
        self.loaded, self.last_used = False, 0.0
        self.end_reason = ""  # as long as it runs
        self._on_end = on_end
        self._process, self._channel = start_process()
        self._transport: Any = None
        self._received = bytearray()
        self._answer: asyncio.Future[Message] | None = None

    async def ask(self, message: list[Bytes]) -> Message:
        """The answer. Raises Died; where this is cancelled, the process is killed."""
        if not self._transport:
            await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=self._channel)
        if self.ended:
            raise Died
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.writelines(message)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.kill("deadline")
            raise
        finally:
            self.last_used = time.monotonic()

    @property
    def ended(self) -> bool:
        """Whether the process has ended, or is about to."""
        return bool(self.end_reason)

    def kill(self, reason: str) -> None:
        """End the process and all that it has started, unless it has ended for another reason."""
        if self.ended:
            return
        self.end_reason = reason
        with suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._transport:
            self._transport.abort()
        if self._answer and not self._answer.done():
            self._answer.set_exception(Died())
        self._on_end(self)

    async def exit_status(self) -> str:
        """How the process ended."""
        status = await asyncio.to_thread(self._wait)
        return f"exit status {status}" if status >= 0 else f"signal {-status} ({signal.strsignal(-status)})"

    def _wait(self) -> int:
        status = self._process.wait()
        # in a container the service is the parent of all that have lost theirs
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-self._process.pid, 0)
        return status

    def connection_made(self, transport: Any) -> None:
        """asyncio's callback."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """asyncio's callback: a part of the answer."""
        self._received += data
        if len(self._received) < PREFIX.size:
            return
        head, size = PREFIX.unpack_from(self._received)
        if len(self._received) == PREFIX.size + size and self._answer and not self._answer.done():
            content, self._received = memoryview(self._received)[PREFIX.size :], bytearray()
            self._answer.set_result(messages.decode(content, head))

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio's callback: the process has ended."""
        self.kill("died")
