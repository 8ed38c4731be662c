"""An ONNX graph in the making, from raw rows to features."""

import json
import math
import sys
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Nodes, each distinct one once, over leaves: columns of raw rows, or parts of their dates.

    Every tensor holds doubles, shape (rows, 1), NaN where unknown and nowhere else; 1 and 0 stand for true and false.
    """

    def __init__(self) -> None:
        self.nodes: dict[tuple[Any, ...], onnx.NodeProto] = {}
        self.constants: dict[str, onnx.TensorProto] = {}
        self.leaves: dict[tuple[str, str], str] = {}
        self.ranges: dict[tuple[str, float, float], None] = {}

    def __call__(self, op: str, *inputs: str, **attributes: Any) -> str:
        """The name of the operation's result."""
        key = (op, inputs, *attributes.items())
        if key not in self.nodes:
            self.nodes[key] = helper.make_node(op, inputs, [f"{op}_{len(self.nodes)}"], **attributes)
        return str(self.nodes[key].output[0])

    def constant(self, *numbers: float) -> str:
        """The name of one row of doubles."""
        name = f"constant_{list(map(float, numbers))}"
        self.constants[name] = numpy_helper.from_array(np.array([numbers], np.float64), name)
        return name

    def leaf(self, column: str, part: str = "") -> str:
        """The name of a column of the graph's input."""
        return self.leaves.setdefault((column, part), f"leaf_{len(self.leaves)}")

    def stays(self, data: str, low: float = -sys.float_info.max, high: float = sys.float_info.max) -> str:
        """The same data, on the condition that what is known of it lies in the range: else the row is not `fine`."""
        self.ranges[data, low, high] = None
        return data

    def truth(self, found: str, *known: str) -> str:
        """A tensor of bool as data, unknown where any of the data that it is about is unknown."""
        data = self("Cast", found, to=TensorProto.DOUBLE)
        for one in known:
            data = self("Where", self("IsNaN", one), self.constant(math.nan), data)
        return data

    def compared(self, op: str, a: str, b: str) -> str:
        """Whether a comparison holds."""
        return self.truth(self(op, a, b), a, b)

    def kleene(self, op: str, a: str, b: str) -> str:
        """And or Or of truths: the Min or Max of 0, 1 and, where unknown, a half."""
        half = self.constant(0.5)
        found = self(op, *(self("Where", self("IsNaN", data), half, data) for data in (a, b)))
        return self("Where", self("Equal", found, half), self.constant(math.nan), found)

    def finish(self, features: list[str], about: dict[str, Any]) -> bytes:
        """From `raw`, double (rows, leaves), to `features`, float32 (rows, features), and `fine`, bool (rows, ranges)."""
        if not self.ranges:
            self.stays(features[0])
        data, low, high = zip(*self.ranges, strict=True)
        checked, leaves = self("Concat", *data, axis=1), list(self.leaves.values())
        outside = self("Or", self("Less", checked, self.constant(*low)), self("Greater", checked, self.constant(*high)))
        doubles = self("Concat", *features, axis=1)
        nodes = [
            helper.make_node("Split", ["raw"], leaves, axis=1, num_outputs=len(leaves)),
            *self.nodes.values(),
            helper.make_node("Cast", [doubles], ["features"], to=TensorProto.FLOAT),
            helper.make_node("Not", [outside], ["fine"]),
        ]
        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes,
            "features",
            [helper.make_tensor_value_info("raw", TensorProto.DOUBLE, ["N", len(leaves)])],
            [
                helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", len(features)]),
                helper.make_tensor_value_info("fine", TensorProto.BOOL, ["N", len(data)]),
            ],
            [constant for name, constant in self.constants.items() if name in used],
        )
        model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
        helper.set_model_props(model, {"about": json.dumps({**about, "leaves": list(self.leaves)})})
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
