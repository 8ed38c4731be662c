"""Fixtures of the machinery's tests: the toy project in a folder of its own, empty or trained, and what stands in for others."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest
from late_flights import contract, model
from late_flights.factory.data import ingest
from late_flights.factory.evaluation import assessment, worst
from late_flights.factory.gate import compare, promote
from late_flights.factory.metrics import bootstrap
from late_flights.factory.registry import champion, versions
from late_flights.factory.scoring import feature_table, scorer
from late_flights.factory.serving import worker_process
from late_flights.factory.training import isolation, leakage, row_by_row, texts, train
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run
from tests.factory.conftest import labelled, observed, params  # noqa: F401

from machinery import series
from machinery.ci.summary_fixtures import dvc_answers, github  # noqa: F401
from machinery.gate.people import act, approve, keys  # noqa: F401
from machinery.registry import fake_dvc_cache
from machinery.release.fake_docker import PROJECT, STORED, FakeEngine, publish_version
from machinery.serving import thread_worker
from machinery.serving.service_client import client, module_client  # noqa: F401
from machinery.update.vendored_project import vendoring  # noqa: F401


def play(patch: pytest.MonkeyPatch, folder: Path, problem: str) -> None:
    """Put the toy's contract, features and model in place of yours, and work in the folder."""
    own = series if problem == "forecasting" else toy
    rows = series.DECLARED if own is series else {"Row": toy.Row, "LabelledRow": toy.LABELLED[problem]}
    patch.delattr(contract, "Observation", raising=False)
    for name, value in {**rows, **toy.DECLARED}.items():
        patch.setattr(contract, name, value, raising=False)
    patch.setattr(model, "model", own.model)
    patch.setattr(model, "TRUSTED_TYPES", [])
    for module in (assessment, compare, leakage, row_by_row, scorer, texts, train, worst):
        patch.setattr(module, "features", own.features)
    if own is series:
        patch.setattr(feature_table, "compute", own.features)  # as lookahead takes it from there
    patch.setattr(isolation, "problem", lambda *_: None)  # whose process imports the files, and none of the toy's
    patch.setattr(worker_process, "start_process", thread_worker.start_process)  # a process takes a second
    patch.setattr(ingest, "run", lambda *command: "")  # `dvc add` takes a second; test_setup.py does it once
    git_repository.become(patch, "Zoë 李", "zoe@example.com")
    for name in ("MLFLOW_TRACKING_URI", "FACTORY_SIGNING_KEY", "FACTORY_TOKEN", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD"):
        patch.delenv(name, raising=False)
    patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)  # whose key might sign
    patch.chdir(folder)
    Path("data/raw").mkdir(parents=True)
    Path("params.yaml").write_text(series.text() if own is series else toy.text(problem), encoding="utf-8")


@pytest.fixture
def problem() -> str:
    """What the toy's model tells: parametrize a test to change it."""
    return "classification"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str) -> Path:
    """A toy project without data, which is the current folder."""
    play(monkeypatch, tmp_path, problem)
    return tmp_path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The toy project after all stages, made once for each problem."""

    @cache
    def build(problem: str) -> Path:
        folder = tmp_path_factory.mktemp(problem)
        with pytest.MonkeyPatch.context() as patch:
            play(patch, folder, problem)
            made = (
                (lambda **more: series.observations(300, **more)) if problem == "forecasting" else partial(toy.rows, 300, problem)
            )
            made().write_parquet("first.parquet")
            made(first=300).write_csv("second.csv")
            for stage in (["ingest", "first.parquet", "second.csv"], ["prepare"], ["train"], ["evaluate"]):
                result = run(*stage)
                assert result.exit_code == 0, result.output
        return folder

    return build


@pytest.fixture
def trained(project: Path, built: Callable[[str], Path], problem: str) -> Path:
    """A toy project after all stages, which is the current folder and the test's own."""
    shutil.copytree(built(problem), project, dirs_exist_ok=True)
    return project


@pytest.fixture
def committed(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trained toy in a Git repository, ready to be promoted; DVC finds nothing amiss, and all models agree."""
    git_repository.environment(monkeypatch)
    git_repository.complete(trained)
    monkeypatch.setattr(bootstrap, "RESAMPLES", 20)
    monkeypatch.setattr(promote, "_dvc", lambda *command: {})
    monkeypatch.setattr(promote, "run", lambda *command: "")
    monkeypatch.setattr(champion, "scores", lambda version, rows: scorer.Scorer.load().score(rows))
    monkeypatch.setattr(champion, "forecasts", lambda version, rows, *of: scorer.Scorer.load().score(rows))
    monkeypatch.setattr(champion, "check_loads", lambda version: None)
    return trained


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
