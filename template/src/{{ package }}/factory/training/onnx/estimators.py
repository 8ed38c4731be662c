"""The fitted estimator on disk: as skops and, where it scores the same, as an ONNX graph."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ... import manifest
from ...errors import FactoryError
from ...scoring import artifact, onnx_sessions
from ...tables.chunks import Matrix, Predictor
from ..skops_schema import to_skops
from . import parity
from .conversion import graph_of


def save(
    folder: Path,
    estimator: Any,
    facts: dict[str, Any],
    probes: Matrix,
    features: bytes | None = None,
    more: Callable[[Predictor], dict[str, bytes]] = lambda predict: {},
) -> None:
    """Write the fitted estimator; as ONNX too if both agree on all probes, see `parity`. Raises FactoryError.

    `features` is the graph that makes them of raw rows, if there is one; `more` are files that need
    the scores, to the last bit those of the service.
    """
    folder.mkdir(parents=True)
    (folder / "model.skops").write_bytes(to_skops(estimator))
    classes = len(facts.get("classes") or [])
    loaded = artifact.load_skops(folder / "model.skops")
    predict = artifact.predictor(loaded, classes)
    try:
        expected = predict(probes)
    except ValueError as error:
        raise FactoryError(f"model.py: the estimator cannot predict some of the rows: {_first_line(error)}") from error
    graph, difference, reason = b"", None, None
    try:
        graph = to_onnx(estimator, probes.shape[1], classes)
        scores = artifact.onnx_predictor(onnx_sessions.load(graph))(probes)
        difference, reason = _compare(expected, scores, probes, facts.get("threshold"))
    except Exception as error:  # noqa: BLE001  converters and onnxruntime raise whatever they like; skops remains
        reason = f"conversion failed: {_first_line(error)}"
    if reason is None:
        (folder / "model.onnx").write_bytes(graph)
        predict = artifact.onnx_predictor(onnx_sessions.load(graph))
    if features is not None:
        (folder / "features.onnx").write_bytes(features)
    for name, content in more(predict).items():
        (folder / name).write_bytes(content)
    found = {"largest_difference": difference, "tolerance": parity.TOLERANCE, "reason": reason}
    manifest.write_manifest(folder, {**facts, "onnx": {"rows": len(probes), **found}})


def disagreement(folder: Path, probes: Matrix) -> float:
    """The largest difference between the scores by ONNX and by scikit-learn, see `parity`; 0 where there is no ONNX model."""
    if not (folder / "model.onnx").exists():
        return 0.0
    graph, facts = (folder / "model.onnx").read_bytes(), manifest.read_manifest(folder)
    return parity.largest(
        artifact.skops_predictor(folder, facts)(probes),
        artifact.onnx_predictor(onnx_sessions.load(graph))(probes),
        facts.get("threshold"),
    )


def to_onnx(estimator: Any, n_features: int, classes: int = 0) -> bytes:
    """A graph from `features`, float32 (rows, n_features), to `score` (rows,). Raises whatever the converters do.

    The score is the probability of the positive class, or the prediction of a regressor; of so many
    classes, the probability of each: (rows, classes).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = graph_of(estimator, n_features, classes)
        onnx.checker.check_model(graph)
        return bytes(graph.SerializeToString(deterministic=True))


def _compare(
    expected: NDArray[np.float64], scores: NDArray[np.float64], probes: Matrix, threshold: float | None
) -> tuple[float | None, str | None]:
    """The largest difference, and why the graph is not to be used, if it is not."""
    by_row = parity.differences(expected, scores)
    if not np.isfinite(by_row).all():
        return None, "its scores have another shape, or are NaN"
    largest, decided = float(by_row.max(initial=0)), parity.other_decisions(expected, scores, threshold)
    wrong, missing = (by_row > parity.TOLERANCE) | decided, np.isnan(probes).any(axis=1)
    if not wrong.any():
        return largest, None
    count = f"{wrong.sum():,} of {len(probes):,} rows differ by up to {largest:.2g} of the scores' standard deviation"
    if decided.any():
        count += f", {decided.sum():,} of them by the decision"
    if not wrong[~missing].any():
        return (
            largest,
            f"{count}, all with missing values, which the converter does not support: impute them in model.py",
        )
    return largest, f"{count}: the converter does not reproduce this estimator, or float32 is too coarse for its splits"


def _first_line(error: Exception) -> str:
    """Without memory addresses, which would make the manifest differ from run to run."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(error).strip().partition("\n")[0]) or type(error).__name__
