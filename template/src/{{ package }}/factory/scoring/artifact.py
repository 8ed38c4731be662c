"""The model on disk, verified when it is loaded and never executed; version.json beside it names its version."""

import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .. import manifest, signatures
from ..errors import ArtifactError
from ..paths import MODEL
from ..tables.chunks import Matrix, Predictor, chunked, processors
from . import onnx_sessions, texts
from .texts import Encoders

VERSION_FILE = "version.json"
FORMAT = 1
"""Of the folder; raised whenever an older factory would misread a newer one."""


@dataclass(frozen=True)
class Artifact:
    """The facts about a model, and its scores of a matrix of features."""

    manifest: dict[str, Any]
    predict: Predictor
    feature_session: Any = None  # of the graph that computes features from raw rows, if there is one
    texts: Encoders = texts.NONE


def load(folder: Path = MODEL, signers: Path | None = None) -> Artifact:
    """The model in the folder, after verifying every file, and who signed it. Raises ArtifactError and SignatureRefused.

    Nothing in the folder is executed: ONNX is data, and skops constructs reviewed types only.
    """
    facts = manifest.read_manifest(folder)
    if (format := facts.get("format", FORMAT)) > FORMAT:
        raise ArtifactError(
            f"{folder} is of format {format}, of which this factory knows no more than {FORMAT}: update the project with `uv run factory update`"
        )
    if signers:
        signatures.verify_file(folder / manifest.NAME, signatures.read(signers), manifest.sealed(facts).encode())
    model = _session_of(folder / "model.onnx", facts)
    predict = skops_predictor(folder, facts) if model is None else onnx_predictor(model)
    return Artifact(facts, predict, _session_of(folder / "features.onnx", facts), _texts_of(folder / texts.NAME, facts))


def _texts_of(path: Path, facts: dict[str, Any]) -> Encoders:
    try:
        return texts.from_bytes(path.read_bytes()) if path.name in facts["files"] else texts.NONE
    except Exception as error:
        raise _not_loaded(path, "numpy", facts, error) from error


def _session_of(path: Path, facts: dict[str, Any]) -> Any:
    try:
        return onnx_sessions.load(path.read_bytes()) if path.name in facts["files"] else None
    except Exception as error:
        raise _not_loaded(path, "onnxruntime", facts, error) from error


def _not_loaded(path: Path, library: str, facts: dict[str, Any], error: Exception) -> ArtifactError:
    """The error that names the library's version here and where the model was made."""
    here, made = import_module(library).__version__, facts.get("versions", {}).get(library, "an unknown one")
    reason = str(error).partition("\n")[0]
    return ArtifactError(
        f"{path} was made with {library} {made}, and {here} cannot load it, install that version: {reason}"
    )


def predictor(estimator: Any, classes: int = 0) -> Predictor:
    """The fitted estimator's score of each row: the probability of true, or the predicted value.

    Of so many classes, the probability of each: shape (rows, classes).
    """
    from joblib import parallel_config  # type: ignore[import-untyped]  # with scikit-learn, which ONNX does without

    def predict(features: Matrix) -> NDArray[np.float64]:
        if not len(features):  # which scikit-learn refuses
            return np.empty((0, classes) if classes else 0)
        with parallel_config("sequential"):  # several jobs of a forest would add up its trees in changing order
            if hasattr(estimator, "predict_proba"):
                probabilities = estimator.predict_proba(features)
                return (probabilities if classes else probabilities[:, 1]).astype(np.float64)  # type: ignore[no-any-return]
            return estimator.predict(features).astype(np.float64)  # type: ignore[no-any-return]

    return chunked(predict, _jobs(estimator))


def _jobs(estimator: Any) -> int:
    """How many chunks to predict at a time: one for each processor, where the estimator asks for several jobs."""
    parameters = estimator.get_params() if hasattr(estimator, "get_params") else {}
    wanted = {value for name, value in parameters.items() if name.rpartition("__")[2] == "n_jobs"}
    return processors() if wanted - {None, 1} else 1


def onnx_predictor(session: Any) -> Predictor:
    """The scores of a graph loaded by `onnx_sessions.load`."""

    def predict(features: Matrix) -> NDArray[np.float64]:
        return session.run(["score"], {"features": features})[0].astype(np.float64)  # type: ignore[no-any-return]

    return chunked(predict, processors())


def skops_predictor(folder: Path, facts: dict[str, Any]) -> Predictor:
    """The scores of model.skops. Raises ArtifactError."""
    return predictor(load_skops(folder / "model.skops", facts), len(facts.get("classes") or []))


def load_skops(path: Path, facts: dict[str, Any] | None = None) -> Any:
    """The fitted estimator, of reviewed types alone. Raises ArtifactError."""
    from skops.io import get_untrusted_types, load
    from skops.io.exceptions import UntrustedTypesFoundException

    from ...model import TRUSTED_TYPES
    from .trusted_types import KNOWN_TYPES

    trusted = [*KNOWN_TYPES, *TRUSTED_TYPES]
    try:
        return load(path, trusted=trusted)
    except UntrustedTypesFoundException as error:
        missing = ", ".join(f'"{name}"' for name in sorted(set(get_untrusted_types(file=path)) - set(trusted)))
        raise ArtifactError(
            f"{path} would construct types that are not trusted: review {missing} and add them to TRUSTED_TYPES in model.py"
        ) from error
    except BadZipFile as error:
        raise ArtifactError(f"{path} is not a skops file: run `uv run dvc repro`") from error
    except Exception as error:  # as skops refuses what a newer release has written
        raise _not_loaded(path, "skops", facts or {}, error) from error


def write_version(folder: Path, version: str, commit: str) -> None:
    """Write which version the model in the folder is; the model cannot hold this itself, since it is made before its tag."""
    content = {"version": version, "commit": commit, "model": manifest.model_id(folder)}
    (folder / VERSION_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_version(folder: Path) -> dict[str, str]:
    """`version`, `commit` and `model`, the sha256 of manifest.json; a model without a version is named by the first digits of that."""
    model = manifest.model_id(folder)
    try:
        content: dict[str, str] = json.loads((folder / VERSION_FILE).read_text(encoding="utf-8"))
        if content["model"] == model:
            return content
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {"version": model[:12], "commit": "", "model": model}
