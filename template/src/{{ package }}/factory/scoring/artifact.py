"""version.json beside a model: which version it is. The model itself cannot know, as it is made before its tag."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .. import manifest as digest
from ..errors import ArtifactError
from ..paths import MODEL
from ..tables.chunks import Matrix, Predictor, chunked

NAME = "version.json"


def write(folder: Path, version: str, commit: str) -> None:
    """Say which version the model in the folder is."""
    facts = {"version": version, "commit": commit, "model": digest.file_sha256(folder / "manifest.json")}
    (folder / NAME).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, str]:
    """`version`, `commit` and `model`, the sha256 of manifest.json; a model without a version goes by its digits."""
    model = digest.file_sha256(folder / "manifest.json")
    try:
        facts: dict[str, str] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if facts["model"] == model:
            return facts
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {"version": model[:12], "commit": "", "model": model}


@dataclass(frozen=True)
class Artifact:
    """The facts about a model, and its scores of a matrix of features."""

    manifest: dict[str, Any]
    predict: Predictor
    features: Any = None  # graph that makes the matrix of raw rows, if there is one


def load(folder: Path = MODEL) -> Artifact:
    """The model in the folder once every file's sha256 is verified. Raises ArtifactError.

    Nothing in the folder is run as code: ONNX is data, and skops constructs reviewed types only.
    """
    manifest = digest.read_manifest(folder)
    model = _graph(folder / "model.onnx", manifest)
    predict = skops_predictor(folder, manifest) if model is None else onnx_predictor(model)
    return Artifact(manifest, predict, _graph(folder / "features.onnx", manifest))


def _graph(path: Path, manifest: dict[str, Any]) -> Any:
    try:
        return session(path.read_bytes()) if path.name in manifest["files"] else None
    except Exception as error:
        raise ArtifactError(f"{path}: not for this onnxruntime: {str(error).partition(chr(10))[0]}") from error


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

    return chunked(predict, 1)


def session(graph: bytes) -> Any:
    """The graph, ready to run."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else it reports to its makers
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # more would add up the trees in another order; batches run side by side instead
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def onnx_predictor(graph: Any) -> Predictor:
    """The scores of a graph that `session` made ready."""

    def predict(features: Matrix) -> NDArray[np.float64]:
        return graph.run(["score"], {"features": features})[0].astype(np.float64)  # type: ignore[no-any-return]

    return chunked(predict, os.cpu_count() or 1)


def skops_predictor(folder: Path, manifest: dict[str, Any]) -> Predictor:
    """The scores of model.skops. Raises ArtifactError."""
    return predictor(load_skops(folder / "model.skops"), len(manifest.get("classes") or []))


def load_skops(path: Path) -> Any:
    """The fitted estimator, of reviewed types alone. Raises ArtifactError."""
    from skops.io import get_untrusted_types, load
    from skops.io.exceptions import UntrustedTypesFoundException

    from ...model import TRUSTED_TYPES

    try:
        return load(path, trusted=TRUSTED_TYPES)
    except UntrustedTypesFoundException as error:
        found = sorted(set(get_untrusted_types(file=path)) - set(TRUSTED_TYPES))
        raise ArtifactError(
            f"{path} would construct {', '.join(found)}: review them and add them to TRUSTED_TYPES in model.py"
        ) from error
    except BadZipFile as error:
        raise ArtifactError(f"{path} is not a skops file: run `dvc repro`") from error
