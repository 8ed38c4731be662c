"""Versions are made of main's commits, and signed where that is required; a champion from before can be signed again."""

import shutil

import pytest
from late_flights.factory import errors, manifest
from late_flights.factory.registry import champion, versions
from late_flights.factory.workspace import signing
from tests.factory import git_repository
from tests.factory.cli_runner import run
from tests.factory.git_repository import another_model, git

from machinery.registry import signers

pytestmark = pytest.mark.usefixtures("committed")


def passed(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments):
    before = versions.local()
    result = run(*arguments)
    assert result.exit_code == 2 and versions.local() == before, result.output
    return result.stderr


def stopped(*arguments):
    raise errors.FactoryError("stopped")


def test_commit_of_a_branch_is_no_version():
    git("checkout", "--quiet", "-b", "other")
    commit = git_repository.commit()
    assert refused("promote", "-m", "why") == (
        f"Error: NOT_ON_MAIN: commit {commit[:8]} is not on main: merge and push it, then run this again\n"
    )
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "other")
    assert "✓ model/v1 is the champion (unsigned)" in passed("promote", "-m", "why")


def test_main_is_the_remotes(tmp_path_factory):
    remote = tmp_path_factory.mktemp("remote") / "main.git"
    git("init", "--quiet", "--bare", str(remote))
    git("remote", "add", "origin", str(remote))
    assert " is not on origin/main: " in refused("promote", "-m", "why")
    git("push", "--quiet", "origin", "main")
    git_repository.commit()
    assert " is not on origin/main: " in refused("promote", "-m", "why")
    git("push", "--quiet", "origin", "main")
    passed("promote", "-m", "why")


def test_main_is_what_the_remote_says(tmp_path_factory):
    git("branch", "--move", "trunk")
    remote = tmp_path_factory.mktemp("remote") / "trunk.git"
    git("init", "--quiet", "--bare", "--initial-branch=trunk", str(remote))
    git("remote", "add", "origin", str(remote))
    git("push", "--quiet", "origin", "trunk", "trunk:main")
    git_repository.commit()
    git("push", "--quiet", "origin", "HEAD:main")
    assert " is not on origin/trunk: " in refused("promote", "-m", "why")
    git("push", "--quiet", "origin", "trunk")
    passed("promote", "-m", "why")


def test_nobody_rolls_back_to_what_is_not_on_main():
    passed("promote", "-m", "why")
    git("checkout", "--quiet", "--orphan", "other")
    another_model("second")
    git("branch", "--force", "main")
    passed("promote", "-m", "why")
    assert "NOT_ON_MAIN: " in refused("rollback", "-m", "why")


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")
def test_champion_from_before_signatures_were_required_is_signed_again(monkeypatch, tmp_path_factory):
    monkeypatch.setattr(signers, "FOLDER", str(tmp_path_factory.mktemp("keys")))
    passed("promote", "-m", "why")
    signers.allow(signers.line("zoe"), **signers.REQUIRED)
    assert "UNSIGNED: " in refused("trace", "v1") and "UNSIGNED: " in run("audit").output
    assert "there is no key to sign with" in run("rollback", "-m", "signed", "--to", "v1").stderr
    monkeypatch.setenv(signing.KEY, str(signers.key("zoe")))
    assert run("promote", "-m", "again").stderr == (
        "Error: this model is v1's, which nobody who may sign has signed: sign it again by "
        '`uv run factory rollback --to v1 -m "signed"`\n'
    )
    with monkeypatch.context() as patch:
        patch.setattr(champion, "check_loads", stopped)
        vouching = "! Your signature also vouches for v1, which nobody who may sign has signed\n"
        assert run("rollback", "-m", "signed", "--to", "v1").stderr == f"{vouching}Error: stopped\n"
    assert passed("rollback", "-m", "signed", "--to", "v1").endswith(" (signed by zoe@example.com)\n")
    assert versions.local()[1].facts["model"] == manifest.model_id()
    assert "signed by zoe@example.com" in passed("trace", "v2") and passed("trace", "v1")
    assert run("rollback", "-m", "signed", "--to", "v1").stderr == "Error: the model of v1 is already the champion\n"
    another_model("second")
    shown = passed("promote", "-m", "why")
    assert "against the champion v2 (signed by zoe@example.com)" in shown and "vouches" not in shown
