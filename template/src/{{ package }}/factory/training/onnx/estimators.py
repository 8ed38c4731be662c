"""The fitted estimator on disk: as skops and, where it scores the same, as an ONNX graph."""

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.base import is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from ... import manifest
from ...scoring import artifact
from ...tables.chunks import Matrix
from ..skops_schema import to_skops
from .sklearn_internals import boosting_graph

TOLERANCE = 1e-5


def save(folder: Path, estimator: Any, facts: dict[str, Any], probes: Matrix, features: bytes | None = None) -> None:
    """Write the fitted estimator; as ONNX too if both agree on all probes. Raises ArtifactError.

    `features` is the graph that makes them of raw rows, if there is one.
    """
    folder.mkdir(parents=True)
    (folder / "model.skops").write_bytes(to_skops(estimator))
    classes = len(facts.get("classes") or [])
    expected = artifact.predictor(artifact.load_skops(folder / "model.skops"), classes)(probes)
    graph = to_onnx(estimator, probes.shape[1], classes)
    difference = None
    if graph is not None:
        difference = _largest_difference(expected, artifact.onnx_predictor(artifact.onnx_session(graph))(probes))
        if difference <= TOLERANCE:
            (folder / "model.onnx").write_bytes(graph)
    if features is not None:
        (folder / "features.onnx").write_bytes(features)
    parity = {"rows": len(probes), "largest_difference": difference, "tolerance": TOLERANCE}
    manifest.write_manifest(folder, {**facts, "onnx": parity})


def disagreement(folder: Path, probes: Matrix) -> float:
    """The largest difference between the scores by ONNX and by scikit-learn; 0 where there is no ONNX model."""
    if not (folder / "model.onnx").exists():
        return 0.0
    graph = (folder / "model.onnx").read_bytes()
    return _largest_difference(
        artifact.skops_predictor(folder, manifest.read_manifest(folder))(probes),
        artifact.onnx_predictor(artifact.onnx_session(graph))(probes),
    )


def to_onnx(estimator: Any, n_features: int, classes: int = 0) -> bytes | None:
    """A graph from `features`, float32 (rows, n_features), to `score` (rows,), or None where no converter knows how.

    The score is the probability of the positive class, or the prediction of a regressor; of so many
    classes, the probability of each: (rows, classes).
    """
    boosted = isinstance(estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            graph = (boosting_graph if boosted else _skl2onnx_graph)(estimator, n_features, classes)
            onnx.checker.check_model(graph)
            return bytes(graph.SerializeToString(deterministic=True))
        except Exception as error:  # noqa: BLE001  converters raise whatever they like; skops remains
            logging.getLogger(__name__).debug("no ONNX export: %r", error)
            return None


def _largest_difference(expected: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    if scores.shape != expected.shape or not np.isfinite(scores).all():
        return float("inf")
    return float(np.max(np.abs(scores - expected) / np.maximum(1, np.abs(expected)), initial=0))


def _skl2onnx_graph(estimator: Any, n_features: int, classes: int) -> Any:
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
