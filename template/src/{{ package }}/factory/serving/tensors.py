"""What the Open Inference Protocol sends: requests, answers and descriptions of tensors."""

import json
import math
import struct
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel, Field, ValidationError

from ... import contract
from ..scoring import predictions
from .parsing import Malformed, check_json
from .service import Answer, TooLarge
from .settings import JSON_MB


class Tensor(BaseModel):
    """One column of the rows."""

    name: str
    shape: list[int] = Field(min_length=1, max_length=2)
    datatype: str
    parameters: dict[str, Any] = {}
    data: list[Any] | None = None


class Wanted(BaseModel):
    """One of the outputs, and whether it is to come as bytes."""

    name: str
    parameters: dict[str, Any] = {}


class Inference(BaseModel):
    """A request of the protocol."""

    id: str = ""
    parameters: dict[str, Any] = {}
    inputs: list[Tensor]
    outputs: list[Wanted] = []


class Described(BaseModel):
    """A tensor's name, type and shape; -1 is the number of rows."""

    name: str
    datatype: str
    shape: list[int]


class Inferred(BaseModel):
    """An answer of the protocol."""

    id: str = ""
    model_name: str
    model_version: str
    outputs: list[Tensor]


KINDS: dict[str, Any] = {
    "BOOL": np.bool_,
    **{f"{sign}INT{bits}": np.dtype(f"{sign.lower()}int{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64)},
    "FP32": np.float32,
    "FP64": np.float64,
}
NAMES = {np.dtype(kind).name: name for name, kind in KINDS.items()}


def described(name: str, dtype: pl.DataType) -> Described:
    """The tensor that fits a column of the type; what is no number is text."""
    kind = NAMES.get(str(dtype).lower().replace("boolean", "bool"), "BYTES")
    return Described(name=name, datatype=kind, shape=[-1])


def read(body: bytes, header: str | None) -> tuple[Inference, pl.DataFrame]:
    """The request and its rows. Raises Malformed and TooLarge."""
    asked, at = _asked(body, header)
    given = {}
    for tensor in asked.inputs:
        size = tensor.parameters.get("binary_data_size")
        try:
            if size is None:
                given[tensor.name] = _listed(tensor)
            else:
                given[tensor.name] = _from_bytes(tensor, body[at : at + size])
                at += size
        except (KeyError, TypeError, ValueError, OverflowError, struct.error, pl.exceptions.PolarsError) as error:
            raise Malformed(f"tensor {tensor.name:.100}: its data do not fit its datatype and shape") from error
    heights = {series.len() for series in given.values()}
    if len(heights) > 1 or len(given) != len(asked.inputs) or at != len(body):
        raise Malformed("the tensors need names and as many rows as each other, and bytes that are all theirs")
    return asked, _table(given, max(heights, default=0))


def _asked(body: bytes, header: str | None) -> tuple[Inference, int]:
    """The JSON of the request, and where it ends."""
    try:
        end = len(body) if header is None else int(header)
    except ValueError as error:
        raise Malformed("Inference-Header-Content-Length is no number") from error
    if not 0 <= end <= len(body):
        raise Malformed("Inference-Header-Content-Length is not within the body")
    if end > JSON_MB * 1e6:
        raise TooLarge(f"the JSON is larger than {JSON_MB:g} MB: send tensors as bytes")
    check_json(body[:end], float)
    try:
        return Inference.model_validate_json(body[:end]), end
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Malformed(f"not a request of the Open Inference Protocol: {place or 'the JSON'}") from error


def write(asked: Inference, name: str, answer: Answer) -> tuple[bytes, int | None]:
    """The answer, and where its JSON ends if tensors follow as bytes. Raises Malformed."""
    made = {column.name: column for column in predictions.to_columns(answer.said, answer.loaded.scorer.manifest)}
    outputs, tail = [], b""
    if len({wanted.name for wanted in asked.outputs}) < len(asked.outputs):
        raise Malformed("an output is wanted twice")
    for wanted in asked.outputs or [Wanted(name=name) for name in made]:
        if wanted.name not in made:
            raise Malformed(f"there is no output {wanted.name:.100}: the outputs are {', '.join(made)}")
        values = made[wanted.name]
        output = described(wanted.name, values.dtype).model_dump() | {"shape": [len(values)]}
        if wanted.parameters.get("binary_data", asked.parameters.get("binary_data_output", False)):
            data = _to_bytes(values)
            outputs.append(output | {"parameters": {"binary_data_size": len(data)}})
            tail += data
        else:
            outputs.append(output | {"data": values.to_list()})
    content = {"id": asked.id, "model_name": name, "model_version": answer.loaded.version, "outputs": outputs}
    head = json.dumps(content, allow_nan=False).encode()
    return head + tail, len(head) if tail else None


def _to_bytes(values: pl.Series) -> bytes:
    if values.dtype != pl.String:
        return values.to_numpy().tobytes()
    texts = [text.encode() for text in values]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _listed(tensor: Tensor) -> pl.Series:
    values = [value for row in tensor.data or [] for value in (row if isinstance(row, list) else [row])]
    if len(values) != math.prod(tensor.shape) or tensor.shape[1:] not in ([], [1]):
        raise ValueError(tensor.shape)
    if tensor.datatype == "BYTES":
        return pl.Series(values, dtype=pl.String)
    return pl.Series(values, dtype=pl.Series(np.empty(0, KINDS[tensor.datatype])).dtype)


def _from_bytes(tensor: Tensor, data: bytes) -> pl.Series:
    if len(data) != tensor.parameters["binary_data_size"] or tensor.shape[1:] not in ([], [1]):
        raise ValueError(tensor.shape)
    if tensor.datatype == "BYTES":
        values, at = [], 0
        while at < len(data):
            start, at = at + 4, at + 4 + struct.unpack_from("<I", data, at)[0]
            values.append(data[start:at].decode())
        if at > len(data):
            raise ValueError("cut off")
        series = pl.Series(values, dtype=pl.String)
    else:
        series = pl.Series(np.frombuffer(data, KINDS[tensor.datatype]))
    if series.len() != math.prod(tensor.shape):
        raise ValueError(tensor.shape)
    return series


def _table(given: dict[str, pl.Series], height: int) -> pl.DataFrame:
    for name, column in contract.Row.columns().items():
        if column.nullable:
            series = given.get(name, pl.Series([None] * height))
            text = series.dtype == pl.String
            given[name] = (
                series.replace("", None) if text else series.fill_nan(None) if series.dtype.is_float() else series
            )
    return pl.DataFrame({name: series.alias(name) for name, series in given.items()})
