"""JSON that every reader takes in the same way."""

import io
import json
import re
import struct
import warnings
from collections.abc import Callable
from datetime import date, datetime, time
from functools import cache, partial
from itertools import islice
from typing import Annotated, Any, NotRequired
from zoneinfo import ZoneInfo

import dataframely as dy
import polars as pl
from pydantic import (
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    with_config,
)
from typing_extensions import TypedDict

from ... import contract
from ..errors import ContractViolation, FactoryError, Violation
from ..tables import csv
from ..validation import parsing
from . import arrow


class Malformed(FactoryError):
    """The body is not what its content type says."""


def check_json(body: bytes, constant: Callable[[str], Any]) -> None:
    """Refuse what other readers of JSON take in different ways, or at which they fail. Raises Malformed."""
    try:
        json.loads(body, object_pairs_hook=_once, parse_constant=constant)
    except RecursionError as error:
        raise Malformed("not JSON that can be read: nested too deeply") from error
    except ValueError as error:
        place = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "a value"
        raise Malformed(f"not JSON: {place} cannot be read") from error


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise Malformed("not JSON that can be read: a name occurs twice in an object")


def no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are no JSON."""
    raise Malformed(f"not JSON: {name} is no number")


Row = tuple[Any, ...]
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
DAY, HOUR = r"\d{4}-\d{2}-\d{2}", r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
TEXTS: dict[type[dy.Column], tuple[str, str, Callable[[str], Any]]] = {
    dy.Date: (f"^{DAY}$", "a date like 2013-02-04", date.fromisoformat),
    dy.Time: (f"^{HOUR}$", "a time like 18:30:00", time.fromisoformat),
    dy.Datetime: (f"^{DAY}[T ]{HOUR}$", "a local date and time like 2013-02-04T18:30:00", datetime.fromisoformat),
}
"""ISO 8601 alone, without what pydantic takes for a date beside it: seconds since 1970, and any offset."""
ZONED = f"^{DAY}[T ]{HOUR}(Z|[+-]\\d{{2}}:\\d{{2}})$", "a date and time with its offset like 2013-02-04T18:30:00Z"


def of_json(body: bytes) -> list[Row]:
    """The values of an object or of an array of objects. Raises Malformed and ContractViolation."""
    check_json(body, no_constant)
    one, many = adapters(contract.Row)
    try:
        records = many.validate_json(body) if body.lstrip()[:1] == b"[" else [one.validate_json(body)]
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        if found[0]["type"] == "json_invalid":
            raise Malformed("not JSON: a text or a number cannot be read") from error
        raise ContractViolation([_violation(detail["loc"], detail["msg"]) for detail in found]) from error
    return [tuple(islice(record.values(), _width(contract.Row))) for record in records]


def of_arrow(body: bytes, most: int) -> pl.DataFrame:
    """The table of an Arrow IPC stream, up to one row more than `most`. Raises Malformed."""
    try:
        arrow.check(body, len(contract.Row.columns()), most)
        return pl.read_ipc_stream(io.BytesIO(body), n_rows=most + 1)
    except (struct.error, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise Malformed("not an Arrow IPC stream, damaged, or compressed") from error


def of_csv(body: bytes, most: int) -> pl.DataFrame:
    """The table of a CSV file, as text, up to one row more than `most`. Raises Malformed."""
    header = body.find(b"\n")
    if header > 4 * len(",".join(contract.Row.columns()).encode()) + 1000 or body.count(b'"', 0, max(header, 0)) % 2:
        raise Malformed("body: the header is longer than the contract's")
    try:
        csv.check(io.BytesIO(body), "body")
        separator = csv.delimiter(io.BytesIO(body))
        return pl.read_csv(body, infer_schema=False, n_rows=most + 1, separator=separator)
    except (pl.exceptions.PolarsError, OSError, FactoryError) as error:
        raise Malformed(str(error) if isinstance(error, FactoryError) else "not CSV, or damaged") from error


@cache
def _width(schema: type[dy.Schema]) -> int:
    return len(schema.columns())


@cache
def adapters(schema: type[dy.Schema]) -> tuple[TypeAdapter[dict[str, Any]], TypeAdapter[list[dict[str, Any]]]]:
    """What reads one record and what reads many, up to the first that is wrong."""
    with warnings.catch_warnings(action="ignore"):  # that rules are not translated: scoring checks them
        fields = {name: _field(column) for name, column in schema.columns().items()}
        fields |= {name: NotRequired[Any] for name in parsing.ignored() if name not in fields}
    record = with_config(STRICT)(TypedDict("Record", fields))  # type: ignore[operator]
    return TypeAdapter(record), TypeAdapter(Annotated[list[record], FailFast()])  # type: ignore[valid-type, arg-type]


def example() -> dict[str, Any]:
    """A record that keeps the contract, as JSON has it."""
    row = valid(contract.Row).row(0, named=True)
    shown: dict[str, Any] = adapters(contract.Row)[0].dump_python(row, mode="json")
    return shown


@cache
def valid(schema: type[dy.Schema]) -> pl.DataFrame:
    """A row that keeps the contract."""
    return schema.sample(1, generator=dy.random.Generator(0))


def _field(column: dy.Column) -> Any:
    is_missing = parsing.hidden_missing(column)
    field = _known(column)
    return Annotated[field, BeforeValidator(lambda v: None if is_missing(v) else v)] if is_missing else field


def _known(column: dy.Column) -> Any:
    field = column.pydantic_field()
    if type(column) in TEXTS:
        pattern, stated, read = TEXTS[type(column)]
        zone = getattr(column, "time_zone", None)
        if zone:
            (pattern, stated), read = ZONED, lambda text: datetime.fromisoformat(text).astimezone(ZoneInfo(str(zone)))
        schema = {"type": "string", "pattern": pattern, "description": column.description or stated}
        validated = BeforeValidator(partial(_iso, re.compile(pattern, re.ASCII), stated, read))
        kind: Any = Annotated[Any, validated, WithJsonSchema(schema)]
        return kind | None if column.nullable else kind
    if column.dtype.is_integer() and column.min is None and column.max is None:  # type: ignore[attr-defined]
        low, high = pl.select(column.dtype.min(), high=column.dtype.max()).row(0)  # type: ignore[attr-defined]
        return Annotated[field, Field(ge=low, le=high)]
    return field


def _iso(pattern: re.Pattern[str], stated: str, read: Callable[[str], Any], value: Any) -> Any:
    if not isinstance(value, str) or not pattern.match(value):
        raise ValueError(f"should be {stated}")
    try:
        return read(value)
    except (ValueError, OverflowError) as error:  # its message may hold the value
        raise ValueError(f"should be {stated}") from error


def _violation(place: tuple[int | str, ...], problem: str) -> Violation:
    row = place[0] if place and isinstance(place[0], int) else 0
    field = next((str(part) for part in place if isinstance(part, str)), "record")
    return Violation(f"{field:.100}", problem.removeprefix("Value error, "), row)
