"""Features and rules that are plain polars expressions, as an ONNX graph: the same features, or no graph at all."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from ...scoring import onnx_sessions
from ...scoring.feature_graph import FeatureGraph, fingerprint
from ...scoring.scorer import matrix
from ...validation.rules import bound_rules, rules
from .polars_internals import PlanReader

MAX_PROBES = 20_000


def feature_graph(rows: pl.DataFrame, features: Callable[[Any], Any], schema: type[dy.Schema]) -> bytes | None:
    """The graph of the features and rules, if the rows, whole and with gaps, get the same from it as from polars."""
    rows = rows.sample(min(rows.height, MAX_PROBES), seed=0)
    random = np.random.default_rng(0)
    gaps = [pl.Series(n, random.random(rows.height) < 0.1) for n, column in schema.columns().items() if column.nullable]
    probes = pl.concat([rows, rows.with_columns(pl.when(~gap).then(pl.col(gap.name)).alias(gap.name) for gap in gaps)])
    try:
        graph = translate(rows, features, schema)
        computed, valid = FeatureGraph(onnx_sessions.load(graph), schema)(probes.rows())
        expected = matrix(features(probes))
        return graph if np.array_equal(computed[valid], expected[valid], equal_nan=True) else None
    except Exception as error:  # noqa: BLE001  features.py may do anything, and a plan be new to us; polars remains
        logging.getLogger(__name__).debug("polars makes the features: %r", error)
        return None


def translate(rows: pl.DataFrame, features: Callable[[Any], Any], schema: type[dy.Schema]) -> bytes:
    """The graph of the features, and of the rules between columns that it can hold.

    Raises UnknownExpression, or whatever reading the plan fails with.
    """
    reader, plan = PlanReader(schema), rows.lazy()
    outputs = [value.data for value in reader.columns(features(plan))]
    translated = []
    for name, rule in rules(schema).items():
        with suppress(Exception):  # what it cannot hold is left to polars
            if name not in bound_rules(schema):
                [holds] = reader.columns(plan.select(rule))
                reader.graph.require_range(holds.data, 1, 1)
                translated.append(name)
    return reader.graph.finish(outputs, {"fingerprint": fingerprint(features, schema), "rules": translated})
