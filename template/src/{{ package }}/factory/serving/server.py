"""The server of `factory serve`: the application in uvicorn, with the limits of the settings."""

import logging
import resource
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from .app import create_app
from .connection_internals import Connection, connect
from .settings import Settings
from .uvicorn_internals import Server

FILES = 40  # that the process opens beside its connections
log = logging.getLogger("uvicorn.error")


def serve(settings: Settings, folder: Path, host: str, port: int) -> None:
    """Serve the model in the folder until SIGTERM."""
    create_server(settings, folder, host, port).run()


def create_server(settings: Settings, folder: Path, host: str, port: int) -> Server:
    """A server of the model in the folder, not yet running. Raises FactoryError."""
    settings.check_host(host)
    app = create_app(settings, folder)
    connections: dict[str, Any] = {"waiting": {}, "receiving": {}, "max_connections": max_connections(settings)}
    kind = type("Connection", (Connection,), {**connections, "settings": settings, "service": app.state.service})
    config = uvicorn.Config(
        app,
        host,
        port,
        http=partial(connect, kind),  # type: ignore[arg-type]
        ws="none",
        loop="uvloop",
        lifespan="on",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.seconds) + 1,
    )
    return Server(config)


def max_connections(settings: Settings) -> int:
    """As many as the settings want and the limit on open files allows, which is raised where that is possible."""
    wanted = settings.connections + FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("FACTORY_CONNECTIONS: %d, since the process may open only %d files", allowed - FILES, allowed)
    return max(1, allowed - FILES)
