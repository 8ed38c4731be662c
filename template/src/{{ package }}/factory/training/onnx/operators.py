"""An ONNX graph in the making, from raw rows to features."""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import onnx
import polars as pl
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


EXACT = 2**53 - 1
BETWEEN = {"both": ("GtEq", "LtEq"), "left": ("GtEq", "Lt"), "right": ("Gt", "LtEq"), "none": ("Gt", "Lt")}
TRUTHS: dict[str, Callable[..., str]] = {
    "Lt": lambda g, a, b: g.compared("Less", a, b),
    "LtEq": lambda g, a, b: g.compared("LessOrEqual", a, b),
    "Gt": lambda g, a, b: g.compared("Greater", a, b),
    "GtEq": lambda g, a, b: g.compared("GreaterOrEqual", a, b),
    "Eq": lambda g, a, b: g.compared("Equal", a, b),
    "NotEq": lambda g, a, b: g("Sub", g.constant(1), g.compared("Equal", a, b)),
    "And": lambda g, a, b: g.kleene("Min", a, b),
    "Or": lambda g, a, b: g.kleene("Max", a, b),
    "Not": lambda g, a: g("Sub", g.constant(1), a),
    "IsNull": lambda g, a: g.truth(g("IsNaN", a)),
    "IsNotNull": lambda g, a: g.truth(g("Not", g("IsNaN", a))),
}
SAME = {"Plus": "Add", "Minus": "Sub", "Multiply": "Mul", "negate": "Neg", "abs": "Abs"}
REAL = {"TrueDivide": "Div", "sqrt": "Sqrt", "log": "Log", "floor": "Floor", "ceil": "Ceil", "sin": "Sin", "cos": "Cos"}
LOWEST = {"sqrt": 0.0, "log": math.ulp(0.0)}


class UnknownExpression(Exception):
    """An expression that has no counterpart here."""


@dataclass(frozen=True)
class Value:
    """A column: its data in the graph, its type in polars and, of a constant, itself."""

    data: str
    dtype: pl.DataType
    literal: Any = None


def literal(g: Graph, value: Any, dtype: pl.DataType) -> Value:
    """A constant; text and lists have no data."""
    if dtype == pl.List or dtype == pl.String:
        return Value("", dtype, value)
    number = math.nan if value is None else pl.Series([value], dtype=dtype).to_physical().item()
    if value is not None and not abs(number) <= (EXACT if dtype.is_integer() else sys.float_info.max):
        raise UnknownExpression(f"the number {number}")
    return Value(g.constant(number), dtype, number)


def whole(g: Graph, a: Value) -> Value:
    """The same column; a row in which an integer would leave its type, or what doubles can hold, is not fine."""
    if a.dtype.is_integer():
        low, high = pl.select(low=a.dtype.min(), high=a.dtype.max()).row(0)  # type: ignore[attr-defined]
        g.stays(a.data, max(low, -EXACT), min(high, EXACT))
    return a


def cast(g: Graph, a: Value, dtype: pl.DataType) -> Value:
    """Truths, integers and singles as integers or doubles that can hold them."""
    widened = a.dtype == pl.Boolean or a.dtype.is_integer()
    if a.dtype in (dtype, pl.Null()) or (dtype == pl.Float64 and (widened or a.dtype == pl.Float32)):
        return Value(a.data, dtype)
    if not (widened and dtype.is_integer()):
        raise UnknownExpression(f"{a.dtype} as {dtype}")
    return whole(g, Value(a.data, dtype))


def function(g: Graph, name: str, options: list[Any], args: list[Value], dtype: pl.DataType) -> Value:
    """A function or an operation, by its name in the plan."""
    if name in ("coalesce", "fill_null"):
        data = [cast(g, a, dtype).data for a in args]
        return Value(reduce(lambda a, b: g("Where", g("IsNaN", a), b, a), data), dtype)
    return Value(truth(g, name, options, args), dtype) if dtype == pl.Boolean else number(g, name, args, dtype)


def truth(g: Graph, name: str, options: list[Any], args: list[Value]) -> str:
    """A function that yields a truth, of columns of the same type."""
    first, *others = args
    if name == "IsBetween":
        return g.kleene(
            "Min", *(truth(g, op, [], [first, b]) for op, b in zip(BETWEEN[options[0]], others, strict=True))
        )
    if name == "IsIn" and options == [False] and others[0].dtype == pl.List(first.dtype):
        same = [truth(g, "Eq", [], [first, literal(g, value, first.dtype)]) for value in others[0].literal]
        return reduce(lambda a, b: g.kleene("Max", a, b), same)
    if isinstance(first.dtype, pl.Enum):  # which polars compares with text
        others = [literal(g, b.literal, first.dtype) if b.dtype == pl.String else b for b in others]
    if any(b.dtype != first.dtype for b in others):
        raise UnknownExpression(f"{name} of different types")
    return TRUTHS[name.removeprefix("Logical")](g, first.data, *(b.data for b in others))


def number(g: Graph, name: str, args: list[Value], dtype: pl.DataType) -> Value:
    """Integers to integers, or numbers to doubles; a row in which one is infinite or undefined is not fine."""
    if name == "log" and args.pop().literal != math.e:
        raise UnknownExpression("log of another base")
    [kind], data = {a.dtype for a in args}, [a.data for a in args]
    if not (kind == pl.Float64 or kind.is_integer()) or dtype != (kind if name in SAME else pl.Float64):
        raise UnknownExpression(f"{name} of {kind}")
    op = (SAME | REAL)[name]
    if name in LOWEST:
        g.stays(data[0], LOWEST[name])
    if name == "TrueDivide" and args[1].literal is None:
        g.stays(g("Reciprocal", data[1]))
    elif name == "TrueDivide":  # polars multiplies, too
        op, data[1] = "Mul", literal(g, 1 / args[1].literal, dtype).data
    found = Value(g(op, *data), dtype)
    return whole(g, found) if dtype.is_integer() else Value(g.stays(found.data), dtype)
