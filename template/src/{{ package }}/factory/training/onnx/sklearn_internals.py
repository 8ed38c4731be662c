"""Histogram gradient boosting as an ONNX graph, which skl2onnx cannot make.

All that is relied on of scikit-learn without being promised is in this module: how a fitted booster keeps its trees
may change with any minor release, hence the upper bound in pyproject.toml.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LEQ, MEMBER = 0, 6  # modes of a TreeEnsemble's nodes
LINKS = {"IdentityLink": "Identity", "LogLink": "Exp", "LogitLink": "Sigmoid", "MultinomialLogit": "Softmax"}


def boosting_graph(estimator: Any, n_features: int, classes: int = 0) -> Any:
    """The fitted estimator's trees, sums and link function. Raises AttributeError or KeyError on an unknown kind."""
    baseline = estimator._baseline_prediction.ravel().astype(np.float32)
    link = LINKS[type(estimator._loss.link).__name__]
    if (link == "Softmax") != (classes > 2):
        raise KeyError(link)
    shape = [-1, len(baseline)] if classes else [-1]
    constants = {"rows": np.array(shape), "baseline": baseline}
    nodes = [
        tree_ensemble(estimator),
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


def tree_ensemble(estimator: Any) -> Any:
    """Encode all trees as one node; a categorical split tests the side missing does not take."""
    trees = [tree for iteration in estimator._predictors for tree in iteration]
    targets = len(estimator._predictors[0])
    nodes, bitsets, roots = _joined_trees(trees)
    leaf = nodes["is_leaf"].astype(bool)
    sizes = np.diff([*roots, len(nodes)])
    index = np.where(leaf, np.cumsum(leaf), np.cumsum(~leaf)) - 1
    split = nodes[~leaf]
    categorical = split["is_categorical"].astype(bool)
    missing_left = split["missing_go_to_left"].astype(bool)
    columns, categories = _columns_and_categories(estimator)
    members: list[float] = []
    for node in split[categorical]:
        values = categories[node["feature_idx"]]
        left = np.unpackbits(bitsets[node["bitset_idx"]].view(np.uint8), bitorder="little")
        members += [*values[left[: len(values)] != node["missing_go_to_left"]], np.nan]
    if_true, if_false = np.where(
        categorical & missing_left, (split["right"], split["left"]), (split["left"], split["right"])
    )
    tensors = {
        "nodes_modes": np.where(categorical, MEMBER, LEQ).astype(np.uint8),
        "nodes_splits": _round_down(np.where(categorical, 0.0, split["num_threshold"])),
        "leaf_weights": nodes["value"][leaf].astype(np.float32),
    } | ({"membership_values": np.array(members, np.float32)} if members else {})
    integers = {
        "tree_roots": index[roots],
        "nodes_featureids": columns[split["feature_idx"]],
        "nodes_truenodeids": index[if_true],
        "nodes_trueleafs": leaf[if_true],
        "nodes_falsenodeids": index[if_false],
        "nodes_falseleafs": leaf[if_false],
        "nodes_missing_value_tracks_true": missing_left & ~categorical,
        "leaf_targetids": np.repeat(np.arange(len(trees)) % targets, sizes)[leaf],
    }
    attributes = {name: numpy_helper.from_array(array) for name, array in tensors.items()} | {
        name: array.astype(int).tolist() for name, array in integers.items()
    }
    attributes["n_targets"] = targets
    return helper.make_node("TreeEnsemble", ["features"], ["trees"], domain="ai.onnx.ml", **attributes)


def _joined_trees(trees: list[Any]) -> tuple[NDArray[Any], NDArray[np.uint32], list[int]]:
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


def _columns_and_categories(estimator: Any) -> tuple[NDArray[np.intp], list[NDArray[Any]]]:
    """Map the estimator's inner columns (categorical first) and codes to those of the matrix."""
    if estimator._preprocessor is None:
        return np.arange(estimator.n_features_in_), []
    columns = np.argsort(~estimator.is_categorical_, kind="stable")
    categories = estimator._preprocessor.named_transformers_["encoder"].categories_
    return columns, [values[~np.isnan(values)] for values in categories]


def _round_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round down to float32, which keeps "x <= value" exact for every float32 x."""
    rounded = values.astype(np.float32)
    below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded > values, below, rounded)
