"""From the body of a request to that of its response: the same in the service and in its workers."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, time
from itertools import repeat
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, Self

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from ... import contract
from ..errors import ArtifactError, ContractViolation, FactoryError, Violation
from ..scoring import histories, predictions
from ..validation import unseen
from . import messages, parsing, tensors
from .messages import Bytes
from .packing import Rows, packed, stream_of, table_of
from .parsing import InvalidBody, TooLarge

JSON, ARROW, CSV = "application/json", "application/vnd.apache.arrow.stream", "text/csv"
TENSORS = "tensors"  # of the Open Inference Protocol, whose bodies may be JSON, too
VERSION = "X-Model-Version"
UNSEEN = "X-Unseen-Categories"  # their number, where there are more than a delivery may have
MAX_PROBLEMS = 100  # that a response lists
MAX_EXPLAINED = 100  # rows of a request: each takes as long as scoring a thousand

Content = tuple[bytes, str, dict[str, str]]
"""Of a response: its body, media type and headers."""
Ids = pl.Series | list[Any] | None
Schema = type[dy.Schema] | None


class Model(Protocol):
    """What scores rows: all of the model, or its graphs alone."""

    manifest: dict[str, Any]
    version: str

    def score(self, rows: Rows) -> tuple[Ids, NDArray[np.float64]]:
        """The ids, where the data have any, and the scores of the rows. Raises ContractViolation."""

    def explain(self, rows: Rows) -> list[dict[str, Any]]:
        """The explanation of each row's score. Raises ArtifactError where the model has none."""

    def forecast(self, rows: Rows, origin: str | None, most: int) -> tuple[pl.DataFrame, NDArray[np.float64]]:
        """The rows of the horizon after a history, and their scores. Raises ContractViolation, FactoryError and TooLarge."""


class Request(NamedTuple):
    """A body, its format, and what applies to it."""

    kind: str
    body: list[bytes]  # in the pieces in which it arrived
    max_rows: int
    capture: bool = False  # whether rows and scores are wanted beside the response
    json_size: str | None = None  # of tensors that follow their JSON as bytes: a header, not yet looked at
    explain: bool = False  # whether the scores of rows in JSON are to be explained
    forecast: bool = False  # whether the rows are a history, whose horizon is to be scored
    origin: str | None = None  # of a forecast, if it is not the newest time with a known target

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.body))

    @property
    def content(self) -> bytes:
        """The body in one piece."""
        return b"".join(self.body)

    def encode(self) -> list[Bytes]:
        """The request as a message to a worker."""
        head = self._asdict()
        return messages.encode(head, head.pop("body"))

    @classmethod
    def decode(cls, head: dict[str, Any], parts: Sequence[Any]) -> Self:
        """The request in a message."""
        return cls(**head, body=list(parts))


class Captured(NamedTuple):
    """The rows of a request, from a worker packed, their scores, and where asked for their explanations as JSON."""

    rows: Rows | Bytes
    scores: NDArray[np.float64]
    explanations: list[str] | None = None


class Reply(NamedTuple):
    """A response, and what is counted and captured of it."""

    status: int
    body: Bytes
    media_type: str = JSON
    headers: Mapping[str, str] = MappingProxyType({})
    rows: int = 0
    cpu_seconds: float = 0
    captured: Captured | None = None
    unseen: Mapping[str, int] = MappingProxyType({})  # categories that the contract does not have, by column
    refused: Mapping[str, int] = MappingProxyType(
        {}
    )  # rows that violate the contract, by column; "" is none of its own

    def encode(self, request: Request) -> list[Bytes]:
        """The reply to the request as a message to the service."""
        head = self._asdict() | {name: dict(getattr(self, name)) for name in ("headers", "unseen", "refused")}
        parts = [head.pop("body")]
        if captured := head.pop("captured"):
            head |= {"shape": captured.scores.shape, "explanations": captured.explanations}
            parts += [packed(captured.rows, request.content), captured.scores.tobytes()]
        return messages.encode(head, *parts)

    @classmethod
    def decode(cls, head: dict[str, Any], parts: Sequence[Any]) -> Self:
        """The reply in a message."""
        shape, explanations, captured = head.pop("shape", None), head.pop("explanations", None), None
        if shape is not None:  # as copies, since a part keeps the whole message in memory
            captured = Captured(bytes(parts[1]), np.frombuffer(bytes(parts[2])).reshape(shape), explanations)
        return cls(**head, body=parts[0], captured=captured)


class Answer(NamedTuple):
    """A model's scores of the rows of one request, and their ids where the data have any."""

    model: Model
    rows: Rows
    ids: Ids
    scores: NDArray[np.float64]
    explanations: list[dict[str, Any]] | None = None  # in JSON's types
    keys: pl.DataFrame | None = None  # what names each row of a forecast

    def table(self) -> pl.DataFrame:
        """Id, or what names a row of a forecast, score and decision of each row."""
        ids = [] if self.ids is None else [pl.Series(self.model.manifest["id"], self.ids)]
        return pl.DataFrame([*(ids if self.keys is None else self.keys), *self.columns()])

    def columns(self) -> list[pl.Series]:
        """Score and decision of each row."""
        return predictions.to_columns(self.scores, self.model.manifest, self.needed)

    @property
    def needed(self) -> pl.DataFrame | None:
        """The rows, where intervals or decisions depend on them."""
        return table_of(self.rows) if predictions.needs_rows(self.model.manifest) else None


