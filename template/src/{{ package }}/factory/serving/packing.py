"""Rows of requests as bytes, on their way between the service and its workers, and as tables."""

import io

import polars as pl

from ... import contract
from ..validation.parsing import cast
from ..validation.rules import frame
from . import parsing
from .messages import Bytes
from .parsing import Row

SMALL_JSON = 5000  # bytes, about a dozen rows
Rows = list[Row] | pl.DataFrame


def packed(rows: Rows, body: bytes) -> bytes:
    """Rows that were scored: the JSON that they are from if it is small, which takes less time than an Arrow stream."""
    return body if isinstance(rows, list) and len(body) <= SMALL_JSON else stream_of(table_of(rows))


def unpacked(rows: Rows | Bytes) -> Rows:
    """The rows that were packed."""
    if not isinstance(rows, Bytes):
        return rows
    is_stream = rows[0] == 0xFF  # with which no JSON begins
    return from_stream(rows) if is_stream else parsing.read_json(bytes(rows))


def table_of(rows: Rows) -> pl.DataFrame:
    """Rows that were scored, with the contract's columns and types."""
    if isinstance(rows, list):
        return frame(rows, contract.Row)
    return cast(rows.select(contract.Row.column_names()), contract.Row)


def stream_of(table: pl.DataFrame) -> bytes:
    """The table as an Arrow IPC stream."""
    content = io.BytesIO()
    table.write_ipc_stream(content)
    return content.getvalue()


def from_stream(content: Bytes) -> pl.DataFrame:
    """The table in an Arrow IPC stream."""
    return pl.read_ipc_stream(io.BytesIO(content))
