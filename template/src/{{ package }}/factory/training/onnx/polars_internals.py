"""polars' optimized plans, in which it has made all types explicit, read into an ONNX graph.

All that is relied on of polars without being promised is in this module and, as names of operations, in `operators`:
the visitor of plans may change with any release. What it then makes of a plan is compared with polars' own features
(see `features`), so that a change costs the graph, never a wrong score; hence the upper bound in pyproject.toml.
"""

from typing import Any

import dataframely as dy
import polars as pl

from ...scoring.standalone import DATE_PARTS
from .operators import Graph, UnknownExpression, Value, cast, function, literal, require_integer_range


class PlanReader:
    """Reads plans into one graph, over the columns of the schema."""

    def __init__(self, schema: type[dy.Schema]) -> None:
        self.graph = Graph()
        self.schema = schema.columns()

    def columns(self, frame: pl.LazyFrame) -> list[Value]:
        """The columns of the frame, in order."""
        computed = self._columns(frame._ldf.visit())
        columns = [computed.get(name) or self._raw(name) for name in frame.collect_schema()]
        if any(column.literal is not None for column in columns):
            raise UnknownExpression("a column that is constant")
        return columns

    def _columns(self, plan: Any) -> dict[str, Value]:
        """The columns that the plan's current node, and those that feed it, compute of the raw ones."""
        node, expressions, inputs = plan.view_current_node(), plan.get_exprs(), plan.get_inputs()
        kind = type(node).__name__
        if kind == "DataFrameScan" and node.selection is None:
            return {}
        plan.set_node(*inputs)
        before = self._columns(plan)
        plan.set_node(*inputs)
        computed = {expression.output_name: self._value(plan, expression.node, before) for expression in expressions}
        return {"Select": computed, "HStack": before | computed, "SimpleProjection": before}[kind]

    def _value(self, plan: Any, index: int, columns: dict[str, Value]) -> Value:
        """An expression of the plan."""
        node, dtype, g = plan.view_expression(index), plan.get_dtype(index), self.graph

        def values(*indices: int) -> list[Value]:
            return [self._value(plan, i, columns) for i in indices]

        match type(node).__name__:
            case "Column":
                return columns.get(node.name) or self._raw(node.name)
            case "Literal":
                return literal(g, node.value, node.dtype)
            case "Cast":
                return cast(g, values(node.expr)[0], node.dtype)
            case "Ternary":
                condition, truthy, falsy = values(node.predicate, node.truthy, node.falsy)
                branches = (cast(g, branch, dtype).data for branch in (truthy, falsy))
                return Value(g("Where", g("Equal", condition.data, g.constant(1)), *branches), dtype)
            case "BinaryExpr":
                return function(g, _last(node.op), [], values(node.left, node.right), dtype)
            case "Function":
                name, *options = node.function_data
                if not str(name).startswith("TemporalFunction"):
                    return function(g, _last(name), options, values(*node.input), dtype)
                column = plan.view_expression(*node.input)
                if _last(name) in DATE_PARTS and type(column).__name__ == "Column" and column.name not in columns:
                    return Value(g.input(column.name, _last(name)), dtype)
        raise UnknownExpression(type(node).__name__)

    def _raw(self, name: str) -> Value:
        """A column of the contract whose values are numbers, and whose NaN can but mean unknown."""
        column = self.schema[name]
        dtype = column.dtype
        is_number = dtype.is_integer() or dtype.is_float() or dtype in (pl.Boolean, pl.Enum)
        if not is_number or getattr(column, "allow_nan", False) or getattr(column, "allow_inf", False):
            raise UnknownExpression(f"{name}, {dtype}")
        return require_integer_range(self.graph, Value(self.graph.input(name), dtype))


def _last(name: object) -> str:
    return str(name).rpartition(".")[2]
