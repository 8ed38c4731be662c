"""From a fresh copy to a repository with data, and the same again without harm."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from late_flights.factory.data import ingest, ledger
from late_flights.factory.workspace import git, process
from tests.factory import toy
from tests.factory.cli_runner import refused, run


def git_says(*arguments):
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def fresh(project, monkeypatch):
    for name, content in {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}.items():
        monkeypatch.setenv(name, content)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Zoë 李")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "zoe@example.com")
    monkeypatch.setattr(ingest, "run", process.run)
    Path(".dvc").mkdir()
    Path(".dvc/config").touch()
    Path(".gitignore").write_text("/data/raw/[!.]*\n!/data/raw/*.dvc\n")
    Path(".pre-commit-config.yaml").write_text("repos: []\n")
    toy.rows(50).write_parquet("data/raw/sample.parquet")


@pytest.mark.usefixtures("fresh")
def test_the_only_copy_of_the_sample_is_never_taken_away():
    sample = Path("data/raw/sample.parquet")
    os.utime(sample, (1e9, 1e9))
    assert run("setup").exit_code == 0
    assert sample.stat().st_mtime == 1e9, "DVC deleted it and wrote it again: killed meanwhile, setup loses it"


@pytest.mark.usefixtures("fresh")
def test_fresh_copy_becomes_a_repository_and_stays_one():
    first = run("setup")
    assert first.exit_code == 0, first.output
    assert "✓ 50 rows of sample data in 1 deliveries" in first.output and "✓ first commit" in first.output
    files = git_says("ls-files").split()
    assert "data/raw/sample.parquet.dvc" in files
    assert "data/raw/sample.parquet" not in files
    assert git_says("log", "--format=%an %s") == "Zoë 李 Start the project\n"
    assert not git.uncommitted(".") and Path(".git/hooks/pre-commit").exists()
    Path("params.yaml").write_text(toy.text(split={"test": 0.3}), encoding="utf-8")
    commit, entries = git.commit(), ledger.entries()
    assert run("setup").exit_code == 0
    assert (git.commit(), ledger.entries()) == (commit, entries)
    assert git.uncommitted("params.yaml")


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("written", [lambda pointer: pointer.partition("meta:")[0], lambda _: ""], ids=["no record", "nothing"])
def test_setup_that_was_killed_between_two_records_adds_the_rest(written):
    toy.rows(60).tail(10).write_parquet("data/raw/second.parquet")
    assert run("setup").exit_code == 0
    pointer = Path("data/raw/second.parquet.dvc")
    pointer.write_text(written(pointer.read_text()))
    shutil.rmtree(".git")
    assert run("setup").exit_code == 0
    assert [entry.file for entry in ledger.entries()] == ["sample.parquet", "second.parquet"]


@pytest.mark.usefixtures("fresh")
def test_new_owners_are_to_be_committed():
    Path(".copier-answers.yml").write_text("ci: github\n", encoding="utf-8")
    assert run("setup", "--owners", "@me/team").output.endswith("\nNext: uv run dvc repro\n"), "it is in the first commit"
    Path(".github/CODEOWNERS").write_text("/params.yaml @me/team\n", encoding="utf-8")
    git_says("commit", "--quiet", "--all", "--message", "Fewer owners")
    output = run("setup", "--owners", "@zoe", "--owners", "@me/team").output
    assert " are owned by @zoe @me/team (@zoe: one person; a team is @organisation/team)\n" in output
    assert output.endswith('\nNext: git add .github/CODEOWNERS && git commit -m "Name the owners", and merge it to main\n')


@pytest.mark.usefixtures("fresh")
def test_signature_that_fails_hinders_nothing(monkeypatch):
    Path("git.cfg").write_text("[commit]\n  gpgSign = true\n[gpg]\n  program = false\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(Path("git.cfg").resolve()))
    output = run("setup").output
    assert "! the first commit is not signed" in output and "failed to sign" in output
    assert git_says("log", "--format=%s") == "Start the project\n"


@pytest.mark.usefixtures("fresh")
def test_hooks_of_a_folder_of_ones_own_are_left_alone(monkeypatch, tmp_path):
    Path("git.cfg").write_text("[core]\n  hooksPath = .company-hooks\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "git.cfg"))
    done = run("setup")
    assert done.exit_code == 0, done.output
    assert "! no pre-commit hooks, as your Git takes hooks from .company-hooks (core.hooksPath): run" in done.output
    assert "✓ first commit" in done.output and not Path(".git/hooks/pre-commit").exists()


@pytest.mark.usefixtures("fresh")
def test_unknown_author_is_refused_before_anything_is_done(monkeypatch):
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.useConfigOnly")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    assert refused("setup").startswith("Git does not know who you are: git config --global user.name")
    assert not Path(".git").exists()


@pytest.mark.usefixtures("fresh")
def test_commit_without_a_repository_is_none(monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent))
    assert git.commit() is None
