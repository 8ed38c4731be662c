"""uvicorn, with what it lacks: limits of connections, and an end that drops nothing."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from .application import create
from .connection import Connection
from .settings import Settings


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
