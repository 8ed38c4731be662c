"""Features and rules that are plain polars expressions, as an ONNX graph: the same features, or no graph at all."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from ...scoring import artifact
from ...scoring.feature_graph import FeatureGraph, fingerprint
from ...scoring.scorer import matrix
from ...scoring.standalone import DATE_PARTS
from ...validation.rules import bound_rules, rules
from .operators import Graph, UnknownExpression, Value, cast, function, literal, whole

MAX_PROBES = 20_000


def feature_graph(rows: pl.DataFrame, features: Callable[[Any], Any], schema: type[dy.Schema]) -> bytes | None:
    """The graph of the features and rules, if the rows, whole and with gaps, get the same from it as from polars."""
    rows = rows.sample(min(rows.height, MAX_PROBES), seed=0)
    random = np.random.default_rng(0)
    gaps = [pl.Series(n, random.random(rows.height) < 0.1) for n, column in schema.columns().items() if column.nullable]
    probes = pl.concat([rows, rows.with_columns(pl.when(~gap).then(pl.col(gap.name)).alias(gap.name) for gap in gaps)])
    try:
        graph = translated(rows, features, schema)
        found, fine = FeatureGraph(artifact.onnx_session(graph), schema)(probes.rows())
        return graph if np.array_equal(found[fine], matrix(features(probes))[fine], equal_nan=True) else None
    except Exception as error:  # noqa: BLE001  features.py may do anything, and a plan be new to us; polars remains
        logging.getLogger(__name__).debug("polars makes the features: %r", error)
        return None


def translated(rows: pl.DataFrame, features: Callable[[Any], Any], schema: type[dy.Schema]) -> bytes:
    """The graph of the features, and of the rules between columns that it can hold. Raises what it stumbles over."""
    translation, plan = Translation(schema), rows.lazy()
    made = [value.data for value in translation.columns(features(plan))]
    held = []
    for name, rule in rules(schema).items():
        with suppress(Exception):  # what it cannot hold is left to polars
            if name not in bound_rules(schema):
                [truth] = translation.columns(plan.select(rule))
                translation.graph.stays(truth.data, 1, 1)
                held.append(name)
    return translation.graph.finish(made, {"fingerprint": fingerprint(features, schema), "rules": held})


class Translation:
    """Optimized plans, in which polars has made all types explicit, read into one graph."""

    def __init__(self, schema: type[dy.Schema]) -> None:
        self.graph = Graph()
        self.schema = schema.columns()

    def columns(self, frame: pl.LazyFrame) -> list[Value]:
        """The columns of the frame, in order."""
        made = self.frame(frame._ldf.visit())
        found = [made.get(name) or self.raw(name) for name in frame.collect_schema()]
        if any(value.literal is not None for value in found):
            raise UnknownExpression("a column that is constant")
        return found

    def frame(self, plan: Any) -> dict[str, Value]:
        """The columns that the plan's current node, and those that feed it, make of the raw ones."""
        node, expressions, inputs = plan.view_current_node(), plan.get_exprs(), plan.get_inputs()
        kind = type(node).__name__
        if kind == "DataFrameScan" and node.selection is None:
            return {}
        plan.set_node(*inputs)
        given = self.frame(plan)
        plan.set_node(*inputs)
        made = {expression.output_name: self.value(plan, expression.node, given) for expression in expressions}
        return {"Select": made, "HStack": given | made, "SimpleProjection": given}[kind]

    def value(self, plan: Any, index: int, given: dict[str, Value]) -> Value:
        """An expression of the plan."""
        node, dtype, g = plan.view_expression(index), plan.get_dtype(index), self.graph

        def values(*indices: int) -> list[Value]:
            return [self.value(plan, i, given) for i in indices]

        match type(node).__name__:
            case "Column":
                return given.get(node.name) or self.raw(node.name)
            case "Literal":
                return literal(g, node.value, node.dtype)
            case "Cast":
                return cast(g, values(node.expr)[0], node.dtype)
            case "Ternary":
                test, yes, no = values(node.predicate, node.truthy, node.falsy)
                branches = (cast(g, branch, dtype).data for branch in (yes, no))
                return Value(g("Where", g("Equal", test.data, g.constant(1)), *branches), dtype)
            case "BinaryExpr":
                return function(g, _last(node.op), [], values(node.left, node.right), dtype)
            case "Function":
                name, *options = node.function_data
                if not str(name).startswith("TemporalFunction"):
                    return function(g, _last(name), options, values(*node.input), dtype)
                column = plan.view_expression(*node.input)
                if _last(name) in DATE_PARTS and type(column).__name__ == "Column" and column.name not in given:
                    return Value(g.leaf(column.name, _last(name)), dtype)
        raise UnknownExpression(type(node).__name__)

    def raw(self, name: str) -> Value:
        """A column of the contract whose values are numbers, and whose NaN can but mean unknown."""
        column = self.schema[name]
        dtype = column.dtype
        kept = dtype.is_integer() or dtype.is_float() or dtype in (pl.Boolean, pl.Enum)
        if not kept or getattr(column, "allow_nan", False) or getattr(column, "allow_inf", False):
            raise UnknownExpression(f"{name}, {dtype}")
        return whole(self.graph, Value(self.graph.leaf(name), dtype))


def _last(name: object) -> str:
    return str(name).rpartition(".")[2]
