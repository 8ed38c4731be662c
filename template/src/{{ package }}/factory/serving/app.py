"""The FastAPI application: routes, errors, and what is read again while it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from .. import PACKAGE
from ..errors import ContractViolation
from . import docs, open_inference, openapi, routes
from .middleware import LimitsMiddleware, needs_key
from .openapi import ERROR_RESPONSES
from .parsing import InvalidBody
from .service import NotReady, Service, TooLarge
from .settings import Settings
from .watch import watching

STATUS_CODES = {
    InvalidBody: 400,
    TooLarge: 413,
    routes.UnsupportedMediaType: 415,
    open_inference.ModelNotFound: 404,
    NotReady: 503,
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
    app.include_router(routes.router)
    app.include_router(open_inference.router)
    app.include_router(docs.router)
    app.add_api_route("/", root, include_in_schema=False)
    app.add_api_route("/version", version, responses=_errors(503))
    app.add_api_route("/health/live", live)
    app.add_api_route("/health/ready", ready, responses=_errors(503))
    app.add_api_route("/metrics", metrics, response_class=Response)
    for kind in STATUS_CODES:
        app.add_exception_handler(kind, _error)
    app.add_exception_handler(ContractViolation, _contract_violation)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(LimitsMiddleware, state=service)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    models, keys = partial(asyncio.to_thread, service.reload), partial(asyncio.to_thread, service.callers.reload)
    async with watching(service.settings.reload, models, keys):
        yield
    if service.request_log:
        await asyncio.to_thread(service.request_log.close)


async def root() -> dict[str, str]:
    """Where to go from here."""
    return {"name": PACKAGE, "score": "POST /score", "docs": "/docs", "version": "/version", "health": "/health/ready"}


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


async def ready(request: Request) -> dict[str, str]:
    """A model is loaded, verified and warmed up, and the service is not shutting down."""
    service: Service = request.app.state.service
    if service.draining or service.champion.current is None:
        raise NotReady("shutting down" if service.draining else "no model is loaded")
    return {"status": "ready", "model": service.champion.current.version}


async def metrics(request: Request) -> Response:
    """Metrics in the Prometheus text format."""
    return Response(request.app.state.service.telemetry.exposition(), media_type="text/plain; version=0.0.4")


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: ERROR_RESPONSES[status] for status in statuses}


async def _error(request: Request, error: Exception) -> Response:
    status = STATUS_CODES[type(error)]
    headers = {"Retry-After": "1"} if status == 503 else {}
    return JSONResponse({"error": str(error), "problems": []}, status, headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail, "problems": []}, error.status_code, error.headers)


async def _contract_violation(request: Request, error: Exception) -> Response:
    assert isinstance(error, ContractViolation)
    problems = [
        {"row": violation.row, "field": violation.subject, "message": violation.problem or "violates this rule"}
        for violation in error.violations
    ]
    return JSONResponse({"error": "the rows violate the contract", "problems": problems[:100]}, 422)
