"""POST /score and /forecast: rows, or a history, in JSON, Arrow or CSV, and a response in the same format."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import request_response

from ... import contract
from ..errors import close
from ..validation.texts import hint
from .middleware import RequestContext
from .model_slot import LoadedModel
from .openapi import ERROR_RESPONSES, EXPLAIN, HISTORY_BODY, ORIGIN, REQUEST_BODY
from .parsing import InvalidBody, TooLarge
from .responses import ARROW, CSV, JSON
from .responses import Request as Body
from .service import Service
from .settings import JSON_MB

FORMATS = JSON, ARROW, CSV
PARAMETERS = "origin", "explain"
Endpoint = Callable[[Request], Awaitable[Response]]


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


class Forecast(BaseModel):
    """The prediction for one step of a series, which is named by its columns; the target is between `low` and `high` in 90% of the cases."""

    origin: Any
    step: int
    score: float
    low: float | None = None
    high: float | None = None
    explanation: Explanation | None = None


class Forecasts(BaseModel):
    """The model's version, and its predictions by series and step."""

    model: str
    forecasts: list[Forecast]


async def score(request: Request) -> Response:
    """Score one record, an array of records, or a table; the response has the format of the request."""
    asked = _query(request, "explain")
    kind, max_mb = format_of(request)
    return await respond(request, kind, max_mb, explain=_explain(asked))


async def forecast(request: Request) -> Response:
    """Forecast the horizon of each series in a history; the response has the format of the request.

    The rows are those of a file for `factory score`: what was observed, and after the origin what is known ahead.
    """
    asked = _query(request, *PARAMETERS)
    kind, max_mb = format_of(request)
    return await respond(request, kind, max_mb, forecast=True, origin=asked.get("origin"), explain=_explain(asked))


def format_of(request: Request) -> tuple[str, float]:
    """The format of the body, and how many MB it may have. Raises UnsupportedMediaType."""
    service: Service = request.app.state.service
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FORMATS:
        raise UnsupportedMediaType(f"unsupported content type: send {', '.join(FORMATS)}")
    max_mb = service.settings.body_mb
    return kind, min(JSON_MB, max_mb) if kind == JSON else max_mb


def _query(request: Request, *names: str) -> dict[str, str]:
    """Our parameters in the query. Raises InvalidBody for one that resembles them, and for one that is there twice.

    Others are what gateways put into addresses, such as the version of their API.
    """
    if not request.scope["query_string"]:
        return {}
    given = [each for each in request.query_params.multi_items() if close(each[0], PARAMETERS)]
    for name, _ in given:
        if name not in names:
            raise InvalidBody(f"query: no parameter {name:.100}{hint(name, names)}: there is {' and '.join(names)}")
    if len(dict(given)) < len(given):
        raise InvalidBody("query: a parameter occurs twice: keep one of them")
    return dict(given)


def _explain(asked: dict[str, str]) -> bool:
    """Raises InvalidBody for what is neither true nor false."""
    value = asked.get("explain", "false")
    if value not in ("true", "false"):
        raise InvalidBody("explain, in the query, must be true or false")
    return value == "true"


async def respond(
    request: Request,
    kind: str,
    max_mb: float,
    requested: Callable[[], LoadedModel | None] = lambda: None,
    **options: Any,
) -> Response:
    """The response to a body of that format. Raises UnsupportedMediaType, TooLarge, TooSlow, and what `Service.respond` does."""
    service: Service = request.app.state.service
    _check_not_compressed(request)
    content = await _read_body(request, max_mb)
    context: RequestContext = request.scope["context"]
    if service.seconds_left(context) < service.settings.seconds / 2:
        raise TooSlow("timed out while waiting for the body")
    body = Body(kind, content, service.settings.rows, service.request_log is not None, **options)
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

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = request_response(endpoint)


def add_to(app: FastAPI) -> None:
    """Add POST /score, and /forecast where series are forecast, not by a router of their own, since each costs time."""
    _add(app, score, Scores, {"requestBody": REQUEST_BODY, "parameters": [EXPLAIN]})
    if hasattr(contract, "Observation"):
        _add(app, forecast, Forecasts, {"requestBody": HISTORY_BODY, "parameters": [ORIGIN, EXPLAIN]})


def _add(app: FastAPI, endpoint: Endpoint, model: type[BaseModel], described: dict[str, Any]) -> None:
    app.router.add_api_route(
        f"/{endpoint.__name__}",
        endpoint,
        methods=["POST"],
        response_model=model,
        responses=ERROR_RESPONSES,
        openapi_extra=described,
        tags=[endpoint.__name__],
        route_class_override=PlainRoute,
    )
