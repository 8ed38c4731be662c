"""An empty folder for each test."""

import pytest
from tests.factory import git_repository


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder, which is the current one, and Git without any configuration."""
    git_repository.environment(monkeypatch)
    monkeypatch.delenv("FACTORY_PROMETHEUS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path
