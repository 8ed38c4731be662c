"""The Open Inference Protocol (KServe V2, REST): a tensor for each column in, scores and decisions out."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from ... import contract
from .. import PACKAGE
from . import tensors
from .model_slot import LoadedModel
from .openapi import ERROR_RESPONSES, SCHEMAS
from .responses import TENSORS
from .routes import respond
from .service import NotReady, Service

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])


class ModelNotFound(Exception):
    """No model of that name and version is in service."""


class ModelMetadata(BaseModel):
    """The model's input and output tensors."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[tensors.TensorMetadata]
    outputs: list[tensors.TensorMetadata]


MODEL_ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"model": ERROR_RESPONSES[400]["model"], "description": "No such model or version"},
    503: ERROR_RESPONSES[503],
}
VERSIONED = {"parameters": [{"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}]}


@router.get("")
async def server_metadata() -> dict[str, Any]:
    """The server, and the protocol extensions it supports."""
    return {"name": PACKAGE, "version": "2", "extensions": ["binary_tensor_data"]}


@router.get("/health/live")
async def live() -> dict[str, bool]:
    """The process is alive."""
    return {"live": True}


@router.get("/health/ready", responses={503: ERROR_RESPONSES[503]})
async def ready(request: Request) -> dict[str, bool]:
    """A model is loaded, and the service is not shutting down."""
    request.app.state.service.ready_champion()
    return {"ready": True}


@router.get("/models/{name}", responses=MODEL_ERRORS)
@router.get("/models/{name}/versions/{version}", responses=MODEL_ERRORS, openapi_extra=VERSIONED)
async def model_metadata(request: Request, name: str) -> ModelMetadata:
    """The model's tensors. A nullable column may be omitted, NaN or, if it is text, empty."""
    model = _requested(request, name)
    inputs = [tensors.metadata(name, column.dtype) for name, column in contract.Row.columns().items()]
    outputs = [tensors.TensorMetadata(**output) for output in model.outputs]
    return ModelMetadata(name=PACKAGE, versions=[model.version], platform="onnxruntime", inputs=inputs, outputs=outputs)


@router.get("/models/{name}/ready", responses=MODEL_ERRORS)
@router.get("/models/{name}/versions/{version}/ready", responses=MODEL_ERRORS, openapi_extra=VERSIONED)
async def model_ready(request: Request, name: str) -> dict[str, Any]:
    """The model is loaded."""
    _requested(request, name)
    return {"name": name, "ready": True}


BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"{SCHEMAS}InferenceRequest"}}},
    }
}


@router.post(
    "/models/{name}/infer",
    response_model=tensors.InferenceResponse,
    responses={**ERROR_RESPONSES, **MODEL_ERRORS},
    openapi_extra=BODY,
)
@router.post(
    "/models/{name}/versions/{version}/infer",
    response_model=tensors.InferenceResponse,
    responses={**ERROR_RESPONSES, **MODEL_ERRORS},
    openapi_extra=BODY | VERSIONED,
)
async def infer(request: Request, name: str) -> Response:
    """Score the rows in the tensors, whose data may follow the JSON as bytes."""
    service: Service = request.app.state.service
    _requested(request, name)  # raises before the body is read

    def requested() -> LoadedModel | None:
        return _requested(request, name) if "version" in request.path_params else None

    json_size = request.headers.get(tensors.JSON_SIZE.lower())
    return await respond(request, TENSORS, service.settings.body_mb, requested, json_size=json_size)


def _requested(request: Request, name: str) -> LoadedModel:
    service: Service = request.app.state.service
    serving = [slot.current for slot in (service.champion, service.challenger) if slot and slot.current]
    if not serving:
        raise NotReady("no model is loaded")
    version = request.path_params.get("version", serving[0].version)
    model = next((model for model in serving if model.version == version), None)
    if name != PACKAGE or model is None:
        raise ModelNotFound("no such model or version: GET /v2/models/" + PACKAGE)
    return model
