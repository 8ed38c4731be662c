"""The graph of `Relative`: what it does around its regressor's graph."""

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ...scoring.relative import FAR

Step = tuple[str, list[str], str]
"""An operation, its inputs, and its output."""


def relative_graph(estimator: Any, regressor: Any, n_features: int) -> Any:
    """The regressor's graph between the features that it sees and what its answer is turned back into."""
    inner = onnx.compose.add_prefix(regressor, "inner/", rename_inputs=True)
    answered = [*inner.graph.node]
    del inner.graph.node[:]
    levels = np.isin(np.arange(n_features), [*(estimator.levels or []), estimator.scale])
    constants = {
        "scale_column": np.array(estimator.scale),
        "is_scale": np.arange(n_features) == estimator.scale,
        "is_level": levels,
        "level": np.float32(estimator.level_),
        "spread": np.float32(estimator.spread_),
        "zero": np.float32(0),
        "far": FAR,
        "far_below": -FAR,
        "unknown": np.float32(np.nan),
        "column": np.array([1]),
    } | {f"base_column{i}": np.array(column) for i, column in enumerate(estimator.base)}
    before, after = _steps(len(estimator.base)), [("Mul", ["scale", "inner/score"], "missed")]
    after.append(("Add", ["base", "missed"], "score" if estimator.least is None else "unlimited"))
    if estimator.least is not None:
        constants["least"] = np.float32(estimator.least)
        after.append(("Max", ["unlimited", "least"], "score"))
    for name, value in constants.items():
        inner.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    inner.graph.node.extend([*_nodes(before), *answered, *_nodes(after)])
    inner.graph.input[0].name, inner.graph.output[0].name = "features", "score"
    return inner


def _steps(bases: int) -> list[Step]:
    """As `Relative.transform` computes it, operation by operation."""
    steps = []
    for i in range(bases):
        steps.append(("Gather", ["features", f"base_column{i}"], f"base{i}"))
        steps.append(("IsNaN", [f"base{i}"], f"no_base{i}"))
    known = f"base{bases - 1}"
    for i in reversed(range(bases - 1)):
        steps.append(("Where", [f"no_base{i}", known, f"base{i}"], f"first{i}"))
        known = f"first{i}"
    return [
        *steps,
        ("IsNaN", [known], "is_new"),
        ("Where", ["is_new", "level", known], "base"),
        ("Gather", ["features", "scale_column"], "raw_scale"),
        ("Greater", ["raw_scale", "zero"], "is_scaled"),
        ("Where", ["is_scaled", "raw_scale", "zero"], "own_scale"),
        ("Where", ["is_new", "spread", "own_scale"], "scale"),
        ("Greater", ["scale", "zero"], "is_known"),
        ("Where", ["is_known", "scale", "unknown"], "unit"),
        ("Unsqueeze", ["base", "column"], "bases"),
        ("Unsqueeze", ["unit", "column"], "units"),
        ("Where", ["is_scale", "zero", "features"], "plain"),
        ("Sub", ["plain", "bases"], "distance"),
        ("Div", ["distance", "units"], "quotient"),
        ("Greater", ["quotient", "far"], "is_far_above"),  # Clip would lose what is unknown
        ("Where", ["is_far_above", "far", "quotient"], "limited"),
        ("Less", ["limited", "far_below"], "is_far_below"),
        ("Where", ["is_far_below", "far_below", "limited"], "scaled"),
        ("Where", ["is_level", "scaled", "plain"], "inner/features"),
    ]


def _nodes(steps: list[Step]) -> list[Any]:
    return [
        helper.make_node(operation, inputs, [output], axis=1)
        if operation == "Gather"
        else helper.make_node(operation, inputs, [output])
        for operation, inputs, output in steps
    ]
