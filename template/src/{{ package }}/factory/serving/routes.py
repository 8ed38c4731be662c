"""POST /score: scores records in JSON, or a table in Arrow or CSV, and responds in the same format."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import request_response

from .middleware import RequestContext
from .model_slot import LoadedModel
from .openapi import ERROR_RESPONSES, EXPLAIN, REQUEST_BODY
from .parsing import InvalidBody, TooLarge
from .responses import ARROW, CSV, JSON
from .responses import Request as Body
from .service import Service
from .settings import JSON_MB

FORMATS = JSON, ARROW, CSV


class UnsupportedMediaType(Exception):
    """An unsupported content type or encoding."""


class TooSlow(Exception):
    """The body took so much of the request's time that too little is left for scoring it."""


class Explanation(BaseModel):
    """The score of a typical row, what each feature adds to it, and the largest standard error of these contributions."""

    typical: float
    contributions: dict[str, float]
    error: float


class Score(BaseModel):
    """The prediction for one row.

    `decision` for classifiers, `probabilities` by class for several classes; the target of a regression is between `low` and
    `high` in 90% of the cases.
    """

    id: Any
    score: float
    decision: bool | str | None = None
    probabilities: dict[str, float] = {}
    low: float | None = None
    high: float | None = None
    explanation: Explanation | None = None


class Scores(BaseModel):
    """The model's version, and its predictions in the order of the rows."""

    model: str
    scores: list[Score]


async def score(request: Request) -> Response:
    """Score one record, an array of records, or a table; the response has the format of the request."""
    service: Service = request.app.state.service
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FORMATS:
        raise UnsupportedMediaType(f"unsupported content type: send {', '.join(FORMATS)}")
    max_mb = service.settings.body_mb
    explain = bool(request.scope["query_string"]) and _explain(request.query_params.get("explain", "false"))
    return await respond(request, kind, min(JSON_MB, max_mb) if kind == JSON else max_mb, explain=explain)


def _explain(value: str) -> bool:
    """Raises InvalidBody for what is neither true nor false."""
    if value not in ("true", "false"):
        raise InvalidBody("explain, in the query, must be true or false")
    return value == "true"


async def respond(
    request: Request,
    kind: str,
    max_mb: float,
    json_size: str | None = None,
    requested: Callable[[], LoadedModel | None] = lambda: None,
    explain: bool = False,
) -> Response:
    """The response to a body of that format. Raises UnsupportedMediaType, TooLarge, TooSlow, and what `Service.respond` does."""
    service: Service = request.app.state.service
    _check_not_compressed(request)
    content = await _read_body(request, max_mb)
    context: RequestContext = request.scope["context"]
    if service.seconds_left(context) < service.settings.seconds / 2:
        raise TooSlow("timed out while waiting for the body")
    body = Body(kind, content, service.settings.rows, service.request_log is not None, json_size, explain)
    reply = await service.respond(context, body, requested())
    return Response(reply.body, reply.status, reply.headers, reply.media_type)


def _check_not_compressed(request: Request) -> None:
    """Raise UnsupportedMediaType for a compressed body, since a few bytes can expand to any number."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType("unsupported content encoding: send the body uncompressed")


async def _read_body(request: Request, max_mb: float) -> list[bytes]:
    """The body, in pieces, since joining large ones takes long. Raises TooLarge after all of it has arrived, since many clients read the response only then."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= max_mb * 1e6:
            chunks.append(chunk)
        else:
            chunks.clear()
    if size > max_mb * 1e6:
        raise TooLarge(f"the body is larger than {max_mb:g} MB")
    return chunks


class PlainRoute(APIRoute):
    """Documented by FastAPI, and served without what it does for endpoints with parameters, which takes as long as a model."""

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = request_response(endpoint)


def add_to(app: FastAPI) -> None:
    """Add POST /score to the application, not by a router of its own, since each costs time."""
    app.router.add_api_route(
        "/score",
        score,
        methods=["POST"],
        response_model=Scores,
        responses=ERROR_RESPONSES,
        openapi_extra={"requestBody": REQUEST_BODY, "parameters": [EXPLAIN]},
        tags=["score"],
        route_class_override=PlainRoute,
    )
