"""Rollback: an earlier model becomes the champion again as a new version, if it can be loaded."""

import pytest

from .. import champion, errors, versions
from . import git_repository
from .cli_runner import refused, run
from .git_repository import RECORD, git

MODELS = "abcde"


@pytest.fixture(autouse=True)
def start(tmp_path, monkeypatch):
    """A repository in which every model can be loaded."""
    git_repository.environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(champion, "check_loads", lambda version: None)
    git_repository.start()


def promoted(*models):
    """Promote the models, each on a commit of its own; their versions."""
    for model in models:
        before = versions.local()
        facts = RECORD | {"model": model * 64, "serves": len(before) + 1, "rows": 100 + len(before)}
        versions.publish(git_repository.commit(), facts, "promoted", before)
    return versions.local()


def rolled_back(*arguments):
    result = run("rollback", "-m", "it lied", *arguments)
    assert result.exit_code == 0, result.output
    return versions.local()[-1], result.output


def test_model_before_serves_again_as_a_new_version():
    first, second = promoted("a", "b")
    version, shown = rolled_back()
    assert shown == "✓ model/v3 is the champion, with the model of v1 (unsigned)\n"
    assert version.commit == first.commit != second.commit
    inherited = ("model", "data", "rows", "metrics", "gate", "serves")
    assert {name: version.facts[name] for name in inherited} == {name: first.facts[name] for name in inherited}
    assert (version.facts["action"], version.facts["why"]) == ("rollback", "it lied")
    assert version.facts["previous"] == second.tag
    assert git("for-each-ref", "--format=%(subject)", "refs/tags/model/v3") == "model/v3: rolled back to v1"


def test_twice_goes_back_two_models():
    promoted("a", "b", "c")
    assert [rolled_back()[0].facts["serves"] for _ in range(2)] == [2, 1]
    assert refused("rollback", "-m", "why") == "there is no earlier version to roll back to"


def test_after_a_new_promotion_it_is_what_served_before_that():
    """Not the model promoted before it, which was itself rolled back."""
    promoted("a", "b")
    rolled_back()
    promoted("c")
    version, _ = rolled_back()
    assert version.facts["serves"] == 1


def test_any_version_can_be_named():
    promoted("a", "b", "c")
    assert rolled_back("--to", "v1")[0].facts["serves"] == 1
    assert rolled_back("--to", "3")[0].facts["serves"] == 3
    version, shown = rolled_back("--to", "v4")
    assert version.facts["serves"] == 1 and shown == "✓ model/v6 is the champion, with the model of v1 (unsigned)\n"
    assert git("for-each-ref", "--format=%(subject)", "refs/tags/model/v6") == "model/v6: rolled back to v1"


REFUSED = {
    "nothing promoted": ("", [], "there is no earlier version to roll back to"),
    "nothing promoted, one named": ("", ["--to", "v1"], "there is no version v1: none has been promoted yet"),
    "one promoted": ("a", [], "there is no earlier version to roll back to"),
    "unknown": ("ab", ["--to", "v7"], "there is no version v7: v1, v2"),
    "in service": ("ab", ["--to", "v2"], "the model of v2 is already the champion"),
}


@pytest.mark.parametrize("models, arguments, message", REFUSED.values(), ids=REFUSED)
def test_nothing_to_roll_back_to(models, arguments, message):
    before = promoted(*models)
    assert refused("rollback", "-m", "why", *arguments) == message
    assert versions.local() == before


def test_model_that_cannot_be_loaded_changes_nothing(monkeypatch):
    def fail(version):
        raise errors.CannotEvaluate("CHAMPION_UNFETCHABLE", f"the model of {version.name} cannot be fetched")

    before = promoted("a", "b")
    monkeypatch.setattr(champion, "check_loads", fail)
    result = run("rollback", "-m", "why")
    assert result.exit_code == 2
    assert result.stderr == "Error: CHAMPION_UNFETCHABLE: the model of v1 cannot be fetched\n"
    assert versions.local() == before


def test_version_without_a_valid_record_is_not_rolled_back_to():
    promoted("a", "b")
    git("tag", "--annotate", "--force", "--message", "edited", "model/v1", "model/v1^{}")
    result = run("rollback", "-m", "why", "--to", "v1")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: VERSION_INVALID: model/v1 has no valid record")
