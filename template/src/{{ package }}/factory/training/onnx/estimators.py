"""scikit-learn's histogram gradient boosting as an ONNX graph, which its own converter cannot make."""

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
    difference = (
        None
        if graph is None
        else _largest_difference(expected, artifact.onnx_predictor(artifact.onnx_session(graph))(probes))
    )
    if graph is not None and difference is not None and difference <= TOLERANCE:
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


def _largest_difference(expected: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.max(np.abs(found - expected) / np.maximum(1, np.abs(expected)), initial=0))


LEQ, MEMBER = 0, 6
LINKS = {"IdentityLink": "Identity", "LogLink": "Exp", "LogitLink": "Sigmoid", "MultinomialLogit": "Softmax"}


def to_graph(estimator: Any, n_features: int, classes: int = 0) -> Any:
    """The fitted estimator's trees, sums and link function. Raises AttributeError or KeyError on an unknown kind."""
    baseline = estimator._baseline_prediction.ravel().astype(np.float32)
    link = LINKS[type(estimator._loss.link).__name__]
    if (link == "Softmax") != (classes > 2):
        raise KeyError(link)
    shape = [-1, len(baseline)] if classes else [-1]
    constants = {"rows": np.array(shape), "baseline": baseline}
    nodes = [
        _ensemble(estimator),
        helper.make_node("Reshape", ["trees", "rows"], ["sum"]),
        helper.make_node("Add", ["sum", "baseline"], ["raw"]),
        helper.make_node(link, ["raw"], ["linked"]),
    ]
    if classes == 2:  # for which one sum is enough
        constants["one"] = np.array(1, np.float32)
        nodes.append(helper.make_node("Sub", ["one", "linked"], ["first"]))
        nodes.append(helper.make_node("Concat", ["first", "linked"], ["score"], axis=1))
    else:
        nodes[-1].output[:] = ["score"]
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", n_features])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N", classes] if classes else ["N"])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def _ensemble(estimator: Any) -> Any:
    """Encode all trees as one node; a categorical split tests the side missing does not take."""
    trees = [tree for iteration in estimator._predictors for tree in iteration]
    targets = len(estimator._predictors[0])
    nodes, bitsets, roots = _concatenated(trees)
    leaf = nodes["is_leaf"].astype(bool)
    sizes = np.diff([*roots, len(nodes)])
    index = np.where(leaf, np.cumsum(leaf), np.cumsum(~leaf)) - 1
    split = nodes[~leaf]
    categorical = split["is_categorical"].astype(bool)
    missing_left = split["missing_go_to_left"].astype(bool)
    columns, categories = _inputs(estimator)
    members: list[float] = []
    for node in split[categorical]:
        known = categories[node["feature_idx"]]
        left = np.unpackbits(bitsets[node["bitset_idx"]].view(np.uint8), bitorder="little")
        members += [*known[left[: len(known)] != node["missing_go_to_left"]], np.nan]
    sides = np.where(categorical & missing_left, (split["right"], split["left"]), (split["left"], split["right"]))
    tensors = {
        "nodes_modes": np.where(categorical, MEMBER, LEQ).astype(np.uint8),
        "nodes_splits": _floor(np.where(categorical, 0.0, split["num_threshold"])),
        "leaf_weights": nodes["value"][leaf].astype(np.float32),
    } | ({"membership_values": np.array(members, np.float32)} if members else {})
    integers = {
        "tree_roots": index[roots],
        "nodes_featureids": columns[split["feature_idx"]],
        "nodes_truenodeids": index[sides[0]],
        "nodes_trueleafs": leaf[sides[0]],
        "nodes_falsenodeids": index[sides[1]],
        "nodes_falseleafs": leaf[sides[1]],
        "nodes_missing_value_tracks_true": missing_left & ~categorical,
        "leaf_targetids": np.repeat(np.arange(len(trees)) % targets, sizes)[leaf],
    }
    attributes = {name: numpy_helper.from_array(array) for name, array in tensors.items()} | {
        name: array.astype(int).tolist() for name, array in integers.items()
    }
    attributes["n_targets"] = targets
    return helper.make_node("TreeEnsemble", ["features"], ["trees"], domain="ai.onnx.ml", **attributes)


def _concatenated(trees: list[Any]) -> tuple[NDArray[Any], NDArray[np.uint32], list[int]]:
    """Join trees into one table of nodes; a tree of a single leaf becomes a split of two equals."""
    nodes, roots, bits = [], [0], 0
    for tree in trees:
        table = tree.nodes.copy()
        if len(table) == 1:
            table = np.repeat(table, 3)
            table["is_leaf"][0], table["left"][0], table["right"][0] = 0, 1, 2
        table["left"] += roots[-1]
        table["right"] += roots[-1]
        table["bitset_idx"] += bits
        bits += len(tree.raw_left_cat_bitsets)
        roots.append(roots[-1] + len(table))
        nodes.append(table)
    return (
        np.concatenate(nodes),
        np.concatenate([t.raw_left_cat_bitsets for t in trees]),
        roots[:-1],
    )


def _inputs(estimator: Any) -> tuple[NDArray[np.intp], list[NDArray[Any]]]:
    """Map the estimator's inner columns (categorical first) and codes to those of the matrix."""
    if estimator._preprocessor is None:
        return np.arange(estimator.n_features_in_), []
    columns = np.argsort(~estimator.is_categorical_, kind="stable")
    seen = estimator._preprocessor.named_transformers_["encoder"].categories_
    return columns, [values[~np.isnan(values)] for values in seen]


def _floor(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round down to float32, which keeps "x <= value" exact for every float32 x."""
    rounded = values.astype(np.float32)
    below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded > values, below, rounded)


def to_onnx(estimator: Any, n_features: int, classes: int = 0) -> bytes | None:
    """A graph from `features`, float32 (rows, n_features), to `score` (rows,), or None where no converter knows how.

    The score is the probability of the positive class, or the prediction of a regressor; of so many
    classes, the probability of each: (rows, classes).
    """
    boosted = isinstance(estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            graph = (to_graph if boosted else _converted)(estimator, n_features, classes)
            onnx.checker.check_model(graph)
            return bytes(graph.SerializeToString(deterministic=True))
        except Exception as error:  # noqa: BLE001  converters raise whatever they like; skops remains
            logging.getLogger(__name__).debug("no ONNX export: %r", error)
            return None


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
