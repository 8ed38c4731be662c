"""The OpenAPI document: records from the contract, errors, and a valid example."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from ... import contract
from ..scoring import histories
from . import parsing, tensors
from .middleware import ADMIN_PATHS, needs_key
from .model_slot import LoadedModel


class Problem(BaseModel):
    """What is wrong with a record: its position in the request, the field or rule, and the reason."""

    row: int | None
    field: str
    message: str


class ErrorResponse(BaseModel):
    """Why the request failed. No value of the request is repeated."""

    error: str
    problems: list[Problem]


DESCRIPTIONS = {
    400: "The body does not match its content type",
    401: "A valid API key is required",
    408: "The body took too long to arrive",
    413: "The body or the number of rows exceeds a limit",
    415: "Unsupported content type",
    422: "The rows violate the contract",
    429: "Too many requests from this caller, at once or a second, or too much data in them; see Retry-After",
    503: "Too many connections or requests at once, or data in them; all workers are busy; no model in service; or a timeout",
}
ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": reason} for status, reason in DESCRIPTIONS.items()
}
SCHEMAS = "#/components/schemas/"
RECORD = {"$ref": f"{SCHEMAS}Record"}
BINARY = {"schema": {"type": "string", "format": "binary"}}
EXPLAIN = {
    "name": "explain",
    "in": "query",
    "description": "Whether the scores, of JSON and of at most 100 rows, are explained",
    "schema": {"type": "boolean", "default": False},
}
ORIGIN = {
    "name": "origin",
    "in": "query",
    "description": "The time after which to forecast; by default the newest at which the target of any series is known",
    "schema": {"type": "string", "examples": ["2026-11-30T18:00"]},
}
OBSERVATIONS = {"type": "array", "items": {"$ref": f"{SCHEMAS}Observation"}}


def _body(json: dict[str, Any]) -> dict[str, Any]:
    tables = {"application/vnd.apache.arrow.stream": BINARY, "text/csv": BINARY}
    return {"required": True, "content": {"application/json": {"schema": json}, **tables}}


REQUEST_BODY = _body({"anyOf": [RECORD, {"type": "array", "items": RECORD}]})
HISTORY_BODY = _body(OBSERVATIONS)


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the model that serves, built when it is first requested."""
    model = app.state.service.champion.current
    if app.openapi_schema is None or app.state.documented is not model:
        app.state.documented, app.openapi_schema = model, _build(app, model)
    return app.openapi_schema


def _build(app: FastAPI, model: LoadedModel | None) -> dict[str, Any]:
    content = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = content["components"]["schemas"]
    record = parsing.record_adapters(contract.Row)[0].json_schema(ref_template=f"{SCHEMAS}{{model}}")
    if model:
        record["examples"] = [model.example]
    inference = tensors.InferenceRequest.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
    for name, schema in {"Record": record, "InferenceRequest": inference}.items():
        schemas |= {**schema.pop("$defs", {}), name: schema}
    if model:
        _describe_score(schemas["Score"]["properties"], model.manifest)
    if model and model.manifest.get("forecast"):
        _describe_forecast(schemas, model)
        content["paths"]["/forecast"]["post"]["requestBody"]["content"]["application/json"]["example"] = model.history
    if app.state.service.settings.keys:
        content["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        locked = ADMIN_PATHS if app.state.service.settings.admin == "key" else ()
        for path, methods in content["paths"].items():
            for operation in methods.values():
                operation["security"] = [{"key": []}] if needs_key(path) or path.startswith(locked) else []
    return content


def _describe_forecast(schemas: dict[str, Any], model: LoadedModel) -> None:
    """Describe observations by the contract, and name the series and the time in their forecasts."""
    history = histories.schema(model.manifest)
    observation = parsing.record_adapters(history, True)[0].json_schema(ref_template=f"{SCHEMAS}{{model}}")
    schemas |= observation.pop("$defs", {})
    schemas["Observation"], fields = observation, schemas["Forecast"]["properties"]
    keys = histories.keys(model.manifest)
    times = {"origin": observation["properties"][histories.settings(model.manifest).time]}
    named = {name: (observation["properties"] | times | fields)[name] for name in keys}
    schemas["Forecast"]["properties"] = named | {name: fields[name] for name in fields if name not in named}
    schemas["Forecast"]["required"] = [*keys, "score"]
    _describe_score(schemas["Forecast"]["properties"], model.manifest)


def _describe_score(fields: dict[str, Any], facts: dict[str, Any]) -> None:
    """Keep only the fields that the model's scores have, with the type of its decision."""
    if facts.get("classes"):
        fields["decision"] = {"title": "Decision", "type": "string", "enum": facts["classes"]}
    else:
        fields.pop("probabilities", None)
        if facts["threshold"] is None:
            fields.pop("decision", None)
        else:
            fields["decision"] = {"title": "Decision", "type": "boolean"}
    for name in ("low", "high"):
        if facts.get("interval"):
            fields[name] = {"title": name.title(), "type": "number"}
        else:
            del fields[name]
