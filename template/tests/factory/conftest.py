"""Fixtures: the toy project in a folder of its own, empty or trained, and rows sampled from your contract."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from .. import (
    assessment,
    bootstrap,
    champion,
    compare,
    config,
    contract,
    ingest,
    leakage,
    model,
    promote,
    scorer,
    train,
)
from . import git_repository, toy
from .cli_runner import run

ROOT = Path(__file__).parents[2]


def play(patch: pytest.MonkeyPatch, folder: Path, problem: str) -> None:
    """Put the toy's contract, features and model in place of yours, and work in the folder."""
    for name, value in {"Row": toy.Row, "LabelledRow": toy.LABELLED[problem], **toy.DECLARED}.items():
        patch.setattr(contract, name, value, raising=False)
    patch.setattr(model, "model", toy.model)
    patch.setattr(model, "TRUSTED_TYPES", toy.TRUSTED_TYPES)
    for module in (assessment, compare, leakage, scorer, train):
        patch.setattr(module, "features", toy.features)
    patch.setattr(ingest, "run", lambda *command: "")  # `dvc add` takes a second; test_setup.py does it once
    git_repository.become(patch, "Zoë 李", "zoe@example.com")
    for name in ("MLFLOW_TRACKING_URI", "FACTORY_TOKEN", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD"):
        patch.delenv(name, raising=False)
    patch.chdir(folder)
    Path("data/raw").mkdir(parents=True)
    Path("params.yaml").write_text(toy.text(problem), encoding="utf-8")


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
            toy.rows(300, problem).write_parquet("first.parquet")
            toy.rows(300, problem, first=300).write_csv("second.csv")
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
    monkeypatch.setattr(champion, "scores", lambda commit, rows: scorer.Scorer.load().score(rows))
    monkeypatch.setattr(champion, "check_loads", lambda commit: None)
    return trained


@pytest.fixture(scope="session")
def params() -> config.Params:
    """Your params.yaml."""
    return config.load(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def labelled(params: config.Params) -> pl.DataFrame:
    """Rows that your contract allows, each with its own id, and targets of more than one value."""
    sampled = pl.DataFrame(contract.LabelledRow.sample(600, generator=dy.random.Generator(0)))
    rows = sampled.unique(params.data.id, maintain_order=True)
    assert rows[params.data.target].n_unique() > 1
    return rows
