"""The champion at work: in a worktree of its own commit, fetched once, verified always, with its own environment, or no result."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights.factory import errors, manifest
from late_flights.factory.paths import WORKTREES
from late_flights.factory.registry import champion
from late_flights.factory.registry.versions import Version
from late_flights.factory.workspace import process
from tests.factory import git_repository

FILES = {".git", ".gitignore", "model", "note.txt"}
ROWS = pl.DataFrame({"key": ["k1", "k2"], "answer": [True, False]})


def write_model(folder: Path, content: bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").unlink(missing_ok=True)
    (folder / "model.onnx").write_bytes(content)
    manifest.write_manifest(folder, {})


@pytest.fixture
def stored(tmp_path_factory):
    """The model in the storage."""
    folder = tmp_path_factory.mktemp("storage") / "model"
    write_model(folder, b"promoted")
    return folder


@pytest.fixture
def version(stored, tmp_path, monkeypatch):
    git_repository.environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    git_repository.start()
    commit = git_repository.commit(**{"note.txt": "of the champion", ".gitignore": "/.dvc\n/model\n"})
    return Version(1, "", commit, {"commit": commit, "model": manifest.model_id(stored)})


@pytest.fixture
def commands(monkeypatch, stored):
    """What was run; Git is real, DVC brings a model, and the champion scores each row a half."""
    ran = []

    def run(*command, cwd=None, env=None):
        if command[0] == "git":
            return process.run(*command, cwd=cwd, env=env)
        ran.append((command, cwd, env))
        if "dvc" in command:
            shutil.copytree(stored, command[-1])
        elif command[-1].endswith("scores.parquet"):
            pl.read_parquet(command[-2]).select("key", score=pl.lit(0.5)).write_parquet(command[-1])
        return ""

    monkeypatch.setattr(champion, "run", run)
    return ran


@pytest.mark.usefixtures("commands")
def test_worktree_is_of_the_commit_whatever_is_here(version):
    git_repository.commit(**{"note.txt": "of today"})
    folder = champion.checkout(version)
    assert (folder / "note.txt").read_text() == "of the champion"
    assert (folder / "model").is_dir() and not git_repository.git("status", "--porcelain")


def test_model_is_fetched_once(version, commands):
    """What the champion's environment and Python leave there is not the commit's."""
    folder = champion.checkout(version)
    for name in (".venv/lib/x.py", "src/__pycache__/x.pyc"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).touch()
    assert champion.checkout(version) == folder
    [(command, _, _)] = commands
    assert command[1:7] == ("-m", "dvc", "get", "--rev", version.commit, ".")


@pytest.mark.usefixtures("commands")
def test_worktree_that_was_not_finished_is_made_again(version):
    folder = champion.checkout(version)
    shutil.rmtree(folder / "model")
    (folder / "note.txt").write_text("half")
    assert (champion.checkout(version) / "note.txt").read_text() == "of the champion"
    shutil.rmtree(folder)
    assert champion.checkout(version).is_dir()


def reseal(folder: Path) -> None:
    write_model(folder / "model", b"with a backdoor")


def edit_unseen(folder: Path) -> None:
    """Git reports no change of a file that its index marks as unchanged."""
    git_repository.git("-C", str(folder), "update-index", "--assume-unchanged", "note.txt")
    (folder / "note.txt").write_text("edited")


def add_file(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text("raise SystemExit")


def add_ignored_package(folder: Path) -> None:
    """In place of the library of that name, as Python looks here first; it ignores itself."""
    (folder / "polars").mkdir()
    for name, content in {".gitignore": "*", "__init__.py": "raise SystemExit"}.items():
        (folder / "polars" / name).write_text(content)


@pytest.mark.parametrize("attack", [reseal, edit_unseen, add_file, add_ignored_package])
def test_worktree_that_somebody_changed_is_made_again(version, commands, capsys, attack):
    folder = champion.checkout(version)
    attack(folder)
    assert champion.checkout(version) == folder and len(commands) == 2
    assert (folder / "note.txt").read_text() == "of the champion" and {path.name for path in folder.iterdir()} == FILES
    assert (folder / "model/model.onnx").read_bytes() == b"promoted"
    assert capsys.readouterr().err.startswith(f"CHAMPION_CHANGED: {folder} is not v1 as it was promoted")


@pytest.mark.usefixtures("commands")
def test_another_model_in_the_storage_is_not_the_champion(version, stored):
    reseal(stored.parent)
    for _ in range(2):
        with pytest.raises(errors.CannotEvaluate, match=r"^CHAMPION_CHANGED: v1 has another model than the one promoted"):
            champion.checkout(version)


def test_rows_are_scored_there_in_an_environment_of_its_own(version, commands, monkeypatch):
    for name in (*champion.NOT_ITS_OWN, "KEPT"):
        monkeypatch.setenv(name, "of the challenger")
    assert champion.scores(version, ROWS)["score"].to_list() == [0.5, 0.5]
    _, (command, cwd, env) = commands
    assert cwd == WORKTREES / version.commit and "--frozen" in command
    assert env["KEPT"] and not env.keys() & set(champion.NOT_ITS_OWN)


@pytest.mark.parametrize("fault", ["git", "dvc"])
def test_model_that_cannot_be_fetched(version, monkeypatch, fault):
    def run(*command, **how):
        if fault in command:
            raise errors.FactoryError(f"{fault} failed")
        return ""

    monkeypatch.setattr(champion, "run", run)
    with pytest.raises(errors.CannotEvaluate, match=f"^CHAMPION_UNFETCHABLE: the model of v1 cannot be fetched: {fault} failed$"):
        champion.check_loads(version)


def test_model_that_does_not_run(version, commands, monkeypatch):
    run = champion.run

    def fail(*command, **how):
        if "python" in command:
            raise errors.FactoryError("`uv run python -c a lot of code` failed: ImportError: no polars")
        return run(*command, **how)

    monkeypatch.setattr(champion, "run", fail)
    with pytest.raises(
        errors.CannotEvaluate, match=r"^CHAMPION_BROKEN: .*does not run in its own environment: ImportError: no polars$"
    ):
        champion.check_loads(version)


@pytest.mark.parametrize(
    "scores, message",
    [
        (ROWS.head(1).with_columns(score=pl.lit(0.5)), "scored 1 of 2 test rows"),
        (ROWS.with_columns(score=pl.Series([0.5, np.nan])), "scored 1 of 2 test rows"),
    ],
    ids=["row missing", "no number"],
)
def test_incomplete_scores_give_no_result(version, monkeypatch, scores, message):
    monkeypatch.setattr(champion, "_run_python", lambda version, script, source, destination: scores.write_parquet(destination))
    with pytest.raises(errors.CannotEvaluate, match=message):
        champion.scores(version, ROWS)
