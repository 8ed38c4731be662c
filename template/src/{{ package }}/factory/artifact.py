"""The model on disk: model.skops, model.onnx and features.onnx where proven equal, and a sealed manifest.json."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from . import digest
from .errors import ArtifactError
from .slices import Matrix, Predictor, sliced

MODEL = Path("model")
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Artifact:
    """The facts about a model, and its scores of a matrix of features."""

    manifest: dict[str, Any]
    predict: Predictor
    features: Any = None  # graph that makes the matrix of raw rows, if there is one


def save(folder: Path, estimator: Any, facts: dict[str, Any], probes: Matrix, features: bytes | None = None) -> None:
    """Write the fitted estimator; as ONNX too if both agree on all probes. Raises ArtifactError.

    `features` is the graph that makes them of raw rows, if there is one.
    """
    from . import export

    folder.mkdir(parents=True)
    (folder / "model.skops").write_bytes(export.to_skops(estimator))
    classes = len(facts.get("classes") or [])
    expected = predictor(_load_skops(folder / "model.skops"), classes)(probes)
    graph = export.to_onnx(estimator, probes.shape[1], classes)
    difference = None if graph is None else _largest_difference(expected, _onnx(session(graph))(probes))
    if graph is not None and difference is not None and difference <= TOLERANCE:
        (folder / "model.onnx").write_bytes(graph)
    if features is not None:
        (folder / "features.onnx").write_bytes(features)
    parity = {"rows": len(probes), "largest_difference": difference, "tolerance": TOLERANCE}
    digest.seal(folder, {**facts, "onnx": parity})


def load(folder: Path = MODEL) -> Artifact:
    """The model in the folder once every file's sha256 is verified. Raises ArtifactError.

    Nothing in the folder is run as code: ONNX is data, and skops constructs reviewed types only.
    """
    manifest = digest.unseal(folder)
    model = _graph(folder / "model.onnx", manifest)
    predict = _by_skops(folder, manifest) if model is None else _onnx(model)
    return Artifact(manifest, predict, _graph(folder / "features.onnx", manifest))


def _graph(path: Path, manifest: dict[str, Any]) -> Any:
    try:
        return session(path.read_bytes()) if path.name in manifest["files"] else None
    except Exception as error:
        raise ArtifactError(f"{path}: not for this onnxruntime: {str(error).partition(chr(10))[0]}") from error


def disagreement(folder: Path, probes: Matrix) -> float:
    """The largest difference between the scores by ONNX and by scikit-learn; 0 where there is no ONNX model."""
    if not (folder / "model.onnx").exists():
        return 0.0
    graph = (folder / "model.onnx").read_bytes()
    return _largest_difference(_by_skops(folder, digest.unseal(folder))(probes), _onnx(session(graph))(probes))


def predictor(estimator: Any, classes: int = 0) -> Predictor:
    """The fitted estimator's score of each row: the probability of true, or the predicted value.

    Of so many classes, the probability of each: shape (rows, classes).
    """

    def predict(features: Matrix) -> NDArray[np.float64]:
        if not len(features):  # which scikit-learn refuses
            return np.empty((0, classes) if classes else 0)
        if hasattr(estimator, "predict_proba"):
            said = estimator.predict_proba(features)
            return (said if classes else said[:, 1]).astype(np.float64)  # type: ignore[no-any-return]
        return estimator.predict(features).astype(np.float64)  # type: ignore[no-any-return]

    return sliced(predict, 1)


def session(graph: bytes) -> Any:
    """The graph, ready to run."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else it reports to its makers
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # more would add up the trees in another order; batches run side by side instead
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _onnx(graph: Any) -> Predictor:
    def predict(features: Matrix) -> NDArray[np.float64]:
        return graph.run(["score"], {"features": features})[0].astype(np.float64)  # type: ignore[no-any-return]

    return sliced(predict, os.cpu_count() or 1)


def _by_skops(folder: Path, manifest: dict[str, Any]) -> Predictor:
    return predictor(_load_skops(folder / "model.skops"), len(manifest.get("classes") or []))


def _load_skops(path: Path) -> Any:
    from skops.io import get_untrusted_types, load
    from skops.io.exceptions import UntrustedTypesFoundException

    from ..model import TRUSTED_TYPES

    try:
        return load(path, trusted=TRUSTED_TYPES)
    except UntrustedTypesFoundException as error:
        found = sorted(set(get_untrusted_types(file=path)) - set(TRUSTED_TYPES))
        raise ArtifactError(
            f"{path} would construct {', '.join(found)}: review them and add them to TRUSTED_TYPES in model.py"
        ) from error
    except BadZipFile as error:
        raise ArtifactError(f"{path} is not a skops file: run `dvc repro`") from error


def _largest_difference(expected: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.max(np.abs(found - expected) / np.maximum(1, np.abs(expected)), initial=0))
