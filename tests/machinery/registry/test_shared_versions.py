"""Versions with a remote, a second clone and signatures: of several at once exactly one is made."""

import shutil
from pathlib import Path

import pytest
from late_flights.factory import errors
from late_flights.factory.registry import versions
from late_flights.factory.workspace import git, process
from tests.factory import git_repository
from tests.factory.git_repository import RECORD


@pytest.fixture
def start(tmp_path, monkeypatch):
    """A repository and its remote, beside it a clone called there; the current folder is the first."""
    git_repository.environment(monkeypatch)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    commit = git_repository.start()
    git_repository.share(tmp_path / "remote.git")
    git_repository.git("clone", "--quiet", "../remote.git", "../there")
    return commit


def publish(commit, before, **facts):
    return versions.publish(commit, RECORD | facts, "promoted", before)


def objects():
    return git_repository.git("for-each-ref"), git_repository.git("ls-remote", "origin")


def test_version_is_on_the_remote_and_reaches_other_clones(start, monkeypatch):
    version = publish(start, versions.fetch())
    assert git_repository.git("ls-remote", "origin", "refs/tags/model/v1").split()[0] == version.tag
    monkeypatch.chdir("../there")
    assert versions.local() == []
    assert versions.fetch() == versions.local() == [version]


def test_of_two_at_once_one_is_made(start, monkeypatch):
    """Both saw no version; the second finds the first's on the remote, and leaves nothing of its own."""
    first = publish(start, [])
    monkeypatch.chdir("../there")
    with pytest.raises(errors.FactoryError, match="somebody else made model/v1 at the same time"):
        publish(start, [], why="second")
    assert versions.local() == []
    assert versions.fetch() == [first]
    assert publish(start, versions.fetch(), why="second").number == 2


def test_of_two_at_once_in_one_clone_one_is_made(start):
    git_repository.git("remote", "remove", "origin")
    first = publish(start, [])
    with pytest.raises(errors.FactoryError, match="somebody else made model/v1 at the same time"):
        publish(start, [], why="second")
    assert versions.local() == [first]


def test_version_that_a_fetch_brought_while_it_was_pushed_is_made(start, monkeypatch):
    push = git.push

    def slow(remote, refspec):
        push(remote, refspec)
        git.fetch_tags(remote, versions.PREFIX)

    monkeypatch.setattr(git, "push", slow)
    version = publish(start, [])
    assert versions.local() == [version]


def test_version_that_was_pushed_but_not_answered_is_made(start, monkeypatch):
    push = git.push

    def cut(remote, refspec):
        push(remote, refspec)
        raise errors.FactoryError("connection reset")

    monkeypatch.setattr(git, "push", cut)
    version = publish(start, [])
    assert versions.local() == [version]


def no_result(act, *arguments):
    before = git_repository.git("for-each-ref")
    with pytest.raises(errors.CannotEvaluate) as error:
        act(*arguments)
    assert error.value.exit_code == 2
    assert git_repository.git("for-each-ref") == before and "\n" not in str(error.value)
    return str(error.value)


def test_remote_that_is_gone_gives_no_result(start):
    shutil.rmtree("../remote.git")
    assert no_result(versions.fetch).startswith("VERSIONS_UNREACHABLE: the versions of origin cannot be fetched: ")
    assert no_result(publish, start, []).startswith("PUSH_UNKNOWN: model/v1 may or may not have reached origin: ")


def test_remote_that_refuses_changes_nothing(start):
    hook = Path("../remote.git/hooks/update")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho tags are protected >&2\nexit 1\n")
    hook.chmod(0o755)
    message = no_result(publish, start, [])
    assert message.startswith("PUSH_REFUSED: origin did not accept model/v1, nothing was changed: ") and "protected" in message


def test_tag_that_differs_from_the_remotes_is_named(start):
    publish(start, [])
    git_repository.git("tag", "--annotate", "--force", "--message", "mine", "model/v1")
    expected = "VERSIONS_UNREACHABLE: the versions of origin cannot be fetched: a tag here differs from the remote's: run `uv run factory audit`"
    assert no_result(versions.fetch) == expected


@pytest.mark.usefixtures("start")
def test_remote_is_origin_or_the_only_one():
    assert git.remote_name() == "origin"
    git_repository.git("remote", "rename", "origin", "company")
    assert git.remote_name() == "company"
    git_repository.git("remote", "add", "other", "../elsewhere")
    with pytest.raises(errors.FactoryError, match="which of the remotes company, other holds the versions"):
        git.remote_name()


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")
def test_version_is_signed_where_signing_is_configured(start, tmp_path):
    key = tmp_path / "key"
    process.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    for name, value in {"gpg.format": "ssh", "user.signingkey": str(key)}.items():
        git_repository.git("config", name, value)
    version = publish(start, [])
    assert "BEGIN SSH SIGNATURE" in git_repository.git("cat-file", "tag", "model/v1")
    assert versions.local() == [version]
