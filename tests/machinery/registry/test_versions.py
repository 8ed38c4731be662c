"""Versions are annotated tags that vouch for themselves: made once, shared first, never believed when changed."""

import json

import pytest
from late_flights.factory import errors
from late_flights.factory.registry import versions
from tests.factory import git_repository
from tests.factory.git_repository import RECORD, git


@pytest.fixture
def start(tmp_path, monkeypatch):
    """A repository of one commit, whose name it is; the current folder."""
    git_repository.environment(monkeypatch)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return git_repository.start()


def publish(commit, before=None, **facts):
    return versions.publish(commit, RECORD | facts, "promoted", versions.local() if before is None else before)


def retag(name, message, commit="HEAD"):
    git("tag", "--annotate", "--force", "--file=-", name, commit, stdin=message)


def refused(kind=errors.FactoryError):
    return pytest.raises(kind)


def test_record_comes_back_and_names_the_tag_before_it(start):
    assert versions.local() == []
    published = [publish(start, why='line "one"\nline two: 李'), publish(git_repository.commit(), serves=2)]
    assert versions.local() == published
    first, second = published
    record = {**RECORD, "version": 1, "commit": start, "previous": None, "why": 'line "one"\nline two: 李'}
    assert first.facts == record | {"nonce": first.facts["nonce"]}
    assert (second.name, second.facts["version"], second.facts["previous"]) == ("v2", 2, first.tag)
    assert git("cat-file", "-t", "model/v1") == "tag" and git("rev-parse", "model/v1^{}") == start
    assert git("for-each-ref", "--format=%(contents:subject)", "refs/tags/model/v1") == "model/v1: promoted"


def test_versions_are_in_order_of_their_numbers(start):
    for _ in range(10):
        publish(start)
    git("tag", "model/v01"), git("tag", "model/vnext"), git("tag", "v11")
    assert [version.number for version in versions.local()] == list(range(1, 11))


EDITED = {
    "another word": lambda message: message.replace("first", "best"),
    "another figure": lambda message: message.replace("0.9", "0.99"),
    "another checksum": lambda message: message.replace('"sha256": "', '"sha256": "0'),
    "no checksum": lambda message: json.dumps(RECORD),
    "no record": lambda message: "model/v1: promoted",
    "half a record": lambda message: message[: len(message) // 2],
    "a list": lambda message: "model/v1\n\n[1]",
}


@pytest.mark.parametrize("edit", EDITED.values(), ids=EDITED)
def test_edited_message_is_not_believed(start, edit):
    publish(start)
    retag("model/v1", edit(git("for-each-ref", "--format=%(contents)", "refs/tags/model/v1")))
    [version] = versions.local()
    assert version.record is None
    with refused(errors.CannotEvaluate) as error:
        assert version.facts
    assert (
        str(error.value) == "VERSION_INVALID: model/v1 has no valid record, its message was edited: restore its tag, or delete it"
    )


def test_moved_tag_is_not_believed(start):
    publish(start)
    git_repository.commit()
    retag("model/v1", git("for-each-ref", "--format=%(contents)", "refs/tags/model/v1"))
    [version] = versions.local()
    assert version.record and version.record["commit"] == start != version.target
    for use in ("facts", "commit"):
        with refused(errors.CannotEvaluate):
            assert getattr(version, use)


def test_record_of_another_version_is_not_believed(start):
    publish(start)
    retag("model/v2", git("for-each-ref", "--format=%(contents)", "refs/tags/model/v1"))
    with refused(errors.CannotEvaluate):
        assert versions.local()[1].facts


@pytest.mark.usefixtures("start")
def test_lightweight_tag_is_not_believed():
    git("tag", "model/v1")
    [version] = versions.local()
    assert version.record is None


@pytest.mark.parametrize("name", ["v1", "1", "model/v1"])
def test_version_is_found_by_name(start, name):
    version = publish(start)
    assert versions.find(name, versions.local()) == version


def test_unknown_version_is_named_with_those_that_there_are(start):
    with refused() as error:
        versions.find("v1", versions.local())
    assert str(error.value) == "there is no version v1: none has been promoted yet"
    publish(start), publish(start)
    with refused() as error:
        versions.find("v3", versions.local())
    assert str(error.value) == "there is no version v3: v1, v2"
