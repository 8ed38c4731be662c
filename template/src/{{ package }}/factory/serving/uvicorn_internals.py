"""uvicorn's protocol and server with what they lack: limits on headers, unread responses and connections, and draining.

The private interfaces of uvicorn that are used are all here: classes, callbacks and attributes of its protocol and its
server, which may change in any minor release, hence the upper bound in pyproject.toml.
"""

import asyncio
import json
import os
import signal
import socket
from collections import deque
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .settings import Settings

HEADER_BYTES = 65_536
BODY = json.dumps({"error": "too many connections", "problems": []}).encode()
TOO_MANY_CONNECTIONS = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


class Connection(HttpToolsProtocol):
    """Closes a connection whose headers do not end or whose response is not read; rejects those beyond the limit."""

    settings: Settings
    _read_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _unparsed_bytes = 0  # since the last complete header or part of a body
    _progress = False
    _receiving = False

    def connection_made(self, transport: Any) -> None:
        """Limit the time for the first request's headers."""
        super().connection_made(transport)
        self._cycles: deque[RequestResponseCycle] = deque()
        if len(self.connections) > self.settings.connections:
            transport.write(TOO_MANY_CONNECTIONS)
            transport.close()
        else:
            self._read_timer = self.loop.call_later(self.settings.header_seconds, transport.close)

    def on_message_begin(self) -> None:
        """Limit the time for the headers of each further request."""
        super().on_message_begin()
        self._receiving = True
        self._stop_read_timer()
        self._read_timer = self.loop.call_later(self.settings.header_seconds, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Close a connection whose headers or trailers do not end."""
        self._progress = False
        super().data_received(data)
        self._unparsed_bytes = 0 if self._progress else self._unparsed_bytes + len(data)
        if self._unparsed_bytes > HEADER_BYTES:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """From here on the time limit of LimitsMiddleware applies."""
        self._stop_read_timer()
        self._progress = True
        super().on_headers_complete()
        self._cycles.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """Bytes of a body do not count as headers."""
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has been received."""
        self._receiving = False
        self._stop_read_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next request's turn; the rest of a body that nobody waits for has its time limit, too."""
        self._cycles.popleft()
        super().on_response_complete()
        if self._receiving:
            self._stop_read_timer()
            self._read_timer = self.loop.call_later(self.settings.seconds, self.transport.abort)

    def pause_writing(self) -> None:
        """Limit the time during which the client reads nothing."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.settings.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._stop_write_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify all requests that the client has gone; uvicorn notifies only the last one."""
        for cycle in self._cycles:
            cycle.disconnected = True
        self._stop_read_timer()
        self._stop_write_timer()
        super().connection_lost(exc)

    def _stop_read_timer(self) -> None:
        if self._read_timer:
            self._read_timer.cancel()

    def _stop_write_timer(self) -> None:
        if self._write_timer:
            self._write_timer.cancel()


class Server(uvicorn.Server):
    """Goes on serving for some seconds after SIGTERM, not ready, and closes each connection after its response."""

    _closing: frozenset[Any] | set[Any] = frozenset()

    @property
    def service(self) -> Any:
        """The service of the application."""
        return self.config.app.state.service  # type: ignore[union-attr]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain, then stop; a second signal, or Ctrl-C, stops at once."""
        if self.service.draining or sig == signal.SIGINT:
            super().handle_exit(sig, frame)
            return
        self.service.draining = True
        asyncio.get_running_loop().call_later(self.service.settings.drain, super().handle_exit, sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Abort connections that were to close a while ago, but whose last response is not read."""
        if counter % max(1, int(10 * self.service.settings.seconds)) == 0:
            for connection in self._closing & self.server_state.connections:
                connection.transport.abort()
            self._closing = {each for each in self.server_state.connections if each.transport.is_closing()}
        return await super().on_tick(counter)

    async def shutdown(self, sockets: Any = None) -> None:
        """Stop listening, and give accepted connections a moment to send their requests."""
        for server in self.servers:
            listeners = [socket.socket(fileno=os.dup(each.fileno())) for each in server.sockets]
            server.close()
            for listener in listeners:
                await self._accept_backlog(listener)
        await asyncio.sleep(min(0.5, self.service.settings.drain))
        await super().shutdown(sockets)

    async def _accept_backlog(self, listener: socket.socket) -> None:
        """Accept the connections in the backlog, which would be reset otherwise."""
        accepted = []
        with listener, suppress(BlockingIOError):
            listener.setblocking(False)
            while True:
                accepted.append(listener.accept()[0])
        for connection in accepted:
            protocol = partial(  # type: ignore[call-arg]
                self.config.http_protocol_class, self.config, self.server_state, self.lifespan.state
            )
            await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)
