"""POST /score: scores records in JSON, or a table in Arrow or CSV, and responds in the same format."""

import io
import json
from collections.abc import Callable
from datetime import date, time
from typing import Any

import polars as pl
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from ..scoring import predictions
from . import parsing
from .middleware import RequestContext
from .openapi import ERROR_RESPONSES, REQUEST_BODY
from .service import Answer, Service, TooLarge
from .settings import JSON_MB

JSON, ARROW, CSV = "application/json", "application/vnd.apache.arrow.stream", "text/csv"
router = APIRouter()


class UnsupportedMediaType(Exception):
    """An unsupported content type or encoding."""


class Score(BaseModel):
    """The prediction for one row: `decision` for classifiers, `probabilities` by class for several classes."""

    id: Any
    score: float
    decision: bool | str | None = None
    probabilities: dict[str, float] = {}


class Scores(BaseModel):
    """The model's version, and its predictions in the order of the rows."""

    model: str
    scores: list[Score]


@router.post(
    "/score",
    response_model=Scores,
    responses=ERROR_RESPONSES,
    openapi_extra={"requestBody": REQUEST_BODY},
    tags=["score"],
)
async def score(request: Request) -> Response:
    """Score one record, an array of records, or a table; the response has the format of the request."""
    service: Service = request.app.state.service
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FORMATS:
        raise UnsupportedMediaType(f"unsupported content type: send {', '.join(FORMATS)}")
    check_not_compressed(request)
    body = await read_body(
        request, min(JSON_MB, service.settings.body_mb) if kind == JSON else service.settings.body_mb
    )
    return await service.run(len(body), lambda: respond(service, request.scope["context"], kind, body))


def check_not_compressed(request: Request) -> None:
    """Raise UnsupportedMediaType for a compressed body, since a few bytes can expand to any number."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType("unsupported content encoding: send the body uncompressed")


async def read_body(request: Request, max_mb: float) -> bytes:
    """The body. Raises TooLarge after all of it has arrived, since many clients read the response only then."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= max_mb * 1e6:
            chunks.append(chunk)
        else:
            chunks.clear()
    if size > max_mb * 1e6:
        raise TooLarge(f"the body is larger than {max_mb:g} MB")
    return b"".join(chunks)


def respond(service: Service, context: RequestContext, kind: str, body: bytes) -> Response:
    """The response to a body of that content type. Raises InvalidBody, ContractViolation, TooLarge and NotReady."""
    read, write = FORMATS[kind]
    answer = service.score(context, read(body, service.settings.rows))
    return Response(write(answer), media_type=kind, headers={"X-Model-Version": answer.model.version})


def _to_json(answer: Answer) -> bytes:
    ids = [None] * len(answer.scores) if answer.ids is None else answer.ids
    records = predictions.to_records(answer.scores, answer.model.scorer.manifest)
    scores = [{"id": id, **record} for id, record in zip(ids, records, strict=True)]
    return ENCODER.encode({"model": answer.model.version, "scores": scores}).encode()


def _json_value(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _table(answer: Answer) -> pl.DataFrame:
    manifest = answer.model.scorer.manifest
    ids = [] if answer.ids is None else [pl.Series(manifest["id"], answer.ids)]
    return pl.DataFrame([*ids, *predictions.to_columns(answer.scores, manifest)])


def _to_arrow(answer: Answer) -> bytes:
    stream = io.BytesIO()
    _table(answer).write_ipc_stream(stream)
    return stream.getvalue()


def _to_csv(answer: Answer) -> bytes:
    return _table(answer).write_csv().encode()


ENCODER = json.JSONEncoder(default=_json_value, allow_nan=False)
Reader = Callable[[bytes, int], Any]
FORMATS: dict[str, tuple[Reader, Callable[[Answer], bytes]]] = {
    JSON: (lambda body, max_rows: parsing.read_json(body), _to_json),
    ARROW: (parsing.read_arrow, _to_arrow),
    CSV: (parsing.read_csv, _to_csv),
}
