"""The models in service: loaded beside what serves, verified, warmed, and only then put in its place."""

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
class Loaded:
    """A model that serves, and which version it is."""

    scorer: Scorer
    version: str
    commit: str

    def about(self) -> dict[str, Any]:
        """What callers may want to know of it."""
        manifest = self.scorer.manifest
        told = {name: manifest.get(name) for name in ("problem", "target", "id", "threshold", "classes", "features")}
        return {"version": self.version, "commit": self.commit, "data": manifest["data"]["train"], **told}


class Slot:
    """A place for one model: what the folder holds, or what it last held that was fit to serve."""

    def __init__(self, folder: Path, role: str, telemetry: Telemetry) -> None:
        self.folder, self.role = folder, role
        self.current: Loaded | None = None
        self._seen: object = None
        self._telemetry = telemetry

    def look(self) -> None:
        """Take the model in the folder into service if it is another one, and fit to serve."""
        seen = _seen(self.folder)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            loaded = load(self.folder)
        except Exception as error:  # noqa: BLE001  whatever is wrong with a new model, the old one goes on
            self._telemetry.loads.labels(self.role, "refused").inc()
            reason = error if isinstance(error, FactoryError) else f"{type(error).__name__}: {error}"
            log.error(
                "%s refused, %s serves: %s", self.role, self.current.version if self.current else "nothing", reason
            )
            return
        self._telemetry.loads.labels(self.role, "taken").inc()
        before, self.current = self.current, loaded
        if before:
            self._telemetry.model.remove(*_labels(self.role, before))
        self._telemetry.model.labels(*_labels(self.role, loaded)).set(1)
        log.info("%s: %s serves", self.role, loaded.version)


def load(folder: Path) -> Loaded:
    """The model in the folder, verified, and warmed by scoring. Raises ArtifactError."""
    scorer = Scorer.load(folder)
    facts = artifact.read_version(folder)
    scorer.score(contract.Row.create_empty())
    scorer.score(parsing.valid(contract.Row))
    if artifact.read_version(folder) != facts or Scorer.load(folder).manifest != scorer.manifest:
        raise ArtifactError(f"{folder}: changed while it was read")
    return Loaded(scorer, facts["version"], facts["commit"])


def _seen(folder: Path) -> object:
    """What differs once a file in the folder was replaced or rewritten."""
    try:
        facts = {path.name: path.stat() for path in folder.iterdir()}
    except OSError:
        return "unreadable"
    return {name: (fact.st_ino, fact.st_mtime_ns, fact.st_size) for name, fact in facts.items()}


def _labels(role: str, loaded: Loaded) -> tuple[str, ...]:
    return role, loaded.version, loaded.commit, loaded.scorer.manifest["data"]["train"]
