"""Scores of valid rows by ONNX alone: without polars, whose overhead exceeds the time of scoring a row, and without anybody's code."""

from pathlib import Path
from typing import Any, Self

import dataframely as dy
import numpy as np
from numpy.typing import NDArray

from .. import manifest
from ..errors import ArtifactError
from ..tables.chunks import Predictor
from ..validation.rules import within_bounds
from . import artifact, onnx_sessions
from .feature_graph import FeatureGraph


class Compiled:
    """The graph of the features, and the predictor of the model."""

    def __init__(self, graph: FeatureGraph, predict: Predictor, schema: type[dy.Schema]) -> None:
        self.graph, self._predict, self._schema = graph, predict, schema

    @classmethod
    def load(cls, folder: Path, facts: dict[str, Any], schema: type[dy.Schema]) -> Self:
        """From the folder of a model with these facts, where a scorer has found that the graph fits. Raises ArtifactError."""
        model, features = (_session(folder / name, facts) for name in ("model.onnx", "features.onnx"))
        return cls(FeatureGraph(features, schema), artifact.onnx_predictor(model), schema)

    def scores(self, rows: list[tuple[Any, ...]]) -> NDArray[np.float64] | None:
        """The scores; None where only polars can decide whether the rows are valid."""
        if not all(within_bounds(row, self._schema) for row in rows):
            return None
        inputs, valid = self.graph(rows)
        return self._predict(inputs) if valid.all() else None


def _session(path: Path, facts: dict[str, Any]) -> Any:
    content = path.read_bytes()
    if manifest.sha256(content) != facts["files"][path.name]:
        raise ArtifactError(f"{path}: changed while it was being read")
    return onnx_sessions.load(content)
