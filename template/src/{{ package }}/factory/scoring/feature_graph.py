"""Features of a single raw row without polars, whose overhead exceeds the time of scoring it."""

import json
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from .. import manifest
from ..tables.chunks import Matrix
from ..validation.rules import bound_rules, rules
from .standalone import DATE_PARTS


class FeatureGraph:
    """Computes the features of raw rows, given as tuples in the contract's order, and whether they are valid.

    `checked` are the names of the contract's rules that the graph and the limits of columns cover, `complete` whether
    that is all of them.
    """

    def __init__(self, session: Any, schema: type[dy.Schema]) -> None:
        metadata = _metadata(session)
        self.checked = bound_rules(schema) | set(metadata["rules"])
        self.complete = rules(schema).keys() <= self.checked
        columns = list(schema.columns())
        self._run = session.run
        self._encoders = [
            (columns.index(name), _encoder(schema.columns()[name].dtype, part)) for name, part in metadata["leaves"]
        ]

    def __call__(self, rows: list[tuple[Any, ...]]) -> tuple[Matrix, NDArray[np.bool_]]:
        """The features, shape (rows, features), and for which rows they are valid, shape (rows,)."""
        raw = [[math.nan if row[i] is None else encode(row[i]) for i, encode in self._encoders] for row in rows]
        features, valid = self._run(None, {"raw": np.array(raw, np.float64)})
        return features, valid.all(axis=1)


def matching_graph(session: Any, features: Callable[[Any], Any], schema: type[dy.Schema]) -> FeatureGraph | None:
    """The graph in the session, if there is one and it was made from these features and this contract."""
    with suppress(Exception):  # the features may no longer be expressions alone
        if session and _metadata(session)["fingerprint"] == fingerprint(features, schema):
            return FeatureGraph(session, schema)
    return None


def fingerprint(features: Callable[[Any], Any], schema: type[dy.Schema]) -> str:
    """A hash of the expressions of the features and the contract, independent of where they are written."""
    rows = schema.create_empty().lazy()
    plans = [features(rows), rows.select(**rules(schema))]
    return manifest.sha256(b"".join(plan.serialize() for plan in plans))


def _metadata(session: Any) -> dict[str, Any]:
    return json.loads(session.get_modelmeta().custom_metadata_map["about"])  # type: ignore[no-any-return]


def _encoder(dtype: pl.DataType, part: str) -> Callable[[Any], float]:
    if isinstance(dtype, pl.Enum):
        return {category: float(code) for code, category in enumerate(dtype.categories)}.__getitem__
    return DATE_PARTS[part] if part else float
