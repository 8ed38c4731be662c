"""The model and its features as one ONNX file, for any program that has onnxruntime."""

import json
import shutil
from pathlib import Path
from typing import Any

import onnx
import polars as pl

from .... import contract
from ....features import features
from ... import manifest
from ...data import prepare
from ...errors import FactoryError
from ...paths import MODEL
from ...scoring import histories, standalone
from ...workspace import signing
from .features import translate

PREFIX = "model/"


def export(destination: Path, folder: Path = MODEL) -> bool:
    """Write model.onnx, from raw columns to `score`, and scorer.py, which calls it; whether it is signed. Raises FactoryError.

    It is signed where a key is set. The destination is a new folder, written completely or not at all.
    """
    histories.check_rows_are_scored(
        "ONNX has no history() of features.py: use factory export model, or the service's image"
    )
    facts = manifest.read_manifest(folder)
    if destination.exists():
        raise FactoryError(f"{destination} exists already: choose a new folder")
    if "model.onnx" not in facts["files"]:
        raise FactoryError(
            f"{folder}: no model.onnx: {facts['onnx'].get('reason') or 'the estimator has no ONNX equivalent'}"
        )
    if "features.onnx" not in facts["files"]:
        raise FactoryError(f"features.py: {_obstacle()}")
    staging = destination.with_name(f".{destination.name}.tmp")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        (staging / "model.onnx").write_bytes(_merged(folder, facts))
        shutil.copyfile(standalone.__file__, staging / "scorer.py")
        signed = signing.sign_file(staging / "model.onnx")
        staging.replace(destination)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return signed


def _merged(folder: Path, facts: dict[str, Any]) -> bytes:
    feature_graph, model = (onnx.load_model(folder / name) for name in ("features.onnx", "model.onnx"))
    inputs = json.loads(feature_graph.metadata_props[0].value)["leaves"]
    metadata = {name: facts.get(name) for name in ("problem", "target", "id", "threshold", "classes", "files")}
    metadata["leaves"] = [(column, part, _categories(column)) for column, part in inputs]
    merged = onnx.compose.merge_models(feature_graph, model, io_map=[("features", "features")], prefix2=PREFIX)
    del merged.metadata_props[:]
    onnx.helper.set_model_props(merged, {"about": json.dumps(metadata, ensure_ascii=False)})
    for node in merged.graph.node:
        node.output[:] = ["score" if name == f"{PREFIX}score" else name for name in node.output]
    for output in merged.graph.output:
        output.name = output.name.removeprefix(PREFIX)
    onnx.checker.check_model(merged)
    return bytes(merged.SerializeToString(deterministic=True))


def _categories(column: str) -> list[str]:
    dtype = contract.Row.columns()[column].dtype
    return dtype.categories.to_list() if isinstance(dtype, pl.Enum) else []


def _obstacle() -> str:
    """Why the features have no graph."""
    try:
        translate(prepare.read("test").select(contract.Row.column_names()), features, contract.Row)
    except Exception as error:  # noqa: BLE001  features.py may do anything
        return f"no ONNX equivalent of {' '.join(str(error).split()) or type(error).__name__}"
    return "their ONNX graph differs from polars"
