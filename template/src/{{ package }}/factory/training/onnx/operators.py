"""The ONNX graph from raw rows to features, and polars' operations in it, by the names that its plans give them."""

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

MAX_EXACT_INTEGER = 2**53 - 1
BOUNDS_OF_BETWEEN = {"both": ("GtEq", "LtEq"), "left": ("GtEq", "Lt"), "right": ("Gt", "LtEq"), "none": ("Gt", "Lt")}
BOOLEAN: dict[str, Callable[..., str]] = {
    "Lt": lambda g, a, b: g.comparison("Less", a, b),
    "LtEq": lambda g, a, b: g.comparison("LessOrEqual", a, b),
    "Gt": lambda g, a, b: g.comparison("Greater", a, b),
    "GtEq": lambda g, a, b: g.comparison("GreaterOrEqual", a, b),
    "Eq": lambda g, a, b: g.comparison("Equal", a, b),
    "NotEq": lambda g, a, b: g("Sub", g.constant(1), g.comparison("Equal", a, b)),
    "And": lambda g, a, b: g.three_valued("Min", a, b),
    "Or": lambda g, a, b: g.three_valued("Max", a, b),
    "Not": lambda g, a: g("Sub", g.constant(1), a),
    "IsNull": lambda g, a: g.boolean(g("IsNaN", a)),
    "IsNotNull": lambda g, a: g.boolean(g("Not", g("IsNaN", a))),
}
SAME_TYPE = {"Plus": "Add", "Minus": "Sub", "Multiply": "Mul", "negate": "Neg", "abs": "Abs"}
TO_DOUBLE = {
    "TrueDivide": "Div",
    "sqrt": "Sqrt",
    "log": "Log",
    "floor": "Floor",
    "ceil": "Ceil",
    "sin": "Sin",
    "cos": "Cos",
}
LEAST_ARGUMENT = {"sqrt": 0.0, "log": math.ulp(0.0)}


class Graph:
    """Nodes, each distinct one once, over inputs: columns of raw rows, or parts of their dates.

    Every tensor holds doubles, shape (rows, 1), NaN where unknown and nowhere else; 1 and 0 stand for true and false.
    """

    def __init__(self) -> None:
        self.nodes: dict[tuple[Any, ...], onnx.NodeProto] = {}
        self.constants: dict[str, onnx.TensorProto] = {}
        self.inputs: dict[tuple[str, str], str] = {}
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

    def input(self, column: str, part: str = "") -> str:
        """The name of a column of the graph's input."""
        return self.inputs.setdefault((column, part), f"leaf_{len(self.inputs)}")

    def require_range(self, data: str, low: float = -sys.float_info.max, high: float = sys.float_info.max) -> str:
        """The same data; a row is valid only where they are NaN or within the range."""
        self.ranges[data, low, high] = None
        return data

    def boolean(self, tensor: str, *operands: str) -> str:
        """A tensor of bool as data, unknown where any of the operands is unknown."""
        data = self("Cast", tensor, to=TensorProto.DOUBLE)
        for operand in operands:
            data = self("Where", self("IsNaN", operand), self.constant(math.nan), data)
        return data

    def comparison(self, op: str, a: str, b: str) -> str:
        """Whether a comparison holds."""
        return self.boolean(self(op, a, b), a, b)

    def three_valued(self, op: str, a: str, b: str) -> str:
        """And or Or (Kleene 1952): the Min or Max of 0, 1 and, where unknown, a half."""
        half = self.constant(0.5)
        result = self(op, *(self("Where", self("IsNaN", data), half, data) for data in (a, b)))
        return self("Where", self("Equal", result, half), self.constant(math.nan), result)

    def finish(self, features: list[str], metadata: dict[str, Any]) -> bytes:
        """From `raw`, double (rows, inputs), to `features`, float32 (rows, features), and `fine`, bool (rows, ranges)."""
        if not self.ranges:
            self.require_range(features[0])
        data, low, high = zip(*self.ranges, strict=True)
        checked, inputs = self("Concat", *data, axis=1), list(self.inputs.values())
        outside = self("Or", self("Less", checked, self.constant(*low)), self("Greater", checked, self.constant(*high)))
        doubles = self("Concat", *features, axis=1)
        nodes = [
            helper.make_node("Split", ["raw"], inputs, axis=1, num_outputs=len(inputs)),
            *self.nodes.values(),
            helper.make_node("Cast", [doubles], ["features"], to=TensorProto.FLOAT),
            helper.make_node("Not", [outside], ["fine"]),
        ]
        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes,
            "features",
            [helper.make_tensor_value_info("raw", TensorProto.DOUBLE, ["N", len(inputs)])],
            [
                helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", len(features)]),
                helper.make_tensor_value_info("fine", TensorProto.BOOL, ["N", len(data)]),
            ],
            [constant for name, constant in self.constants.items() if name in used],
        )
        # "about", "leaves" and "fine" are names in files: champions of earlier releases and exported scorers have them
        model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
        helper.set_model_props(model, {"about": json.dumps({**metadata, "leaves": list(self.inputs)})})
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))


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
    if value is not None and not abs(number) <= (MAX_EXACT_INTEGER if dtype.is_integer() else sys.float_info.max):
        raise UnknownExpression(f"the number {number}")
    return Value(g.constant(number), dtype, number)


