"""A commit's pipeline run again: in a clean worktree, on the recorded Python and kernel, with data by DVC and no cache."""

import json
import sys
from pathlib import Path

import pytest
from late_flights.factory import errors, paths
from late_flights.factory.verification import reproduction
from late_flights.factory.verification.reproduction import Reproduction, other_kernel, run_record, worktree
from tests.factory import git_repository

HERE = ".".join(map(str, sys.version_info[:2]))


def record(**facts):
    return {"reports/run.json": json.dumps(facts)}


@pytest.fixture
def commit(tmp_path, monkeypatch):
    git_repository.environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    git_repository.start()
    for folder in ("data/raw/2020", "reports"):
        Path(folder).mkdir(parents=True)
    pointers = dict.fromkeys(("data/raw/a.csv.dvc", "data/raw/2020/b.csv.dvc", "words.txt.dvc"), "outs: []\n")
    made = record(versions={"python": "3.99.1"}, blas_kernel="Haswell")
    return git_repository.commit(**pointers, **made, **{"note.txt": "of the version", ".gitignore": "/.dvc\n"})


@pytest.fixture
def commands(monkeypatch):
    """What is run in the worktree: command and environment; DVC brings a file, and uv has every Python."""
    ran = []

    def fetch(*command):
        target = Path(command[-1])
        if command[4] == "words.txt":
            target.write_text("words")
        else:
            target.mkdir()
            (target / "a.csv").write_text("rows")
        return ""

    def run(*command, cwd=None, env=None, **how):
        if command[0] == "git":
            return original(*command, cwd=cwd, env=env, **how)
        ran.append((command, env))
        return ""

    original = reproduction.run
    monkeypatch.setattr(reproduction, "run", run)
    monkeypatch.setattr(reproduction, "show", run)
    monkeypatch.setattr(reproduction, "dvc", fetch)
    return ran


def train(commit, python=None):
    with worktree(commit) as folder:
        made = Reproduction(folder, commit, python)
        made.fetch_data()
        made.install()
        made.train()


def test_worktree_is_of_the_commit_and_gone_afterwards(commit):
    git_repository.commit(**{"note.txt": "of today"})
    with worktree(commit) as folder:
        assert (folder / "note.txt").read_text() == "of the version"
        (folder / "note.txt").write_text("changed")
    assert not folder.exists() and git_repository.git("worktree", "list").count("\n") == 0
    paths.VERIFICATION.mkdir()  # as one that was killed leaves it
    (paths.VERIFICATION / "note.txt").write_text("half")
    with worktree(commit) as folder:
        assert (folder / "note.txt").read_text() == "of the version"
    assert not git_repository.git("status", "--porcelain")


def test_every_stage_is_run_without_cache_in_an_environment_of_the_lock(commit, commands, monkeypatch):
    for name in (*reproduction.OTHERS, "KEPT"):
        monkeypatch.setenv(name, "of the project here")
    train(commit)
    (sync, _), (repro, env) = commands
    assert sync[1:] == ("sync", "--quiet", "--frozen", "--python", "3.99")
    assert repro[0].endswith(".venv/bin/dvc") and repro[1:] == ("repro", "--force", "--no-run-cache", "--no-commit")
    assert env["KEPT"] and env["OPENBLAS_CORETYPE"] == "Haswell" and not env.keys() & set(reproduction.OTHERS)
    assert env["PATH"].startswith(repro[0].removesuffix("/dvc"))


@pytest.mark.usefixtures("commands")
def test_data_that_dvc_has_is_put_beside_its_pointers(commit):
    with worktree(commit) as folder:
        Reproduction(folder, commit).fetch_data()
        assert (folder / "data/raw/a.csv").read_text() == "rows" and (folder / "words.txt").read_text() == "words"
        assert (folder / "data/raw/2020/b.csv.dvc").exists()


@pytest.mark.parametrize(
    ("facts", "named", "expected"),
    [
        ({"versions": {"python": f"{HERE}.0"}}, None, sys.executable),
        ({}, None, sys.executable),
        ({"versions": {"python": "3.99.1"}}, "/opt/python", "/opt/python"),
    ],
    ids=["the one here", "none recorded", "named"],
)
def test_python_is_the_recorded_or_the_named_one(commit, commands, facts, named, expected):
    commit = git_repository.commit(**record(**facts))
    train(commit, named)
    (sync, env), _ = commands
    assert sync[-1] == expected and "OPENBLAS_CORETYPE" not in env


def without(monkeypatch, *absent):
    """uv has no such Python."""
    run = reproduction.run

    def fail(*command, **how):
        if command[-1] in absent and "sync" in command:
            raise errors.FactoryError("`uv sync` failed: no interpreter found")
        return run(*command, **how)

    monkeypatch.setattr(reproduction, "run", fail)


def test_python_here_is_taken_where_there_is_no_other(commit, commands, monkeypatch):
    without(monkeypatch, "3.99")
    train(commit)
    assert commands[0][0][-1] == sys.executable


def test_environment_that_cannot_be_made_gives_no_result(commit, commands, monkeypatch):
    without(monkeypatch, "3.99", sys.executable)
    with pytest.raises(errors.CannotEvaluate, match=r"^ENVIRONMENT: .*no interpreter.*--python PATH"):
        train(commit)
    assert commands == []


@pytest.mark.parametrize(
    ("broken", "message"),
    [("dvc", "^STORAGE: data/raw of commit .*: no such bucket$"), ("show", "^NOT_REPRODUCED: the pipeline of commit .* fails: ")],
)
@pytest.mark.usefixtures("commands")
def test_data_that_is_missing_and_a_pipeline_that_fails(commit, monkeypatch, broken, message):
    def fail(*command, **how):
        raise errors.FactoryError("no such bucket")

    monkeypatch.setattr(reproduction, broken, fail)
    with pytest.raises(errors.FactoryError, match=message):
        train(commit)


def test_kernels_are_known_to_be_the_same_or_named(commit, tmp_path):
    paths.TRAINING.write_text('{"blas_kernel": "Haswell"}')
    assert other_kernel(run_record(commit)) == ""
    assert other_kernel({"blas_kernel": "Zen"}, tmp_path) == "trained with the BLAS kernel Zen, here Haswell"
    paths.TRAINING.write_text("{}")
    nothing = run_record(git_repository.commit(**{"reports/run.json": "[]"}))
    assert other_kernel(nothing) == "trained with the BLAS kernel (not recorded), here unknown"