def respond(model: Model, request: Request, clock: Callable[[], float]) -> Reply:
    """The model's response, or what is wrong with the request; the clock counts CPU seconds."""
    began = clock()
    try:
        with unseen.counting(unseen.Tally(Counter)) as tally:
            schema = histories.schema(model.manifest) if request.forecast else None
            given, write = FORMATS[request.kind](request, schema)
            if len(given) > request.max_rows:
                raise TooLarge(f"more than {request.max_rows:,} rows")
            answer = _forecast(model, request, given) if request.forecast else _score(model, request, given)
        captured = _captured(answer) if request.capture and len(answer.rows) else None
        content, media_type, headers = write(answer)
        if tally and unseen.above_limit(tally, schema or contract.Row, len(given)):
            headers |= {UNSEEN: str(sum(counts.total() for counts in tally.values()))}
        counts = {name: counts.total() for name, counts in tally.items()}
        return Reply(200, content, media_type, headers, len(answer.rows), clock() - began, captured, counts)
    except (InvalidBody, ArtifactError) as error:
        return error_reply(400, str(error))
    except TooLarge as error:
        return error_reply(413, str(error))
    except ContractViolation as error:
        return error_reply(422, "the rows violate the contract", error.violations)
    except FactoryError as error:
        return error_reply(422, str(error))


def _score(model: Model, request: Request, rows: Rows) -> Answer:
    return Answer(model, rows, *model.score(rows), _explanations(model, request, rows))


def _forecast(model: Model, request: Request, history: Rows) -> Answer:
    rows, scores = model.forecast(history, request.origin, request.max_rows)
    keys = rows.select(histories.keys(model.manifest))
    return Answer(model, rows, None, scores, _explanations(model, request, rows), keys)


def _explanations(model: Model, request: Request, rows: Rows) -> list[dict[str, Any]] | None:
    if not request.explain:
        return None
    if request.kind != JSON:
        raise InvalidBody("only scores of JSON are explained: send records, or leave out explain")
    if len(rows) > MAX_EXPLAINED:
        raise TooLarge(f"more than {MAX_EXPLAINED} rows to explain: send fewer, or leave out explain")
    return model.explain(rows)


def _captured(answer: Answer) -> Captured:
    texts = [ENCODER.encode(each) for each in answer.explanations] if answer.explanations else None
    return Captured(answer.rows, answer.scores, texts)


def error_reply(status: int, error: str, violations: Sequence[Violation] = ()) -> Reply:
    """The response to a request that failed."""
    problems = [
        {"row": violation.row, "field": violation.subject, "message": violation.problem or "violates this rule"}
        for violation in violations[:MAX_PROBLEMS]
    ]
    content = json.dumps({"error": error, "problems": problems}, ensure_ascii=False, separators=(",", ":"))
    headers = {"Retry-After": "1"} if status == 503 else {}
    return Reply(status, content.encode(), JSON, headers, refused=_by_column(violations))


def _by_column(violations: Sequence[Violation]) -> dict[str, int]:
    """How many rows violate the contract, by column; a client can name any other, which are one, "", together."""
    sent = getattr(contract, "Observation", contract.Row)
    columns, found = {*contract.Row.column_names(), *sent.column_names()}, Counter[str]()
    for each in violations:
        found[each.subject if each.subject in columns else ""] += max(each.count, 1)
    return dict(found)


def _to_json(answer: Answer) -> Content:
    if answer.keys is not None:
        ids: Iterable[dict[str, Any]] = answer.keys.iter_rows(named=True)
    else:
        ids = ({"id": id} for id in answer.ids) if answer.ids is not None else repeat({"id": None})
    records = predictions.to_records(answer.scores, answer.model.manifest, answer.needed)
    scores = [{**id, **record} for id, record in zip(ids, records, strict=False)]
    for score, explanation in zip(scores, answer.explanations or [], strict=False):
        score["explanation"] = explanation
    name = "scores" if answer.keys is None else "forecasts"
    content = ENCODER.encode({"model": answer.model.version, name: scores})
    return content.encode(), JSON, {VERSION: answer.model.version}


def _to_arrow(answer: Answer) -> Content:
    return stream_of(answer.table()), ARROW, {VERSION: answer.model.version}


def _to_csv(answer: Answer) -> Content:
    return answer.table().write_csv().encode(), CSV, {VERSION: answer.model.version}


def _from_tensors(request: Request, schema: Schema) -> tuple[pl.DataFrame, Callable[[Answer], Content]]:
    inference, rows = tensors.read_request(request.content, request.json_size, request.max_rows)

    def write(answer: Answer) -> Content:
        body, json_size = tensors.write_response(inference, answer.model.version, answer.columns())
        if json_size is None:
            return body, JSON, {}
        return body, "application/octet-stream", {tensors.JSON_SIZE: str(json_size)}

    return rows, write


def _json_value(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)


ENCODER = json.JSONEncoder(default=_json_value, allow_nan=False)
FORMATS: dict[str, Callable[[Request, Schema], tuple[Rows, Callable[[Answer], Content]]]] = {
    JSON: lambda request, schema: (parsing.read_json(request.content, schema), _to_json),
    ARROW: lambda request, schema: (parsing.read_arrow(request.content, request.max_rows, schema), _to_arrow),
    CSV: lambda request, schema: (parsing.read_csv(request.content, request.max_rows, schema), _to_csv),
    TENSORS: _from_tensors,
}
"""Of each format, the rows of a request, by the contract or another schema, and how its response is written."""
