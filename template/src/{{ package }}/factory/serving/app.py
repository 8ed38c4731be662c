"""The FastAPI application: routes, errors, and the watch over the models' folders."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from .. import PACKAGE
from ..errors import ContractViolation
from . import open_inference, openapi, routes
from .middleware import Guard
from .openapi import REFUSALS
from .parsing import Malformed
from .service import Service, TooLarge, Unready
from .settings import Settings

STATUS = {Malformed: 400, TooLarge: 413, routes.Unsupported: 415, open_inference.Unknown: 404, Unready: 503}


def create(settings: Settings, folder: Path) -> FastAPI:
    """The application that serves the model in the folder, with its service as `state.service`."""
    service = Service(settings, folder)
    app = FastAPI(title=PACKAGE, lifespan=_lifespan, redoc_url=None, description="Scores rows; see POST /score.")
    app.state.service = service
    app.openapi = partial(openapi.openapi, app)  # type: ignore[method-assign]
    app.include_router(routes.router)
    app.include_router(open_inference.router)
    app.add_api_route("/version", version, responses=_refusals(503))
    app.add_api_route("/health/live", live)
    app.add_api_route("/health/ready", ready, responses=_refusals(503))
    app.add_api_route("/metrics", metrics, response_class=Response)
    for kind in STATUS:
        app.add_exception_handler(kind, _refused)
    app.add_exception_handler(ContractViolation, _violated)
    app.add_exception_handler(HTTPException, _not_here)
    app.add_middleware(Guard, state=service)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    watch = asyncio.create_task(_watch(service))
    yield
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch
    if service.capture:
        await asyncio.to_thread(service.capture.close)


async def _watch(service: Service) -> None:
    while True:
        await asyncio.to_thread(service.look)
        await asyncio.sleep(service.settings.reload)


async def version(request: Request) -> dict[str, Any]:
    """The model that serves: version, commit, sha256 of its data, features; and the challenger, if there is one."""
    service: Service = request.app.state.service
    if service.champion.current is None:
        raise Unready("no model is loaded")
    challenger = service.challenger and service.challenger.current
    return {**service.champion.current.about(), "challenger": challenger and challenger.about()}


async def live() -> dict[str, str]:
    """The process answers; whether there is a model is another question."""
    return {"status": "live"}


async def ready(request: Request) -> dict[str, str]:
    """A model is loaded, verified and warm, and the service is not about to end."""
    service: Service = request.app.state.service
    if service.draining or service.champion.current is None:
        raise Unready("draining" if service.draining else "no model is loaded")
    return {"status": "ready", "model": service.champion.current.version}


async def metrics(request: Request) -> Response:
    """Counters in Prometheus' text format."""
    return Response(request.app.state.service.telemetry.page(), media_type="text/plain; version=0.0.4")


def _refusals(*which: int) -> dict[int | str, dict[str, Any]]:
    return {status: REFUSALS[status] for status in which}


async def _refused(request: Request, error: Exception) -> Response:
    status = STATUS[type(error)]
    headers = {"Retry-After": "1"} if status == 503 else {}
    return JSONResponse({"error": str(error), "problems": []}, status, headers)


async def _not_here(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail, "problems": []}, error.status_code, error.headers)


async def _violated(request: Request, error: Exception) -> Response:
    assert isinstance(error, ContractViolation)
    problems = [
        {"row": violation.row, "field": violation.subject, "message": violation.problem or "the rule does not hold"}
        for violation in error.violations
    ]
    return JSONResponse({"error": "the rows break the contract", "problems": problems[:100]}, 422)
