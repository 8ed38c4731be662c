"""What the OpenAPI document says beyond the routes: records from the contract, refusals, and an example that works."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from ... import contract
from . import parsing, tensors
from .middleware import FREE


class Problem(BaseModel):
    """What is wrong with a record: its place among the records, the field or the rule, and why."""

    row: int | None
    field: str
    message: str


class Refusal(BaseModel):
    """Why there is no score. No value that was sent is repeated."""

    error: str
    problems: list[Problem]


REASONS = {
    400: "The body is not what its content type says",
    401: "A known API key is needed",
    408: "The body came too slowly",
    413: "The body or its rows are beyond the limits",
    415: "The content type is not read",
    422: "The rows break the contract",
    429: "Too many requests at once from this caller; see Retry-After",
    503: "Too many requests at once, no model, or work that took too long; see Retry-After",
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": reason} for status, reason in REASONS.items()
}
PLACE = "#/components/schemas/"
RECORD = {"$ref": f"{PLACE}Record"}
TABLE = {"schema": {"type": "string", "format": "binary"}}
RECORDS: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {"schema": {"anyOf": [RECORD, {"type": "array", "items": RECORD}]}},
        "application/vnd.apache.arrow.stream": TABLE,
        "text/csv": TABLE,
    },
}


def openapi(app: FastAPI) -> dict[str, Any]:
    """The document, made when it is first asked for."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        record = parsing.adapters(contract.Row)[0].json_schema(ref_template=f"{PLACE}{{model}}")
        inference = tensors.Inference.model_json_schema(ref_template=f"{PLACE}{{model}}")
        for name, schema in {"Record": record | {"examples": [parsing.example()]}, "Inference": inference}.items():
            document["components"]["schemas"] |= {**schema.pop("$defs", {}), name: schema}
        if app.state.service.settings.keys:
            document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            for path, methods in document["paths"].items():
                for operation in methods.values():
                    operation["security"] = [] if path.startswith(FREE) else [{"key": []}]
        app.openapi_schema = document
    return app.openapi_schema
