"""The server of `factory serve`: the application in uvicorn, with the limits of the settings."""

import gc
import logging
import resource
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from ..errors import FactoryError
from ..tables.chunks import processors
from .app import create_app
from .connection_internals import FOR_HEALTH, Connection, connect
from .line_writer import LogHandler
from .metrics import Telemetry
from .settings import Settings
from .uvicorn_internals import Server

FILES = 32  # that the process opens beside its connections and workers
POOLS = 4  # of workers: of champion and challenger, and of the models that take their places
log = logging.getLogger("uvicorn.error")


def serve(settings: Settings, folder: Path, host: str, port: int) -> None:
    """Serve the model in the folder until SIGTERM."""
    server = create_server(settings, folder, host, port)
    gc.freeze()  # what is imported: to look through it takes 90 ms each time
    gc.enable()
    server.run()


def create_server(settings: Settings, folder: Path, host: str, port: int) -> Server:
    """A server of the model in the folder, not yet running. Raises FactoryError."""
    settings.check_host(host)
    if settings.admin_port == port:
        raise FactoryError(f"FACTORY_ADMIN: {port} is the port of the service itself: use another one")
    app = create_app(settings, folder)
    shared: dict[str, Any] = {
        "waiting": {},
        "unread": {},
        "receiving": {},
        "max_connections": max_connections(settings),
    }
    kind = type("Connection", (Connection,), {**shared, "settings": settings, "service": app.state.service})
    config = uvicorn.Config(
        app,
        host,
        port,
        http=partial(connect, kind),  # type: ignore[arg-type]
        ws="none",
        loop="uvloop",
        lifespan="on",
        access_log=False,
        log_config=_log_config(app.state.service.telemetry),
        server_header=False,
        timeout_graceful_shutdown=int(settings.seconds) + 1,
    )
    return Server(config)


def _log_config(telemetry: Telemetry) -> dict[str, Any]:
    """uvicorn's, but for the handler, which would wait for whoever reads standard error."""
    handler = {"()": partial(LogHandler, telemetry.lost_records), "formatter": "default"}
    loggers = LOGGING_CONFIG["loggers"] | {"asyncio": {"handlers": ["default"], "propagate": False}}
    return LOGGING_CONFIG | {"handlers": LOGGING_CONFIG["handlers"] | {"default": handler}, "loggers": loggers}


def max_connections(settings: Settings) -> int:
    """As many as the settings want and the limit on open files allows, which is raised where that is possible."""
    others = FILES + FOR_HEALTH + POOLS * (settings.workers or processors() + 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = settings.connections + others
    if hard != resource.RLIM_INFINITY and hard < files:
        log.warning("FACTORY_CONNECTIONS: %d, since the process may open only %d files", max(1, hard - others), hard)
        files = hard
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(1, files - others)
