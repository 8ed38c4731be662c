"""Parsing of request bodies: JSON strictly by the types of the contract, and tables as Arrow or CSV."""

import io
import json
import re
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
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
from ..scoring import histories
from ..tables import csv
from ..tables.names import of_header, without_nothing
from ..validation import numbers, texts, times, unseen
from ..validation.parsing import formats, hidden_missing, ignored, is_ignored, missing_words, try_cast
from ..validation.rules import columns_of, violated_rules
from . import arrow

Row = tuple[Any, ...]
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
DAY, CLOCK = r"\d{4}-\d{2}-\d{2}", r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
ISO_FORMATS: dict[type[dy.Column], tuple[str, str, Callable[[str], Any]]] = {
    dy.Date: (f"^{DAY}$", "a date like 2013-02-04", date.fromisoformat),
    dy.Time: (f"^{CLOCK}$", "a time like 18:30:00", time.fromisoformat),
    dy.Datetime: (f"^{DAY}[T ]{CLOCK}$", "a local date and time like 2013-02-04T18:30:00", datetime.fromisoformat),
}
"""Only ISO 8601: pydantic also accepts seconds since 1970 and any offset."""
ZONED = (
    f"^{DAY}[T ]{CLOCK} ?(Z|UTC|GMT|[+-]\\d{{2}}(:?\\d{{2}})?)$",
    "a date and time with its offset like 2013-02-04T18:30:00Z",
)


class InvalidBody(FactoryError):
    """The body does not match its content type."""


class TooLarge(Exception):
    """The body or the number of rows exceeds a limit."""


def read_json(body: bytes, schema: type[dy.Schema] | None = None) -> list[Row]:
    """The rows of an object or of an array of objects: of the contract, or of a schema in which those that may be null may be left out.

    Raises InvalidBody and ContractViolation.
    """
    check_json(body, _reject_constant)
    one, many = record_adapters(schema or contract.Row, schema is not None)
    try:
        records = many.validate_json(body) if body.lstrip()[:1] == b"[" else [one.validate_json(body)]
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        if problems[0]["type"] == "json_invalid":
            raise InvalidBody("invalid JSON: a string or a number cannot be parsed") from error
        if problems[0]["type"] == "extra_forbidden" and is_ignored(str(problems[0]["loc"][-1])):
            return read_json(_without_ignored(body, schema or contract.Row), schema)
        raise ContractViolation([_violation(schema or contract.Row, **problem) for problem in problems]) from error
    if schema is None:
        return [tuple(islice(record.values(), _width(contract.Row))) for record in records]
    names = schema.column_names()
    return [tuple(map(record.get, names)) for record in records]


def _without_ignored(body: bytes, schema: type[dy.Schema]) -> bytes:
    """The records without the numbers of the rows."""
    content, columns = json.loads(body), schema.columns()
    records = [
        {name: value for name, value in record.items() if name in columns or not is_ignored(name)}
        if isinstance(record, dict)
        else record
        for record in (content if isinstance(content, list) else [content])
    ]
    return json.dumps(records).encode()


