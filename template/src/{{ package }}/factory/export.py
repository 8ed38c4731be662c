"""Fitted estimators as bytes that do not change from run to run: skops, and ONNX where it can say the same."""

import json
import logging
import warnings
from io import BytesIO
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
import onnx
import skops.io
from onnx import TensorProto, helper, numpy_helper
from sklearn.base import is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from . import boosting


def to_onnx(estimator: Any, n_features: int, classes: int = 0) -> bytes | None:
    """A graph from `features`, float32 (rows, n_features), to `score` (rows,), or None where no converter knows how.

    The score is the probability of the positive class, or the prediction of a regressor; of so many
    classes, the probability of each: (rows, classes).
    """
    boosted = isinstance(estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            graph = (boosting.to_graph if boosted else _converted)(estimator, n_features, classes)
            onnx.checker.check_model(graph)
            return bytes(graph.SerializeToString(deterministic=True))
        except Exception as error:  # noqa: BLE001  converters raise whatever they like; skops remains
            logging.getLogger(__name__).debug("no ONNX export: %r", error)
            return None


def to_skops(estimator: Any) -> bytes:
    """What skops writes, with memory addresses, random names, times and the number of threads replaced."""
    source, target = ZipFile(BytesIO(skops.io.dumps(estimator))), BytesIO()
    arrays = [name for name in source.namelist() if name != "schema.json"]
    names = {name: f"{i}.{name.rpartition('.')[2]}" for i, name in enumerate(arrays)}
    ids: dict[int, int] = {}

    def rename(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("__loader__") == "JsonNode":
            node.pop("__id__", None)
        elif isinstance(node.get("__id__"), int):
            node["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
        if {"n_threads", "missing_values_bin_idx_"} <= node.keys():
            node["n_threads"]["content"] = "1"
        if isinstance(node.get("file"), str):
            node["file"] = names.get(node["file"], node["file"])
        return node

    schema = json.loads(source.read("schema.json"), object_hook=rename)
    with ZipFile(target, "w") as file:
        for name in arrays:
            file.writestr(_entry(names[name]), source.read(name))
        file.writestr(_entry("schema.json"), json.dumps(schema, indent=1))
    return target.getvalue()


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name)
    entry.create_system = 3
    return entry


def _converted(estimator: Any, n_features: int, classes: int) -> Any:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    classifier = is_classifier(estimator)
    model = convert_sklearn(
        estimator,
        name="model",
        initial_types=[("features", FloatTensorType([None, n_features]))],
        options={id(estimator): {"zipmap": False}} if classifier else None,
        target_opset={"": 21, "ai.onnx.ml": 3},
    )
    opsets = sorted(model.opset_import, key=lambda opset: opset.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    graph, raw = model.graph, model.graph.output[-1].name
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N", classes] if classes else ["N"]))
    if classes:
        graph.node.append(helper.make_node("Identity", [raw], ["score"]))
    elif classifier:
        graph.initializer.append(numpy_helper.from_array(np.array(1), "positive"))
        graph.node.append(helper.make_node("Gather", [raw, "positive"], ["score"], axis=1))
    else:
        graph.initializer.append(numpy_helper.from_array(np.array([-1]), "rows"))
        graph.node.append(helper.make_node("Reshape", [raw, "rows"], ["score"]))
    return model
