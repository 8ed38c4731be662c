"""uvicorn's connection, with limits on headers, on answers that are not read, and on the number of connections."""

import asyncio
import json
import os
import signal
import socket
from collections import deque
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .app import create
from .settings import Settings

BUSY = json.dumps({"error": "too many connections", "problems": []}).encode()
SENT_AWAY = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(BUSY), BUSY)
)
HEADER = 65_536  # bytes of a header


class Connection(HttpToolsProtocol):
    """Ends a connection whose header does not end or whose answer is not read, and sends away those that are too many."""

    settings: Settings
    _due: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _waiting = 0
    _moved = False
    _open = False

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(transport)
        self._cycles: deque[RequestResponseCycle] = deque()
        if len(self.connections) > self.settings.connections:
            transport.write(SENT_AWAY)
            transport.close()
        else:
            self._due = self.loop.call_later(self.settings.header_seconds, transport.close)

    def on_message_begin(self) -> None:
        """Start the clock for a further request."""
        super().on_message_begin()
        self._open = True
        self._stop_clock()
        self._due = self.loop.call_later(self.settings.header_seconds, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """End a connection whose header, or trailer, does not end."""
        self._moved = False
        super().data_received(data)
        self._waiting = 0 if self._moved else self._waiting + len(data)
        if self._waiting > HEADER:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """Stop the clock: from here the guard's limit holds."""
        self._stop_clock()
        self._moved = True
        super().on_headers_complete()
        self._cycles.append(self.cycle)

    def on_response_complete(self) -> None:
        """It is the turn of the next request; a body that nobody waits for has to end in its time, too."""
        self._cycles.popleft()
        super().on_response_complete()
        if self._open:
            self._stop_clock()
            self._due = self.loop.call_later(self.settings.seconds, self.transport.abort)

    def on_message_complete(self) -> None:
        """Stop the clock."""
        self._open = False
        self._stop_clock()
        super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        """There is no header to wait for."""
        self._moved = True
        super().on_body(body)

    def pause_writing(self) -> None:
        """Start a clock, as the answer is not being read."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.settings.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop it."""
        super().resume_writing()
        if self._unread:
            self._unread.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks, and tell all requests that nobody listens: uvicorn tells the last."""
        for cycle in self._cycles:
            cycle.disconnected = True
        self._stop_clock()
        if self._unread:
            self._unread.cancel()
        super().connection_lost(exc)

    def _stop_clock(self) -> None:
        if self._due:
            self._due.cancel()


class Server(uvicorn.Server):
    """Serves on for some seconds after SIGTERM, not ready and ending each connection with its answer."""

    _ending: frozenset[Any] | set[Any] = frozenset()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain, then end; a second signal, or Ctrl-C, ends at once."""
        state = self.config.app.state.service  # type: ignore[union-attr]
        if state.draining or sig == signal.SIGINT:
            super().handle_exit(sig, frame)
            return
        state.draining = True
        asyncio.get_running_loop().call_later(state.settings.drain, super().handle_exit, sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Give up the connections that were to end a while ago, and of which the last answer is not read."""
        if counter % max(1, int(10 * self.config.app.state.service.settings.seconds)) == 0:  # type: ignore[union-attr]
            for connection in self._ending & self.server_state.connections:
                connection.transport.abort()
            self._ending = {each for each in self.server_state.connections if each.transport.is_closing()}
        return await super().on_tick(counter)

    async def shutdown(self, sockets: Any = None) -> None:
        """Stop listening, and give those who were let in a moment to say what they want."""
        for server in self.servers:
            waiting = [socket.socket(fileno=os.dup(each.fileno())) for each in server.sockets]
            server.close()
            for listening in waiting:
                await self._let_in(listening)
        await asyncio.sleep(min(0.5, self.config.app.state.service.settings.drain))  # type: ignore[union-attr]
        await super().shutdown(sockets)

    async def _let_in(self, listening: socket.socket) -> None:
        """Take the connections that are made and not yet accepted: the end of listening would reset them."""
        made = []
        with listening, suppress(BlockingIOError):
            listening.setblocking(False)
            while True:
                made.append(listening.accept()[0])
        for connection in made:
            protocol = partial(  # type: ignore[call-arg]
                self.config.http_protocol_class, self.config, self.server_state, self.lifespan.state
            )
            await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)


def serve(settings: Settings, folder: Path, host: str, port: int) -> None:
    """Serve the model in the folder until SIGTERM."""
    make(settings, folder, host, port).run()


def make(settings: Settings, folder: Path, host: str, port: int) -> Server:
    """A server of the model in the folder, still to be run."""
    config = uvicorn.Config(
        create(settings, folder),
        host,
        port,
        http=type("Connection", (Connection,), {"settings": settings}),
        ws="none",
        loop="uvloop",
        lifespan="on",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.seconds) + 1,
    )
    return Server(config)