def require_integer_range(g: Graph, a: Value) -> Value:
    """The same column; a row in which an integer would leave its type, or what doubles can hold, is not valid."""
    if a.dtype.is_integer():
        low, high = pl.select(low=a.dtype.min(), high=a.dtype.max()).row(0)  # type: ignore[attr-defined]
        g.require_range(a.data, max(low, -MAX_EXACT_INTEGER), min(high, MAX_EXACT_INTEGER))
    return a


def cast(g: Graph, a: Value, dtype: pl.DataType) -> Value:
    """Booleans, integers and singles as integers or doubles that can hold them."""
    is_whole = a.dtype == pl.Boolean or a.dtype.is_integer()
    if a.dtype in (dtype, pl.Null()) or (dtype == pl.Float64 and (is_whole or a.dtype == pl.Float32)):
        return Value(a.data, dtype)
    if not (is_whole and dtype.is_integer()):
        raise UnknownExpression(f"{a.dtype} as {dtype}")
    return require_integer_range(g, Value(a.data, dtype))


def function(g: Graph, name: str, options: list[Any], args: list[Value], dtype: pl.DataType) -> Value:
    """A function or an operation, by its name in the plan."""
    if name in ("coalesce", "fill_null"):
        data = [cast(g, a, dtype).data for a in args]
        return Value(reduce(lambda a, b: g("Where", g("IsNaN", a), b, a), data), dtype)
    return Value(boolean(g, name, options, args), dtype) if dtype == pl.Boolean else numeric(g, name, args, dtype)


def boolean(g: Graph, name: str, options: list[Any], args: list[Value]) -> str:
    """A function that yields booleans, of columns of the same type."""
    first, *others = args
    if name == "IsBetween":
        return g.three_valued(
            "Min",
            *(boolean(g, op, [], [first, b]) for op, b in zip(BOUNDS_OF_BETWEEN[options[0]], others, strict=True)),
        )
    if name == "IsIn" and options == [False] and others[0].dtype == pl.List(first.dtype):
        same = [boolean(g, "Eq", [], [first, literal(g, value, first.dtype)]) for value in others[0].literal]
        return reduce(lambda a, b: g.three_valued("Max", a, b), same)
    if isinstance(first.dtype, pl.Enum):  # which polars compares with text
        others = [literal(g, b.literal, first.dtype) if b.dtype == pl.String else b for b in others]
    if any(b.dtype != first.dtype for b in others):
        raise UnknownExpression(f"{name} of different types")
    return BOOLEAN[name.removeprefix("Logical")](g, first.data, *(b.data for b in others))


def numeric(g: Graph, name: str, args: list[Value], dtype: pl.DataType) -> Value:
    """Integers to integers, or numbers to doubles; a row in which one is infinite or undefined is not valid."""
    if name == "log" and args.pop().literal != math.e:
        raise UnknownExpression("log of another base")
    [kind], data = {a.dtype for a in args}, [a.data for a in args]
    if not (kind == pl.Float64 or kind.is_integer()) or dtype != (kind if name in SAME_TYPE else pl.Float64):
        raise UnknownExpression(f"{name} of {kind}")
    op = (SAME_TYPE | TO_DOUBLE)[name]
    if name in LEAST_ARGUMENT:
        g.require_range(data[0], LEAST_ARGUMENT[name])
    if name == "TrueDivide" and args[1].literal is None:
        g.require_range(g("Reciprocal", data[1]))
    elif name == "TrueDivide":  # polars multiplies, too
        op, data[1] = "Mul", literal(g, 1 / args[1].literal, dtype).data
    result = Value(g(op, *data), dtype)
    return require_integer_range(g, result) if dtype.is_integer() else Value(g.require_range(result.data), dtype)
