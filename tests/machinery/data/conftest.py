"""A project of which one person's rows can be erased."""

from pathlib import Path

import pytest
from late_flights.factory import manifest
from late_flights.factory.data import erasure
from late_flights.factory.registry import audit, versions
from late_flights.factory.workspace import process
from tests.factory import git_repository
from tests.factory.git_repository import git

from machinery.data.erasing import CACHE


@pytest.fixture
def erasable(committed: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trained toy with a version, on a remote's main; DVC only says where its cache is."""
    monkeypatch.setattr(erasure, "run", lambda *command: process.run(*command) if command[0] == "git" else "")
    monkeypatch.setattr(erasure, "dvc", lambda *command: str(CACHE))
    monkeypatch.setattr(audit, "run", lambda *command: str(CACHE))
    git_repository.share(tmp_path_factory.mktemp("remote"))
    versions.publish(git("rev-parse", "HEAD"), git_repository.RECORD | {"model": manifest.model_id()}, "promoted", [])
