"""People who make and approve models, each with a key; the first has made the model of a project of high risk."""

import json
from types import SimpleNamespace

import pytest
from late_flights.factory import errors, manifest
from late_flights.factory.evaluation import card_input
from late_flights.factory.gate import approval
from late_flights.factory.registry.trust import trust
from tests.factory import git_repository
from tests.factory.git_repository import git

from machinery import signing_key

ZOE, LI, MAX = ("Zoë 李", "zoe@example.com"), ("Li", "li@example.com"), ("Max", "max@example.com")
WORDS = dict.fromkeys(card_input.REQUIRED_FIELDS, "in words")
HIGH = {"risk": "high", **WORDS}


@pytest.fixture
def keys(committed, tmp_path_factory):
    """Each person's key, all of which are allowed; Zoë signs, and has made the model."""
    folder = tmp_path_factory.mktemp("keys")
    keys = {address: signing_key.make(folder / name) for name, address in (ZOE, LI, MAX)}
    git("config", "gpg.format", "ssh")
    signing(folder / ZOE[0])
    git("commit", "--quiet", "--amend", "--no-edit", "--gpg-sign")
    git_repository.commit(allowed_signers="".join(f"{address} {key}\n" for address, key in keys.items()))
    return folder


def signing(key):
    """Sign with the key from now on, or not at all."""
    git("config", "user.signingkey", f"{key}.pub")
    git("config", "commit.gpgsign", "true" if key else "false")


@pytest.fixture
def act(monkeypatch, keys):
    """`with act(committer, key)`: commit in that person's name, signed with that one's key."""

    def become(person, key=None):
        git_repository.become(monkeypatch, *person)
        signing(keys / (key or person)[0] if key is not UNSIGNED else "")

    yield become
    become(ZOE)


UNSIGNED = ("", "")


def write_card(**content):
    card_input.INPUT.parent.mkdir(exist_ok=True)
    card_input.INPUT.write_text(json.dumps(content), encoding="utf-8")
    return git_repository.commit()


def entry(person, model=None):
    return {"by": f"{person[0]} <{person[1]}>", "model": model or manifest.model_id()}


@pytest.fixture
def approve(act):
    """`approve(author, key, named)`: commit as the author, signed with the key, that the named person approves the model."""

    def approve(author, key=None, named=None, model=None):
        act(author, key)
        commit = write_card(**HIGH, approvals=[entry(named or author, model)])
        act(ZOE)
        return commit

    return approve


def check(champion=None):
    """Of HEAD; its approvals are those that it wants after a version on the commit `champion`."""
    before = [SimpleNamespace(name="v1", commit=champion, problem="", facts={"action": "promote"})] if champion else []
    return approval.check(git("rev-parse", "HEAD"), manifest.model_id(), before, trust())


def refusal(champion=None):
    with pytest.raises(errors.FactoryError) as error:
        check(champion)
    message = str(error.value)
    assert message.startswith("NOT_APPROVED: risk is high") and "\n" not in message and error.value.exit_code == 1
    return message


def policy(text):
    git_repository.commit(**{"policy.yaml": text})
