"""The reference of any version that captures name: model/profile.parquet of its commit, from here, DVC's cache or its storage.

Of another version nothing is executed: a profile is data, whose hash is in the manifest, and the manifest's is in the tag.
"""

import json
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import manifest
from ..errors import CannotEvaluate, FactoryError
from ..paths import DVC_TMP, MODEL
from ..registry import versions
from ..registry.versions import Version
from ..scoring import profile
from ..scoring.profile import Profile
from ..workspace.process import dvc

KEPT = DVC_TMP / "references"
CODE = "NO_REFERENCE"
HASH = re.compile("[0-9a-f]{64}")


def read(model: str, known: list[Version]) -> Profile:
    """The reference of the model that a service has named, of these versions. Raises CannotEvaluate where there is none."""
    try:
        found = profile.read(_folder(model, known))
    except FactoryError as error:
        raise CannotEvaluate(CODE, f"{model} has no reference: {getattr(error, 'reason', error)}") from error
    if found is None:
        raise CannotEvaluate(
            CODE,
            f"{model} was trained by a release that kept none: it is compared with nothing until a new model is promoted and served",
        )
    return found


def _folder(model: str, known: list[Version]) -> Path:
    """A folder with the model's manifest and, if it has one, its profile, both verified."""
    here = manifest.model_id() if (MODEL / manifest.NAME).exists() else ""
    if not model.startswith("v"):
        if not (model and here.startswith(model)):
            raise FactoryError("neither a version nor the model here")
        return _verified(MODEL, here)
    version = versions.find(model, known)
    id = str(version.facts["model"])
    if id == here:
        return _verified(MODEL, id)
    if not HASH.fullmatch(id):  # which becomes a folder's name
        raise FactoryError("its record names no model: run `uv run factory audit`")
    with suppress(FactoryError, OSError):
        return _verified(KEPT / id, id)
    fetched = _verified(_fetched(version.commit, KEPT / f"{id}.tmp"), id)
    shutil.rmtree(KEPT / id, ignore_errors=True)
    return fetched.replace(KEPT / id)


def _fetched(commit: str, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (manifest.NAME, profile.NAME):
        if name == manifest.NAME or name in _files(folder):
            try:
                dvc("get", "--rev", commit, ".", str(MODEL / name), "--out", str(folder / name))
            except FactoryError as error:
                raise FactoryError(f"neither DVC's cache nor its storage has it: {error}") from error
    return folder


def _verified(folder: Path, id: str) -> Path:
    """The folder, if the manifest has this hash, and the profile the one in the manifest. Raises FactoryError."""
    if manifest.model_id(folder) != id:
        raise FactoryError("its manifest is not that of its record: run `uv run factory audit`")
    expected = _files(folder).get(profile.NAME)
    if expected and manifest.file_sha256(folder / profile.NAME) != expected:
        raise FactoryError(f"{folder / profile.NAME} is damaged: delete it, and run `uv run dvc pull`")
    return folder


def _files(folder: Path) -> dict[str, Any]:
    """The hashes in a manifest, which need not be read by the rules of its release."""
    content: dict[str, Any] = json.loads((folder / manifest.NAME).read_text(encoding="utf-8"))
    return content["files"]  # type: ignore[no-any-return]
