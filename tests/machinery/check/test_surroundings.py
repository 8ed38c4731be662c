"""What the doctor says of environments.yaml, of the platform's environments, and of what runs there."""

from pathlib import Path

import pytest
from late_flights.factory import platforms
from late_flights.factory.check import surroundings
from late_flights.factory.deployment import records
from late_flights.factory.deployment.records import Record
from late_flights.factory.errors import FactoryError
from late_flights.factory.platforms.base import Platform
from late_flights.factory.registry.trust import trust

from machinery.check.test_doctor import Answers

GOOD = """
all: {storage: storage}
test: {host: "ssh://deploy@test.example.com", url: "https://test.example.com"}
prod: {host: "ssh://deploy@example.com", url: "https://example.com", approvers: ["@Ann", me/board]}
"""
IMAGE = "ghcr.io/me/x@sha256:" + "1" * 64
OTHER = IMAGE.replace("1", "2")
OVERLAY = "images:\n- name: model\n  newName: ghcr.io/me/x\n  digest: sha256:{}\n"


@pytest.fixture
def problems(committed, monkeypatch):
    """`problems(text, approvers)`: what is wrong with that file, on a platform that asks these people."""
    Path(".dvc").mkdir(exist_ok=True)
    Path(".dvc/config").write_text("[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://x\n")

    def found(text: str, approvers: tuple[str, ...] = ("ann", "board")) -> list[str]:
        Path("environments.yaml").write_text(text)
        github = platforms.GitHub({})
        monkeypatch.setattr(github, "approvers", lambda name: {*approvers} if name == "production" else set())
        return list(surroundings.problems(trust(), lambda: github))

    return found


def test_nothing_is_wrong_with_a_good_file_an_empty_one_or_none(problems):
    assert problems(GOOD) == [] and problems("all: {}\n") == []
    Path("environments.yaml").unlink()
    assert list(surroundings.problems(trust(), lambda: pytest.fail("nobody is asked"))) == []


CLUSTER = "all: {target: kubernetes, context: here}\ntest: {namespace: a}\nprod: {namespace: b, after: test}\n"
WRONG = {
    "secret": (
        GOOD.replace('https://example.com"', 'https://example.com/?sig=abc"'),
        "holds the signature of a shared access link",
    ),
    "key": (GOOD.replace("approvers", "aprovers"), "did you mean approvers?"),
    "nobody": (GOOD.replace(', approvers: ["@Ann", me/board]', ""), "prod has no approvers"),
    "same host": (GOOD.replace("deploy@test.", "deploy@"), "prod and test are in one place (host ssh://deploy@example.com)"),
    "same namespace": (CLUSTER.replace("{namespace: a}", "{namespace: b}"), "in one place (context here, namespace b)"),
    "untested": (CLUSTER.replace(", after: test", ""), "ran nowhere before: `after: test`"),
    "open": (GOOD.replace("https://example", "http://example"), "prod.url is http://example.com: without https"),
    "remote": (GOOD.replace("storage: storage", "storage: s3"), "prod.storage is s3, and .dvc/config has storage"),
}


@pytest.mark.parametrize("text, words", WRONG.values(), ids=WRONG)
def test_each_mistake_is_named(problems, text, words):
    [line] = [each for each in problems(text) if words in each]
    assert line.startswith("environments.yaml: ") and "\n" not in line


def test_loopback_needs_no_https(problems):
    assert problems(GOOD.replace("https://test.example.com", "http://127.0.0.1:8000")) == []


def test_approvers_are_those_whom_the_platform_asks(problems):
    assert problems(GOOD, ("ANN", "board")) == []
    assert problems(GOOD, ("ann", "bob")) == [
        "the platform asks ann, bob before a deployment to production, and environments.yaml has ann, board for prod"
    ]
    assert "asks nobody" in problems(GOOD, ())[0]


def test_what_cannot_be_asked_is_no_reason_to_stop(problems, monkeypatch):
    def unreachable() -> Platform:
        raise FactoryError("set FACTORY_TOKEN")

    problems(GOOD)
    monkeypatch.setattr(records, "read", lambda *_: unreachable())
    found = list(surroundings.problems(trust(), unreachable))
    assert [line.partition(": set ")[0] for line in found] == [
        f"{name}: cannot be found out" for name in ("test", "prod", "prod")
    ]


def record(image: str) -> Record:
    facts = {"commit": "0" * 40, "model": "1", "at": "2026-11-29T10:00:00+00:00", "by": "Zoë", "run": None, "seconds": 1.0}
    return Record("prod", "v1", "v1", image, **facts)


def test_an_overlay_that_is_not_what_was_deployed_is_named(problems, monkeypatch):
    files = [Path(f"deploy/kubernetes/overlays/{name}/kustomization.yaml") for name in ("dev", "prod", "test")]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text(OVERLAY.format("0" * 64))
    cluster = CLUSTER.replace("after: test", "after: test, approvers: [ann, board]")
    assert problems(cluster) == []
    files[1].write_text(OVERLAY.format("1" * 64))
    assert problems(cluster) == [f"{files[1]} has {IMAGE}, of which no deployment is recorded"]
    monkeypatch.setattr(records, "read", lambda name, _: [record(IMAGE)] if name == "prod" else [])
    assert problems(cluster) == []
    files[1].write_text(OVERLAY.format("2" * 64))
    assert problems(cluster) == [f"{files[1]} has {OTHER}, and what was deployed last is {IMAGE}"]


class Version:
    problem, name = None, "v2"


def test_an_environment_behind_the_champion_is_named(problems, monkeypatch):
    monkeypatch.setattr(records, "read", lambda name, _: [record(IMAGE)] if name == "prod" else [])
    monkeypatch.setattr(surroundings.versions, "local", lambda _: [Version()])
    assert problems(GOOD) == [
        "prod runs v1 since 2026-11-29T10:00, and v2 is the champion: `uv run factory deploy prod`",
    ]


def asked(platform: Platform, answers: dict) -> set[str]:
    platform.__dict__["api"] = Answers(answers)
    return platform.approvers("production")


def test_approvers_of_each_platform():
    reviewers = [
        {"type": "User", "reviewer": {"login": "ann"}},
        {"type": "Team", "reviewer": {"slug": "board", "name": "The board"}},
    ]
    rules = [{"type": "wait_timer"}, {"type": "required_reviewers", "reviewers": reviewers}]
    assert asked(platforms.GitHub({}), {"environments/production": {"protection_rules": rules}}) == {"ann", "board"}
    assert asked(platforms.GitHub({}), {"environments/production": {}}) == set()
    groups = [{"group_id": 1, "access_level_description": "board"}]
    assert asked(platforms.GitLab({}), {"protected_environments/production": {"approval_rules": groups}}) == {"board"}
    checks = [{"type": {"name": "Approval"}, "settings": {"approvers": [{"displayName": "Ann"}]}}, {"type": {"name": "Lock"}}]
    answers = {"distributedtask/environments": {"value": [{"id": 7}]}, "pipelines/checks/configurations": {"value": checks}}
    assert asked(platforms.Azure({}), answers) == {"Ann"}
    assert asked(platforms.Azure({}), {"distributedtask/environments": {"value": []}}) == set()