def read_arrow(body: bytes, max_rows: int, schema: type[dy.Schema] | None = None) -> pl.DataFrame:
    """The table in an Arrow IPC stream, of at most one row more than the maximum. Raises InvalidBody."""
    try:
        arrow.check(body, len((schema or contract.Row).columns()))
        return pl.read_ipc_stream(io.BytesIO(body), n_rows=max_rows + 1)
    except (struct.error, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise InvalidBody("not a valid, uncompressed Arrow IPC stream") from error


def read_csv(body: bytes, max_rows: int, schema: type[dy.Schema] | None = None) -> pl.DataFrame:
    """The table in a CSV file, as text, of at most one row more than the maximum. Raises InvalidBody."""
    header, titles = body.find(b"\n"), ",".join((schema or contract.Row).columns()).encode()
    if header > 4 * len(titles) + 1000 or body.count(b'"', 0, max(header, 0)) % 2:
        raise InvalidBody("body: the header is longer than the contract allows")
    try:
        csv.check(io.BytesIO(body), "body")
        separator = csv.delimiter(io.BytesIO(body))
        found = csv.titles(io.BytesIO(body), separator, "body")
        if len({*found}) < len(found):
            raise InvalidBody("body: several columns have the same name")
        names = of_header(found, "body")
        rows = pl.read_csv(body, infer_schema=False, n_rows=max_rows + 1, separator=separator, new_columns=names)
        return without_nothing(rows.lazy(), found, "body").collect()
    except (pl.exceptions.PolarsError, OSError, FactoryError) as error:
        raise InvalidBody(str(error) if isinstance(error, FactoryError) else "not valid CSV") from error


def check_json(body: bytes, parse_constant: Callable[[str], Any]) -> None:
    """Reject JSON that parsers read differently, or fail on. Raises InvalidBody."""
    try:
        json.loads(body, object_pairs_hook=_reject_duplicates, parse_constant=parse_constant)
    except RecursionError as error:
        raise InvalidBody("invalid JSON: nested too deeply") from error
    except ValueError as error:
        place = (
            f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "some value"
        )
        raise InvalidBody(f"invalid JSON at {place}") from error


@cache
def record_adapters(
    schema: type[dy.Schema], optional: bool = False
) -> tuple[TypeAdapter[dict[str, Any]], TypeAdapter[list[dict[str, Any]]]]:
    """Pydantic's adapters for one record and for a list, which stops at the first invalid record.

    With `optional`, what may be null may be left out.
    """
    with warnings.catch_warnings(action="ignore"):  # about rules that pydantic cannot express: scoring checks them
        fields = {name: _field(name, column) for name, column in schema.columns().items()}
        if optional:
            fields |= {name: NotRequired[fields[name]] for name, column in schema.columns().items() if column.nullable}
        fields |= {name: NotRequired[Any] for name in ignored() if name not in fields}
    record = with_config(STRICT)(TypedDict("Record", fields))  # type: ignore[operator]
    return TypeAdapter(record), TypeAdapter(Annotated[list[record], FailFast()])  # type: ignore[valid-type, arg-type]


def example_record(typical: dict[str, Any]) -> dict[str, Any]:
    """A valid record in JSON's types, with the typical values of a model's manifest."""
    row = typical_row(contract.Row, typical).row(0, named=True)
    record: dict[str, Any] = record_adapters(contract.Row)[0].dump_python(row, mode="json")
    return record


def example_history(manifest: dict[str, Any]) -> pl.DataFrame:
    """A short history, with typical values, from which a model forecasts; without any, its target is 1."""
    schema, typical = histories.complete_schema(), manifest.get("typical", {})
    value = typical.get("naive") or 1
    target = round(value) if schema.columns()[manifest["target"]].dtype.is_integer() else value
    return histories.shortest(typical_row(schema, {**typical, manifest["target"]: target}), manifest)


def records_of(history: pl.DataFrame, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of a history in JSON's types, without what is not known."""
    adapter = record_adapters(histories.schema(manifest), True)[1]
    records = adapter.dump_python(history.to_dicts(), mode="json")
    return [{name: value for name, value in record.items() if value is not None} for record in records]


@cache
def valid_row(schema: type[dy.Schema]) -> pl.DataFrame:
    """A table of one random valid row."""
    return schema.sample(1, generator=dy.random.Generator(0))


def typical_row(schema: type[dy.Schema], typical: dict[str, Any]) -> pl.DataFrame:
    """The same with typical values, except for those that violate a rule."""
    values, _ = try_cast(pl.DataFrame([typical]), schema)
    row = valid_row(schema).with_columns(values.get_columns())
    while violated := violated_rules(row, schema, frozenset()):
        values = values.drop({name for rule in violated for name in columns_of(rule, schema)}, strict=False)
        row = valid_row(schema).with_columns(values.get_columns())
    return row


def _reject_constant(name: str) -> None:
    raise InvalidBody(f"invalid JSON: {name} is not a number")


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise InvalidBody("invalid JSON: a name occurs twice in an object")


@cache
def _width(schema: type[dy.Schema]) -> int:
    return len(schema.columns())


def _field(name: str, column: dy.Column) -> Any:
    """The field of a column, with null in place of values that mean missing."""
    is_missing = hidden_missing(column)
    field = _open_field(name, column) if unseen.is_accepted(column) else _strict_field(column)
    return Annotated[field, BeforeValidator(lambda v: None if is_missing(v) else v)] if is_missing else field


def _open_field(name: str, column: dy.Column) -> Any:
    """The field of a column that takes categories that it does not have as something else."""
    types = [{"type": "string", "examples": column.dtype.categories.to_list()}, {"type": "null"}]  # type: ignore[attr-defined]
    schema = {"anyOf": types} if column.nullable else types[0]
    validator = BeforeValidator(lambda value: unseen.known(name, column, value))
    return Annotated[column.pydantic_field(), validator, WithJsonSchema(schema)]


def _strict_field(column: dy.Column) -> Any:
    field = column.pydantic_field()
    if isinstance(column.dtype, pl.Enum) and (texts.is_normalized(column) or texts.is_in_any_case(column)):
        return Annotated[field, BeforeValidator(lambda value: texts.one_category(value, column))]
    if type(column) in ISO_FORMATS:
        pattern, form, parse = ISO_FORMATS[type(column)]
        zone = getattr(column, "time_zone", None)
        if zone:
            (pattern, form), parse = ZONED, partial(_parse_zoned, ZoneInfo(str(zone)))
        schema: dict[str, Any] = {"type": "string", "pattern": pattern, "description": column.description or form}
        read: Callable[[Any], Any] = partial(_parse_iso, re.compile(pattern, re.ASCII), form, parse)
        if format := formats(column).get("format"):
            schema, read = _also_in_format(column, format, schema), partial(_parse_in_format, column, form, read)
        iso_field: Any = Annotated[Any, BeforeValidator(read), WithJsonSchema(schema)]
        return iso_field | None if column.nullable else iso_field
    if column.dtype.is_integer() and column.min is None and column.max is None:  # type: ignore[attr-defined]
        low, high = pl.select(column.dtype.min(), high=column.dtype.max()).row(0)  # type: ignore[attr-defined]
        field = Annotated[field, Field(ge=low, le=high)]
    return _also_as_text(column, field) if numbers.declared(column) else field


def _also_as_text(column: dy.Column, field: Any) -> Any:
    """The field of a number that may also be written as the column's metadata say."""
    schema = TypeAdapter(field).json_schema()
    text = {"type": "string", "description": f"a number, written as {numbers.describe(column)}"}
    read = BeforeValidator(lambda value: _read_number(column, value) if isinstance(value, str) else value)
    return Annotated[field, read, WithJsonSchema({"anyOf": [*schema.get("anyOf", [schema]), text]})]


def _read_number(column: dy.Column, text: str) -> Any:
    if text.strip() in missing_words(column):
        return None
    number = numbers.read(text, column)
    if number is None:
        raise ValueError(f"should be a number, or written as {numbers.describe(column)}")
    return number


def _parse_iso(pattern: re.Pattern[str], form: str, parse: Callable[[str], Any], value: Any) -> Any:
    if not isinstance(value, str) or not pattern.match(value):
        raise ValueError(f"should be {form}")
    try:
        return parse(value)
    except (ValueError, OverflowError) as error:  # their messages may repeat the value
        raise ValueError(f"should be {form}") from error


def _parse_zoned(zone: ZoneInfo, text: str) -> datetime:
    offset = re.sub("(Z|UTC|GMT)$", "+00:00", text)
    return datetime.fromisoformat(offset.replace(" +", "+").replace(" -", "-")).astimezone(zone)


def _also_in_format(column: dy.Column, format: str, iso: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a time in ISO 8601 or in the column's own format."""
    described = ": ".join(filter(None, (f"as {format}", times.explain(column))))
    return {"anyOf": [iso, {"type": ["string", "number"], "description": described}]}


def _parse_in_format(column: dy.Column, form: str, parse_iso: Callable[[Any], Any], value: Any) -> Any:
    with suppress(ValueError):
        return parse_iso(value)
    time = times.read(value, column)
    if time is None:
        raise ValueError(f"should be {form}, or as {formats(column)['format']}")
    return time


def _violation(schema: Any, loc: tuple[int | str, ...], msg: str, type: str, **_: Any) -> Violation:
    row = loc[0] if loc and isinstance(loc[0], int) else 0
    field = next((str(part) for part in loc if isinstance(part, str)), "record")
    meant = texts.hint(field, schema.columns()) if type == "extra_forbidden" else ""
    return Violation(f"{field:.100}", msg.removeprefix("Value error, ") + meant, row)
