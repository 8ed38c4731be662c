"""uvicorn's server with what it lacks: draining, and a second port."""

import asyncio
import os
import signal
import socket
import time
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn

from ..errors import FactoryError
from .connection_internals import Connection

FIRST_REQUEST_SECONDS = 2.0  # that clients which have connected before the end have for sending their first request


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
        """Abort connections that were to close a while ago, but whose last response is not read; write the access log."""
        self.service.telemetry.connections.set(len(self.server_state.connections))
        if self.service.access_log:
            self.service.access_log.flush()
        if counter % max(1, int(10 * self.service.settings.seconds)) == 0:
            for connection in self._closing & self.server_state.connections:
                connection.transport.abort()
            self._closing = {each for each in self.server_state.connections if each.transport.is_closing()}
        return await super().on_tick(counter)

    async def startup(self, sockets: Any = None) -> None:
        """Listen on the port for metrics and documentation, too, if they have one. Raises FactoryError."""
        port, admin = self.service.settings.admin_port, []
        if port:
            try:
                admin = [await asyncio.get_running_loop().create_server(self._connection, self.config.host, port)]
            except OSError as error:
                raise FactoryError(f"FACTORY_ADMIN: cannot listen on port {port}: {error.strerror}") from error
        await super().startup(sockets)
        self.servers += admin

    def _log_started_message(self, listeners: Any) -> None:
        if self.service.certificate:
            self.config.ssl = (
                self.service.certificate.context
            )  # uvicorn only names it: each connection shakes hands itself
        super()._log_started_message(listeners)

    def _connection(self) -> Connection:
        protocol: Any = self.config.http_protocol_class
        return protocol(self.config, self.server_state, self.lifespan.state)  # type: ignore[no-any-return]

    async def shutdown(self, sockets: Any = None) -> None:
        """Stop listening, and give accepted connections a moment to send their first request."""
        for server in self.servers:
            listeners = [socket.socket(fileno=os.dup(each.fileno())) for each in server.sockets]
            server.close()
            for listener in listeners:
                await self._accept_backlog(listener)
        await self._wait_for_first_requests(min(FIRST_REQUEST_SECONDS, self.service.settings.drain))
        await super().shutdown(sockets)
        if self.service.access_log:
            await asyncio.to_thread(self.service.access_log.close)

    async def _wait_for_first_requests(self, seconds: float) -> None:
        """Wait for what clients send that have connected and not asked for anything yet, but no longer than that."""
        connections: set[Any] = self.server_state.connections
        end = time.monotonic() + seconds
        while any(each.cycle is None for each in connections) and time.monotonic() < end:
            await asyncio.sleep(0.02)

    async def _accept_backlog(self, listener: socket.socket) -> None:
        """Accept the connections in the backlog, which would be reset otherwise."""
        accepted = []
        with listener, suppress(BlockingIOError):
            listener.setblocking(False)
            while True:
                accepted.append(listener.accept()[0])
        for connection in accepted:
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, connection)
