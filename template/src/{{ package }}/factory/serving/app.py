"""The FastAPI application: routes, errors, and what is read again while it runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route

from ... import contract
from .. import PACKAGE
from . import docs, open_inference, openapi, routes
from .middleware import LimitsMiddleware, needs_key
from .openapi import ERROR_RESPONSES
from .parsing import InvalidBody, TooLarge
from .pool import Busy
from .responses import error_reply
from .service import NotReady, Service
from .settings import Settings
from .watch import watching
from .worker_process import Died

STATUS_CODES = {
    routes.TooSlow: 408,
    InvalidBody: 400,
    TooLarge: 413,
    routes.UnsupportedMediaType: 415,
    open_inference.ModelNotFound: 404,
    NotReady: 503,
    Busy: 503,
    Died: 503,
}
TELEMETRY: Any = {  # of FastAPI itself: traces where OTEL_EXPORTER_OTLP_ENDPOINT is set, and no metrics beside Prometheus
    "auto_configure": True,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "exclude": lambda scope: not needs_key(scope["path"]),
}


def create_app(settings: Settings, folder: Path) -> FastAPI:
    """The application that serves the model in the folder, with its service as `state.service`."""
    service = Service(settings, folder)
    app = FastAPI(
        title=PACKAGE,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        description="Scores rows: POST /score.",
        telemetry=TELEMETRY,
    )
    app.state.service = service
    app.openapi = partial(openapi.document, app)  # type: ignore[method-assign]
    routes.add_to(app)
    app.include_router(open_inference.router)
    app.include_router(docs.router)
    app.add_api_route("/", root, include_in_schema=False)
    app.add_api_route("/version", version, responses=_errors(503))
    app.add_api_route("/health/live", live)
    app.add_api_route("/health/ready", ready, responses=_errors(503))
    app.add_api_route("/metrics", metrics, response_class=Response)
    for kind in STATUS_CODES:
        app.add_exception_handler(kind, _error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(LimitsMiddleware, state=service, routes=_paths(app))
    return app


def _paths(app: FastAPI) -> list[str]:
    routers = app.router, open_inference.router, docs.router
    return [route.path for each in routers for route in each.routes if isinstance(route, Route)]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    reloads: list[Callable[[], Awaitable[object]]] = [
        partial(asyncio.to_thread, service.callers.reload),
        *(slot.reload for slot in service.slots),
    ]
    if service.certificate:
        reloads.append(partial(asyncio.to_thread, service.certificate.reload))
    async with service.running(), watching(service.settings.reload, *reloads):
        yield


async def root() -> dict[str, str]:
    """Where to go from here."""
    forecast = {"forecast": "POST /forecast"} if hasattr(contract, "Observation") else {}
    return {
        "name": PACKAGE,
        **forecast,
        "score": "POST /score",
        "docs": "/docs",
        "version": "/version",
        "health": "/health/ready",
    }


async def version(request: Request) -> dict[str, Any]:
    """The model in service: version, commit, sha256 of its training data and features; the challenger's, too."""
    service: Service = request.app.state.service
    if service.champion.current is None:
        raise NotReady("no model is loaded")
    challenger = service.challenger and service.challenger.current
    return {**service.champion.current.description(), "challenger": challenger and challenger.description()}


async def live() -> dict[str, str]:
    """The process is alive, with or without a model."""
    return {"status": "live"}


async def ready(request: Request) -> dict[str, Any]:
    """A model is loaded, verified and warmed up, with its workers, and the service is not shutting down."""
    service: Service = request.app.state.service
    model = service.ready_champion()
    workers = {slot.role: slot.current.pool.states() for slot in service.slots if slot.current}
    return {"status": "ready", "model": model.version, "workers": workers}


async def metrics(request: Request) -> Response:
    """Metrics in the Prometheus text format."""
    service: Service = request.app.state.service
    service.count_workers()
    return Response(service.telemetry.exposition(), media_type="text/plain; version=0.0.4")


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: ERROR_RESPONSES[status] for status in statuses}


async def _error(request: Request, error: Exception) -> Response:
    return _response(STATUS_CODES[type(error)], str(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _response(error.status_code, error.detail, error.headers)


def _response(status: int, error: str, headers: Mapping[str, str] | None = None) -> Response:
    reply = error_reply(status, error)
    return Response(reply.body, status, {**reply.headers, **(headers or {})}, reply.media_type)
