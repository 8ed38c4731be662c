"""POST /score: records as JSON, or a table as Arrow or CSV, and their scores in the same format."""

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
    """A content type that is not read."""


class Score(BaseModel):
    """The prediction for one row: `decision` where the model decides, `probabilities` by class where it has several."""

    id: Any
    score: float
    decision: bool | str | None = None
    probabilities: dict[str, float] = {}


class Scores(BaseModel):
    """The version of the model, and its prediction for each row, in the order of the rows."""

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
    """Score one record, an array of records, or a table; the answer comes in the format of the question."""
    service: Service = request.app.state.service
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FORMATS:
        raise UnsupportedMediaType(f"send {', '.join(FORMATS)}")
    check_not_compressed(request)
    body = await read_body(
        request, min(JSON_MB, service.settings.body_mb) if kind == JSON else service.settings.body_mb
    )
    return await service.run(len(body), lambda: respond(service, request.scope["context"], kind, body))


def check_not_compressed(request: Request) -> None:
    """Raises UnsupportedMediaType: a few bytes could become any number of them."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType("send the body as it is, not compressed")


async def read_body(request: Request, max_mb: float) -> bytes:
    """The body. Raises TooLarge, once the whole of it has gone by: many clients listen only once they have sent all."""
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
    """The response to a body of that kind. Raises InvalidBody, ContractViolation, TooLarge and NotReady."""
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
