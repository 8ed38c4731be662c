"""The server of `factory serve`: the application in uvicorn, with the limits of the settings."""

from pathlib import Path

import uvicorn

from .app import create_app
from .settings import Settings
from .uvicorn_internals import Connection, Server


def serve(settings: Settings, folder: Path, host: str, port: int) -> None:
    """Serve the model in the folder until SIGTERM."""
    create_server(settings, folder, host, port).run()


def create_server(settings: Settings, folder: Path, host: str, port: int) -> Server:
    """A server of the model in the folder, not yet running."""
    config = uvicorn.Config(
        create_app(settings, folder),
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
