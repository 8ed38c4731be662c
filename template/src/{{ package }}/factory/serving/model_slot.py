"""The models in service. A new one is loaded beside the current one, verified and warmed up before it takes over."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import contract
from ..errors import ArtifactError, FactoryError
from ..scoring import artifact
from ..scoring.scorer import Scorer
from . import parsing
from .metrics import Telemetry

log = logging.getLogger("uvicorn.error")


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to serve, and its version."""

    scorer: Scorer
    version: str
    commit: str

    def description(self) -> dict[str, Any]:
        """What callers may want to know about it."""
        manifest = self.scorer.manifest
        facts = {name: manifest.get(name) for name in ("problem", "target", "id", "threshold", "classes", "features")}
        return {"version": self.version, "commit": self.commit, "data": manifest["data"]["train"], **facts}


class ModelSlot:
    """One role's model: the one in the folder, or the last one there that could be loaded."""

    def __init__(self, folder: Path, role: str, telemetry: Telemetry, signers: Path | None = None) -> None:
        self.folder, self.role, self.signers = folder, role, signers
        self.current: LoadedModel | None = None
        self._fingerprint: object = None
        self._telemetry = telemetry

    def reload(self) -> None:
        """Load the model in the folder if it has changed; if that fails, keep the current one."""
        fingerprint = _fingerprint(self.folder)
        if fingerprint == self._fingerprint:
            return
        self._fingerprint = fingerprint
        try:
            model = load_warm(self.folder, self.signers)
        except Exception as error:  # noqa: BLE001  whatever is wrong with a new model, the current one goes on serving
            self._telemetry.loads.labels(self.role, "refused").inc()
            reason = error if isinstance(error, FactoryError) else f"{type(error).__name__}: {error}"
            log.error(
                "%s: new model rejected, %s in service: %s",
                self.role,
                self.current.version if self.current else "none",
                reason,
            )
            return
        self._telemetry.loads.labels(self.role, "taken").inc()
        previous, self.current = self.current, model
        if previous:
            self._telemetry.model.remove(*_labels(self.role, previous))
        self._telemetry.model.labels(*_labels(self.role, model)).set(1)
        log.info("%s: %s is in service", self.role, model.version)


def load_warm(folder: Path, signers: Path | None = None) -> LoadedModel:
    """The model in the folder, verified and warmed up by scoring. Raises ArtifactError and SignatureRefused."""
    scorer = Scorer.load(folder, signers)
    version = artifact.read_version(folder)
    scorer.score(contract.Row.create_empty())
    scorer.score(parsing.valid_row(contract.Row))
    if artifact.read_version(folder) != version or Scorer.load(folder).manifest != scorer.manifest:
        raise ArtifactError(f"{folder}: changed while it was being read")
    return LoadedModel(scorer, version["version"], version["commit"])


def _fingerprint(folder: Path) -> object:
    """A value that changes when a file in the folder is replaced or rewritten."""
    try:
        files = {path.name: path.stat() for path in folder.iterdir()}
    except OSError:
        return "unreadable"
    return {name: (file.st_ino, file.st_mtime_ns, file.st_size) for name, file in files.items()}


def _labels(role: str, model: LoadedModel) -> tuple[str, ...]:
    return role, model.version, model.commit, model.scorer.manifest["data"]["train"]
