"""The champion at work: in a worktree of its own commit, fetched once, with its own environment, or no result."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.paths import WORKTREES
from late_flights.factory.registry import champion
from late_flights.factory.workspace import process
from tests.factory import git_repository

ROWS = pl.DataFrame({"key": ["k1", "k2"], "answer": [True, False]})


@pytest.fixture
def commit(tmp_path, monkeypatch):
    git_repository.environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    git_repository.start()
    return git_repository.commit(**{"note.txt": "of the champion", ".gitignore": "/.dvc\n"})


@pytest.fixture
def commands(monkeypatch):
    """What was run; Git is real, DVC brings a model, and the champion scores each row a half."""
    ran = []

    def run(*command, cwd=None, env=None):
        if command[0] == "git":
            return process.run(*command)
        ran.append((command, cwd, env))
        if "dvc" in command:
            Path(command[-1]).mkdir()
        elif command[-1].endswith("scores.parquet"):
            pl.read_parquet(command[-2]).select("key", score=pl.lit(0.5)).write_parquet(command[-1])
        return ""

    monkeypatch.setattr(champion, "run", run)
    return ran


@pytest.mark.usefixtures("commands")
def test_worktree_is_of_the_commit_whatever_is_here(commit):
    git_repository.commit(**{"note.txt": "of today"})
    folder = champion.checkout(commit)
    assert (folder / "note.txt").read_text() == "of the champion"
    assert (folder / "model").is_dir() and not git_repository.git("status", "--porcelain")


def test_model_is_fetched_once(commit, commands):
    assert champion.checkout(commit) == champion.checkout(commit)
    [(command, _, _)] = commands
    assert command[1:7] == ("-m", "dvc", "get", "--rev", commit, ".")


@pytest.mark.usefixtures("commands")
def test_worktree_that_was_not_finished_is_made_again(commit):
    folder = champion.checkout(commit)
    shutil.rmtree(folder / "model")
    (folder / "note.txt").write_text("half")
    assert (champion.checkout(commit) / "note.txt").read_text() == "of the champion"
    shutil.rmtree(folder)
    assert champion.checkout(commit).is_dir()


def test_rows_are_scored_there_in_an_environment_of_its_own(commit, commands, monkeypatch):
    for name in (*champion.PROJECT_ENV, "KEPT"):
        monkeypatch.setenv(name, "of the challenger")
    assert champion.scores(commit, ROWS)["score"].to_list() == [0.5, 0.5]
    _, (command, cwd, env) = commands
    assert cwd == WORKTREES / commit and "--frozen" in command
    assert env["KEPT"] and not env.keys() & set(champion.PROJECT_ENV)


@pytest.mark.parametrize("fault", ["git", "dvc"])
def test_model_that_cannot_be_fetched(commit, monkeypatch, fault):
    def run(*command, **how):
        if fault in command:
            raise errors.FactoryError(f"{fault} failed")
        return ""

    monkeypatch.setattr(champion, "run", run)
    with pytest.raises(
        errors.CannotEvaluate, match=f"^CHAMPION_UNFETCHABLE: the model of commit {commit[:8]} cannot be fetched: {fault} failed$"
    ):
        champion.check_loads(commit)


def test_model_that_does_not_run(commit, commands, monkeypatch):
    run = champion.run

    def fail(*command, **how):
        if "python" in command:
            raise errors.FactoryError("`uv run python -c a lot of code` failed: ImportError: no polars")
        return run(*command, **how)

    monkeypatch.setattr(champion, "run", fail)
    with pytest.raises(
        errors.CannotEvaluate, match=r"^CHAMPION_BROKEN: .*does not run in its own environment: ImportError: no polars$"
    ):
        champion.check_loads(commit)


@pytest.mark.parametrize(
    "scores, message",
    [
        (ROWS.head(1).with_columns(score=pl.lit(0.5)), "scored 1 of 2 test rows"),
        (ROWS.with_columns(score=pl.Series([0.5, np.nan])), "scored 1 of 2 test rows"),
    ],
    ids=["row missing", "no number"],
)
def test_incomplete_scores_give_no_result(commit, monkeypatch, scores, message):
    monkeypatch.setattr(champion, "_run_python", lambda commit, script, source, destination: scores.write_parquet(destination))
    with pytest.raises(errors.CannotEvaluate, match=message):
        champion.scores(commit, ROWS)
