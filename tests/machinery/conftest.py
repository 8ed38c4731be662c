"""Fixtures of the machinery's tests: the project's own, and what only these tests need."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from late_flights.factory.registry import champion, versions
from tests.factory.conftest import *
from tests.factory.conftest import play

from machinery.ci.summary_fixtures import dvc_answers, github  # noqa: F401
from machinery.registry import fake_dvc_cache
from machinery.release.fake_docker import PROJECT, STORED, FakeEngine, publish_version
from machinery.serving.service_client import module_server, unharmed  # noqa: F401


@pytest.fixture(scope="module")
def module_project(built: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A toy project after all stages, which is the current folder of all tests in a file, and theirs together."""
    folder = tmp_path_factory.mktemp("module")
    source = built("classification")
    with pytest.MonkeyPatch.context() as patch:
        play(patch, folder, "classification")
        shutil.copytree(source, folder, dirs_exist_ok=True)
        yield folder


@pytest.fixture
def engine(committed: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """The only engine on PATH, which makes no images."""
    return FakeEngine(tmp_path_factory.mktemp("bin"), monkeypatch)


@pytest.fixture
def version(committed: Path, monkeypatch: pytest.MonkeyPatch) -> versions.Version:
    """A version of the toy; DVC brings what is stored."""
    monkeypatch.setattr(champion, "fetch", lambda commit, folder: shutil.copytree(STORED, folder))
    return publish_version(**PROJECT)


@pytest.fixture(scope="session")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of two versions, made once, to be copied."""
    folder = tmp_path_factory.mktemp("two_versions")
    with pytest.MonkeyPatch.context() as patch:
        fake_dvc_cache.build(folder, patch)
    return folder
