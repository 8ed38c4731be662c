"""Tensors of the Open Inference Protocol: from requests to rows, from scores to responses, and their metadata."""

import json
import math
import struct
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel, Field, ValidationError

from ... import contract
from .. import PACKAGE
from .parsing import InvalidBody, TooLarge, check_json
from .settings import JSON_MB

JSON_SIZE = "Inference-Header-Content-Length"  # of the header with the size of the JSON, where bytes follow it
DATATYPES: dict[str, Any] = {
    "BOOL": np.bool_,
    **{f"{sign}INT{bits}": np.dtype(f"{sign.lower()}int{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64)},
    "FP32": np.float32,
    "FP64": np.float64,
}
DATATYPE_OF = {np.dtype(dtype).name: name for name, dtype in DATATYPES.items()}


class Tensor(BaseModel):
    """One column of the rows."""

    name: str
    shape: list[int] = Field(min_length=1, max_length=2)
    datatype: str
    parameters: dict[str, Any] = {}
    data: list[Any] | None = None


class RequestedOutput(BaseModel):
    """A requested output; its parameters may ask for bytes."""

    name: str
    parameters: dict[str, Any] = {}


class InferenceRequest(BaseModel):
    """A request of the protocol."""

    id: str = ""
    parameters: dict[str, Any] = {}
    inputs: list[Tensor]
    outputs: list[RequestedOutput] = []


class TensorMetadata(BaseModel):
    """A tensor's name, type and shape; -1 stands for the number of rows."""

    name: str
    datatype: str
    shape: list[int]


class InferenceResponse(BaseModel):
    """A response of the protocol."""

    id: str = ""
    model_name: str
    model_version: str
    outputs: list[Tensor]


def metadata(name: str, dtype: pl.DataType) -> TensorMetadata:
    """The tensor of a column of that type; all but numbers and booleans are text."""
    datatype = DATATYPE_OF.get(str(dtype).lower().replace("boolean", "bool"), "BYTES")
    return TensorMetadata(name=name, datatype=datatype, shape=[-1])


def read_request(body: bytes, json_size: str | None, max_rows: int) -> tuple[InferenceRequest, pl.DataFrame]:
    """The request and its rows. Raises InvalidBody and TooLarge."""
    request, at = _parse_json(body, json_size)
    columns = {}
    for tensor in request.inputs:
        if math.prod(tensor.shape) > max_rows:
            raise TooLarge(f"more than {max_rows:,} rows")
        size = tensor.parameters.get("binary_data_size")
        try:
            if size is None:
                columns[tensor.name] = _from_list(tensor)
            else:
                columns[tensor.name] = _from_bytes(tensor, body[at : at + size])
                at += size
        except (KeyError, TypeError, ValueError, OverflowError, struct.error, pl.exceptions.PolarsError) as error:
            raise InvalidBody(f"tensor {tensor.name:.100}: its data do not match its datatype and shape") from error
    heights = {column.len() for column in columns.values()}
    if len(heights) > 1 or len(columns) != len(request.inputs) or at != len(body):
        raise InvalidBody("tensors need different names, the same number of rows, and sizes that add up to the body's")
    return request, _table(columns, max(heights, default=0))


def write_response(request: InferenceRequest, version: str, scores: list[pl.Series]) -> tuple[bytes, int | None]:
    """The response, and the size of its JSON if tensors follow as bytes. Raises InvalidBody."""
    columns = {column.name: column for column in scores}
    outputs, tail = [], b""
    if len({requested.name for requested in request.outputs}) < len(request.outputs):
        raise InvalidBody("an output is requested twice")
    for requested in request.outputs or [RequestedOutput(name=name) for name in columns]:
        if requested.name not in columns:
            raise InvalidBody(f"no such output: {requested.name:.100}: the outputs are {', '.join(columns)}")
        values = columns[requested.name]
        output = metadata(requested.name, values.dtype).model_dump() | {"shape": [len(values)]}
        if requested.parameters.get("binary_data", request.parameters.get("binary_data_output", False)):
            data = _to_bytes(values)
            outputs.append(output | {"parameters": {"binary_data_size": len(data)}})
            tail += data
        else:
            outputs.append(output | {"data": values.to_list()})
    content = {"id": request.id, "model_name": PACKAGE, "model_version": version, "outputs": outputs}
    head = json.dumps(content, allow_nan=False).encode()
    return head + tail, len(head) if tail else None


def _parse_json(body: bytes, json_size: str | None) -> tuple[InferenceRequest, int]:
    """The request in the JSON, and the position where that ends."""
    try:
        end = len(body) if json_size is None else int(json_size)
    except ValueError as error:
        raise InvalidBody(f"{JSON_SIZE} is not a number") from error
    if not 0 <= end <= len(body):
        raise InvalidBody(f"{JSON_SIZE} exceeds the body")
    if end > JSON_MB * 1e6:
        raise TooLarge(f"the JSON is larger than {JSON_MB:g} MB: send tensors as bytes")
    check_json(body[:end], float)
    try:
        return InferenceRequest.model_validate_json(body[:end]), end
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise InvalidBody(f"not a request of the Open Inference Protocol: {place or 'the JSON'}") from error


def _to_bytes(values: pl.Series) -> bytes:
    if values.dtype != pl.String:
        return values.to_numpy().tobytes()
    texts = [text.encode() for text in values]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _from_list(tensor: Tensor) -> pl.Series:
    values = [value for row in tensor.data or [] for value in (row if isinstance(row, list) else [row])]
    if len(values) != math.prod(tensor.shape) or tensor.shape[1:] not in ([], [1]):
        raise ValueError(tensor.shape)
    if tensor.datatype == "BYTES":
        return pl.Series(values, dtype=pl.String)
    return pl.Series(values, dtype=pl.Series(np.empty(0, DATATYPES[tensor.datatype])).dtype)


def _from_bytes(tensor: Tensor, data: bytes) -> pl.Series:
    if len(data) != tensor.parameters["binary_data_size"] or tensor.shape[1:] not in ([], [1]):
        raise ValueError(tensor.shape)
    if tensor.datatype == "BYTES":
        values: list[str] = []
        at = 0
        while at < len(data) and len(values) <= tensor.shape[0]:
            start, at = at + 4, at + 4 + struct.unpack_from("<I", data, at)[0]
            values.append(data[start:at].decode())
        if at > len(data):
            raise ValueError("truncated")
        series = pl.Series(values, dtype=pl.String)
    else:
        series = pl.Series(np.frombuffer(data, DATATYPES[tensor.datatype]))
    if series.len() != math.prod(tensor.shape):
        raise ValueError(tensor.shape)
    return series


def _table(columns: dict[str, pl.Series], height: int) -> pl.DataFrame:
    """The columns as rows; in nullable columns empty text and NaN are null, and so is a missing column."""
    for name, column in contract.Row.columns().items():
        if column.nullable:
            values = columns.get(name, pl.Series([None] * height))
            if values.dtype == pl.String:
                values = values.replace("", None)
            columns[name] = values.fill_nan(None) if values.dtype.is_float() else values
    return pl.DataFrame({name: values.alias(name) for name, values in columns.items()})
