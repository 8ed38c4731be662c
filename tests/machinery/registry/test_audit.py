"""The audit of tags: whatever was changed behind the versions' back is named, with the command that fixes it."""

import json
import shutil

import pytest
from late_flights.factory.registry import versions
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.conftest import ROOT
from tests.factory.git_repository import git

from machinery.registry import fake_dvc_cache
from machinery.registry.fake_dvc_cache import problems
from machinery.registry.signers import REQUIRED, forge


@pytest.fixture(autouse=True)
def start(tmp_path, two_versions, monkeypatch):
    shutil.copytree(two_versions, tmp_path, dirs_exist_ok=True)
    fake_dvc_cache.enter(tmp_path, monkeypatch)


def retag(name, message=None, commit=None):
    message = message or git("for-each-ref", "--format=%(contents)", f"refs/tags/{name}")
    git("tag", "--annotate", "--force", "--file=-", name, commit or f"{name}^{{}}", stdin=message)


def test_versions_that_are_what_they_were():
    result = run("audit")
    assert (result.exit_code, result.output) == (0, "✓ 2 versions verified; unsigned: v1, v2\n")


def test_no_versions_are_no_problem():
    git("push", "--quiet", "origin", ":model/v1", ":model/v2")
    git("tag", "--delete", "model/v1", "model/v2")
    assert run("audit").output == "✓ 0 versions verified\n"


def test_moved_tag_is_named_with_its_commit():
    was = git("rev-parse", "model/v2^{}")
    retag("model/v2", commit="HEAD~1")
    clash, moved = problems()
    assert clash == ("model/v2: differs from the tag on origin: if origin is right, git fetch --force origin tag model/v2")
    assert moved == f"VERSION_INVALID: model/v2 was moved: it was created on {was[:8]} as v2: restore its tag, or delete it"


def test_command_of_the_message_fixes_it():
    retag("model/v2", commit="HEAD~1")
    git(*problems()[0].rpartition("is right, git ")[2].split())
    assert run("audit").exit_code == 0


def test_edited_message_is_named():
    git("remote", "remove", "origin")
    message = git("for-each-ref", "--format=%(contents)", "refs/tags/model/v1")
    retag("model/v1", message.replace("first", "best"))
    assert problems() == ["VERSION_INVALID: model/v1 has no valid record, its message was edited: restore its tag, or delete it"]


def test_tag_remade_with_a_valid_record_is_named_by_the_next():
    """Who knows the code can seal a record of his own, but not change what the next version says of the first; unsigned,
    the next may be the one that was made up."""
    git("remote", "remove", "origin")
    facts = versions.local()[0].facts
    git("tag", "--delete", "model/v1")
    versions.publish(facts.pop("commit"), facts | {"why": "better"}, "promoted", [])
    assert problems() == [
        "VERSION_INVALID: model/v1 was moved or edited after v2 recorded it: restore its tag",
        "VERSION_INVALID: model/v2 does not follow from the v1 that is here: restore its tag",
    ]


@pytest.mark.parametrize("name, number, found", [("model/v1", 2, 0), ("model/v2", 3, 1)])
def test_missing_version_is_named_by_the_next(name, number, found):
    fake_dvc_cache.promote("three")
    git("push", "--quiet", "origin", f":{name}")
    git("tag", "--delete", name)
    assert problems() == [f"model/v{number}: the version before it is missing ({found} found): restore its tag"]


def test_tag_on_the_remote_only_is_named_with_what_fetches_it():
    git("tag", "--delete", "model/v2")
    [problem] = problems()
    assert problem == "model/v2: only on origin: git fetch origin refs/tags/model/v2:refs/tags/model/v2"
    git(*problem.rpartition(": git ")[2].split())
    assert run("audit").exit_code == 0


def test_tag_here_only_is_named_with_what_pushes_it():
    git("push", "--quiet", "origin", ":model/v2")
    [problem] = problems()
    assert problem == "model/v2: not on origin: git push origin refs/tags/model/v2"
    git(*problem.rpartition(": git ")[2].split())
    assert run("audit").exit_code == 0


def test_version_that_is_refused_is_no_champion():
    """Of one that is merely unsigned, what it says is shown all the same."""
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    assert run("models").stdout.splitlines()[-1].startswith("*")
    git_repository.commit(**REQUIRED)
    git("push", "--quiet", "origin", "main")
    row = run("models").stdout.splitlines()[-1]
    assert "*" not in row and "promoted" in row and row.endswith("UNSIGNED: run `uv run factory audit`")
    assert not any(version["champion"] for version in json.loads(run("models", "--json").stdout))


def test_tag_that_was_never_there_is_deleted_and_not_pushed():
    forge(3, gate={})
    advice, _ = problems()
    expected = "if it was never there, git tag --delete model/v3"
    assert advice == f"model/v3: not on origin, and refused (VERSION_INVALID): {expected}"


def test_tag_under_another_name_is_deleted_and_not_restored():
    git("push", "--quiet", "origin", "refs/tags/model/v1:refs/tags/model/v3")
    git("fetch", "--quiet", "--tags")
    [problem] = problems()
    assert problem.startswith("VERSION_INVALID: model/v3 is the tag of v1 under another name: delete it, by `git push origin :")


def test_remote_that_is_gone_is_no_clean_audit():
    shutil.rmtree("../remote.git")
    assert refused("audit").startswith("`git ls-remote` failed: ")
