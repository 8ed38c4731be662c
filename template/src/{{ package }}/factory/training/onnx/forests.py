"""Extra trees as an ONNX graph, with missing values, which the converter of skl2onnx does not follow."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .sklearn_internals import tree_ensemble

NODE = [
    *(("is_leaf", "u1"), ("left", "u4"), ("right", "u4"), ("feature_idx", "i8"), ("num_threshold", "f8")),
    *(("missing_go_to_left", "u1"), ("value", "f8"), ("is_categorical", "u1"), ("bitset_idx", "u4")),
]
"""What `tree_ensemble` reads of a tree of boosting."""


def forest_graph(estimator: Any, n_features: int, classes: int = 0) -> Any:
    """The mean of the fitted forest's trees; for several classes with a copy of each tree for each of them."""
    wanted = range(classes) if classes else [1 if hasattr(estimator, "classes_") else 0]
    trees = [[_as_boosted(each.tree_, i, len(estimator.estimators_)) for i in wanted] for each in estimator.estimators_]
    ensemble = SimpleNamespace(_predictors=trees, _preprocessor=None, n_features_in_=n_features)
    shape = numpy_helper.from_array(np.array([-1, classes] if classes else [-1]), "rows")
    graph = helper.make_graph(
        [tree_ensemble(ensemble), helper.make_node("Reshape", ["trees", "rows"], ["score"])],
        "model",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", n_features])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N", classes] if classes else ["N"])],
        [shape],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def _as_boosted(tree: Any, target: int, trees: int) -> Any:
    """The tree with its nodes as boosting keeps them, and as values its share of the mean."""
    nodes: NDArray[Any] = np.zeros(tree.node_count, NODE)
    nodes["is_leaf"] = tree.children_left < 0
    nodes["left"], nodes["right"] = tree.children_left.clip(0), tree.children_right.clip(0)
    nodes["feature_idx"], nodes["num_threshold"] = tree.feature.clip(0), tree.threshold
    nodes["missing_go_to_left"] = tree.missing_go_to_left
    nodes["value"] = tree.value[:, 0, target] / trees
    return SimpleNamespace(nodes=nodes, raw_left_cat_bitsets=np.zeros((0, 8), np.uint32))
