"""The Open Inference Protocol (KServe V2, REST): one tensor for each column of the contract, scores and decisions out."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from ... import contract
from .. import PACKAGE
from ..scoring import predictions
from . import tensors
from .model_slot import Loaded
from .openapi import PLACE, REFUSALS
from .routes import read, refuse_compressed
from .service import Service, Unready

LENGTH = "Inference-Header-Content-Length"
router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])


class Unknown(Exception):
    """There is no such model, or it is another version."""


class Metadata(BaseModel):
    """What goes into the model and what comes out."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[tensors.Described]
    outputs: list[tensors.Described]


NOT_HERE: dict[int | str, dict[str, Any]] = {
    404: {"model": REFUSALS[400]["model"], "description": "There is no such model or version"},
    503: REFUSALS[503],
}
VERSIONED = {"parameters": [{"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}]}


@router.get("")
async def server() -> dict[str, Any]:
    """The server and the extensions of the protocol that it knows."""
    return {"name": PACKAGE, "version": "2", "extensions": ["binary_tensor_data"]}


@router.get("/health/live")
async def live() -> dict[str, bool]:
    """The process answers."""
    return {"live": True}


@router.get("/health/ready", responses={503: REFUSALS[503]})
async def ready(request: Request) -> dict[str, bool]:
    """A model is loaded, and the service is not about to end."""
    if request.app.state.service.draining:
        raise Unready("draining")
    _loaded(request, PACKAGE)
    return {"ready": True}


@router.get("/models/{name}", responses=NOT_HERE)
@router.get("/models/{name}/versions/{version}", responses=NOT_HERE, openapi_extra=VERSIONED)
async def model(request: Request, name: str) -> Metadata:
    """The model's tensors: a column that may be null may be left out, be NaN or, as text, be empty."""
    loaded = _loaded(request, name)
    inputs = [tensors.described(name, column.dtype) for name, column in contract.Row.columns().items()]
    said = loaded.scorer.predict_with_ids(contract.Row.create_empty())[1]
    columns = predictions.to_columns(said, loaded.scorer.manifest)
    outputs = [tensors.described(column.name, column.dtype) for column in columns]
    return Metadata(name=PACKAGE, versions=[loaded.version], platform="onnxruntime", inputs=inputs, outputs=outputs)


@router.get("/models/{name}/ready", responses=NOT_HERE)
@router.get("/models/{name}/versions/{version}/ready", responses=NOT_HERE, openapi_extra=VERSIONED)
async def model_ready(request: Request, name: str) -> dict[str, Any]:
    """The model is loaded."""
    _loaded(request, name)
    return {"name": name, "ready": True}


BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"{PLACE}Inference"}}},
    }
}


@router.post(
    "/models/{name}/infer", response_model=tensors.Inferred, responses={**REFUSALS, **NOT_HERE}, openapi_extra=BODY
)
@router.post(
    "/models/{name}/versions/{version}/infer",
    response_model=tensors.Inferred,
    responses={**REFUSALS, **NOT_HERE},
    openapi_extra=BODY | VERSIONED,
)
async def infer(request: Request, name: str) -> Response:
    """Score the rows that the tensors hold; tensors may follow the JSON as bytes."""
    service: Service = request.app.state.service
    loaded = _loaded(request, name)
    named = loaded if "version" in request.path_params else None
    refuse_compressed(request)
    body = await read(request, service.settings.body_mb)
    header = request.headers.get(LENGTH.lower())

    def work() -> Response:
        asked, table = tensors.read(body, header)
        answer = service.score(request.scope["call"], table, named)
        content, length = tensors.write(asked, name, answer)
        if length is None:
            return Response(content, media_type="application/json")
        return Response(content, media_type="application/octet-stream", headers={LENGTH: str(length)})

    return await service.run(len(body), work)


def _loaded(request: Request, name: str) -> Loaded:
    service: Service = request.app.state.service
    serving = [slot.current for slot in (service.champion, service.challenger) if slot and slot.current]
    if not serving:
        raise Unready("no model is loaded")
    wanted = request.path_params.get("version", serving[0].version)
    found = next((loaded for loaded in serving if loaded.version == wanted), None)
    if name != PACKAGE or found is None:
        raise Unknown("there is no such model or version: GET /v2/models/" + PACKAGE)
    return found
