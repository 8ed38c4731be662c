"""Models whose last digits depend on the processor: the same but for numbers that are nearly equal."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, TensorProto, numpy_helper

NEARLY = 1e-3
FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)
Parts = tuple[Any, list[NDArray[Any]]]
"""What has to be equal, and the numbers that have to be nearly so."""


def nearly_equal(ours: Path, theirs: Path) -> bool:
    """Whether two files of models, both .onnx, .skops or .npz, differ in numbers alone, and by little."""
    if not (ours.exists() and theirs.exists() and ours.suffix in READERS):
        return False
    try:
        (structure, numbers), (expected, others) = (READERS[ours.suffix](path) for path in (ours, theirs))
    except Exception:  # noqa: BLE001  one of them may hold whatever somebody has written
        return False
    return bool(structure == expected) and all(_close(one, other) for one, other in zip(numbers, others, strict=True))


def _close(ours: NDArray[Any], theirs: NDArray[Any]) -> bool:
    return bool(ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=NEARLY, atol=NEARLY, equal_nan=True))


def _read_onnx(path: Path) -> Parts:
    model, numbers = onnx.load(path), []
    for tensor in model.graph.initializer:
        if tensor.data_type in FLOATS:
            numbers.append(numpy_helper.to_array(tensor))
            for field in ("raw_data", "float_data", "double_data"):
                tensor.ClearField(field)
    for attribute in (attribute for node in model.graph.node for attribute in node.attribute):
        if attribute.type in (AttributeProto.FLOAT, AttributeProto.FLOATS):
            numbers.append(np.array(onnx.helper.get_attribute_value(attribute)))
            attribute.ClearField("f")
            attribute.ClearField("floats")
    return model.SerializeToString(deterministic=True), numbers


def _read_skops(path: Path) -> Parts:
    numbers: list[NDArray[Any]] = []
    with ZipFile(path) as archive:
        content = {name: archive.read(name) for name in sorted(archive.namelist())}
    rest: dict[str, Any] = {}
    for name, file in content.items():
        if name.endswith(".npy"):
            numbers.append(np.load(io.BytesIO(file), allow_pickle=False))
            rest[name] = numbers[-1].dtype
        else:
            rest[name] = json.loads(file, object_hook=_without_numbers(numbers)) if name.endswith(".json") else file
    return rest, numbers


def _without_numbers(numbers: list[NDArray[Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A reader of a schema's nodes, which holds a single number as text."""

    def read(node: dict[str, Any]) -> dict[str, Any]:
        number = json.loads(node["content"]) if node.get("__loader__") == "JsonNode" else None
        if not isinstance(number, float):
            return node
        numbers.append(np.array(number))
        return {**node, "content": "number"}

    return read


def _read_arrays(path: Path) -> Parts:
    with np.load(path, allow_pickle=False) as content:
        arrays = {name: content[name] for name in sorted(content.files)}
    numbers = [array for array in arrays.values() if array.dtype.kind == "f"]
    return {name: array.dtype if array.dtype.kind == "f" else array.tolist() for name, array in arrays.items()}, numbers


READERS: dict[str, Callable[[Path], Parts]] = {".onnx": _read_onnx, ".skops": _read_skops, ".npz": _read_arrays}
