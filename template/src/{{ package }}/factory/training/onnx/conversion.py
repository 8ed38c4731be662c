"""A fitted estimator as an ONNX graph: by its own converter, as a combination of such graphs, or by skl2onnx."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    VotingClassifier,
    VotingRegressor,
)

from ...scoring.relative import Relative
from .forests import forest_graph
from .relative import relative_graph
from .sklearn_internals import boosting_graph


def graph_of(estimator: Any, n_features: int, classes: int = 0) -> Any:
    """A graph from `features` to `score`. Raises whatever the converters do."""
    match estimator:
        case HistGradientBoostingClassifier() | HistGradientBoostingRegressor():
            return boosting_graph(estimator, n_features, classes)
        case ExtraTreesClassifier() | ExtraTreesRegressor():
            return forest_graph(estimator, n_features, classes)
        case VotingRegressor() | VotingClassifier(voting="soft"):
            return _blend_graph(estimator, n_features, classes)
        case DummyRegressor(n_outputs_=1):
            return _constant_graph(float(estimator.constant_.item()), n_features)
        case Relative():
            return relative_graph(estimator, graph_of(estimator.regressor_, n_features), n_features)
        case TransformedTargetRegressor(inverse_func=np.expm1, transformer=None):
            return _exponential_graph(estimator, n_features)
    return _skl2onnx_graph(estimator, n_features, classes)


def _blend_graph(estimator: Any, n_features: int, classes: int) -> Any:
    """The weighted mean of the members' scores."""
    graphs = [graph_of(each, n_features, classes) for each in estimator.estimators_]
    weights = [1] * len(graphs) if estimator.weights is None else estimator.weights
    if len(weights) != len(graphs):
        raise ValueError("a blend of which a member is dropped")
    joined = graphs[0]
    parts = [onnx.compose.add_prefix(graph, f"{i}/") for i, graph in enumerate(graphs)]
    result = onnx.ModelProto()
    result.CopyFrom(joined)
    graph = result.graph
    for field in (graph.node, graph.initializer):
        del field[:]
    for i, (part, weight) in enumerate(zip(parts, weights, strict=True)):
        graph.node.append(helper.make_node("Identity", ["features"], [f"{i}/features"]))
        graph.node.extend(part.graph.node)
        graph.initializer.extend(part.graph.initializer)
        graph.initializer.append(_constant(weight / sum(weights), f"{i}/weight"))
        graph.node.append(helper.make_node("Mul", [f"{i}/score", f"{i}/weight"], [f"{i}/weighted"]))
    graph.node.append(helper.make_node("Sum", [f"{i}/weighted" for i in range(len(parts))], ["score"]))
    return _with_opsets(result, *graphs)


def _constant_graph(value: float, n_features: int) -> Any:
    """The same score for every row."""
    inputs = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", n_features])
    output = helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N"])
    nodes = [
        helper.make_node("Shape", ["features"], ["rows"], end=1),
        helper.make_node(
            "ConstantOfShape", ["rows"], ["score"], value=numpy_helper.from_array(np.array([value], np.float32))
        ),
    ]
    graph = helper.make_graph(nodes, "model", [inputs], [output])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def _exponential_graph(estimator: Any, n_features: int) -> Any:
    """What was learned of the logarithm, turned back."""
    inner = onnx.compose.add_prefix(graph_of(estimator.regressor_, n_features), "log/", rename_inputs=True)
    graph = inner.graph
    graph.node.insert(0, helper.make_node("Identity", ["features"], ["log/features"]))
    graph.initializer.append(_constant(1, "one"))
    graph.node.append(helper.make_node("Exp", ["log/score"], ["exponential"]))
    graph.node.append(helper.make_node("Sub", ["exponential", "one"], ["score"]))
    graph.input[0].name, graph.output[0].name = "features", "score"
    return inner


def _constant(value: float, name: str) -> Any:
    return numpy_helper.from_array(np.array(value, np.float32), name)


def _with_opsets(model: Any, *parts: Any) -> Any:
    """The model with the newest version of each set of operations that a part has."""
    versions: dict[str, int] = {}
    for opset in (opset for part in parts for opset in part.opset_import):
        versions[opset.domain] = max(versions.get(opset.domain, 0), opset.version)
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid(*each) for each in sorted(versions.items()))
    return model


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
