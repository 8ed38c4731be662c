"""What the Open Inference Protocol sends: requests, answers and descriptions of tensors."""

from typing import Any

from pydantic import BaseModel, Field


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
