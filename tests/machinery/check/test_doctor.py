"""What the doctor finds missing, and that it only looks."""

from pathlib import Path
from typing import get_args

import pytest
from late_flights.factory import platforms, policy
from late_flights.factory.check import doctor
from late_flights.factory.platforms.base import FORCED, MOVED, NO_OWNERS, NO_REVIEW, PUSHED, UNCHECKED
from late_flights.factory.workspace import owners
from tests.factory.cli_runner import run
from tests.factory.git_repository import git

CONFIG = "[core]\n    remote = storage\n['remote \"storage\"']\n    url = {}\n"
MAIN, TAG = "main", "model/v1"


class Answers(dict):
    """A platform's API, by path."""

    def __call__(self, method, path, **query):
        return self[path]

    def pages(self, path, **query):
        return self[path]


def missing(platform: platforms.Platform, answers: dict) -> set[tuple[str, str]]:
    platform.__dict__["api"] = Answers(answers)
    return {*platform.unprotected(MAIN, TAG)}


@pytest.fixture
def project(committed):
    """A project on GitHub with owners, a storage, and a signer."""
    Path(".dvc").mkdir(exist_ok=True)
    Path(".dvc/config").write_text(CONFIG.format("s3://models"), encoding="utf-8")
    Path(".copier-answers.yml").write_text("ci: github\n", encoding="utf-8")
    owners.assign("github", ["@me/team"])
    return committed


def found(code: int = 0) -> dict[str, str]:
    """By name what the doctor prints of it."""
    before = git("status", "--porcelain")
    result = run("doctor")
    assert result.exit_code == code and git("status", "--porcelain") == before, result.output
    return dict(line.split(": ", 1) if ": " in line else (line, "") for line in result.output.splitlines())


@pytest.mark.usefixtures("project")
def test_each_finding_has_a_line():
    git("remote", "add", "origin", "../hub.git")
    assert found()["! branch"].startswith(
        "cannot be found out: ../hub.git: only GitHub, GitLab and Azure DevOps protect branches"
    )
    git("remote", "remove", "origin")
    lines = found()
    assert "✓ owners" in lines and "✓ storage" in lines
    assert lines["! remote"].startswith("there is no Git remote") and "! branch" in lines and "! tags" in lines


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "config, words",
    [
        (CONFIG.format("../models"), "../models is a folder of this machine"),
        (CONFIG.format("/tmp/a/../b"), "/tmp/b is a folder of this machine, which nobody else has: `uv run factory restore"),
        ("", "there is none"),
        ("remote = storage\n", "cannot be found out: File contains no section headers"),
        (f"{CONFIG.format('s3://models')}    secret_access_key = abc\n", "secret_access_key is a secret in Git"),
    ],
)
def test_storage_that_others_do_not_reach_and_secrets(config, words):
    Path(".dvc/config").write_text(config, encoding="utf-8")
    assert words in found()["! storage"]


@pytest.mark.usefixtures("project")
def test_files_without_owner():
    owners.FILES["github"].write_text("/params.yaml @me/team\n", encoding="utf-8")
    line = found()["! owners"]
    assert "/policy.yaml" in line and "/params.yaml" not in line and "factory setup --owners" in line


@pytest.mark.usefixtures("project")
def test_policy_says_what_must_not_be_missing():
    Path("policy.yaml").write_text("doctor: [remote, owners]\n", encoding="utf-8")
    lines = found(1)
    assert "✗ remote" in lines and "✓ owners" in lines and "! signatures" in lines


def test_policy_can_name_each_finding():
    assert tuple(doctor.CHECKS) == get_args(policy.Finding)


@pytest.mark.usefixtures("project")
def test_signatures_that_are_set_up(monkeypatch, tmp_path):
    Path("policy.yaml").write_text("signatures: required\n", encoding="utf-8")
    Path("allowed_signers").write_text("# who may sign\n", encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Policy")
    result = run("doctor").output
    assert "signatures: nobody may sign" in result and "signatures: there is no key" in result and "optional" not in result
    Path("allowed_signers").write_text("zoe@example.com ssh-ed25519 AAAA\n", encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Signers")
    git("config", "user.signingkey", "key")
    assert "✓ signatures" in found()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "address, kind, path",
    [
        ("git@github.com:me/flights.git", platforms.GitHub, "https://api.github.com/repos/me/flights"),
        ("https://github.com/me/flights", platforms.GitHub, "https://api.github.com/repos/me/flights"),
        ("HTTPS://GitHub.com/me/flights/", platforms.GitHub, "https://api.github.com/repos/me/flights"),
        ("ssh://git@ssh.github.com:443/me/flights.git", platforms.GitHub, "https://api.github.com/repos/me/flights"),
        ("https://gitlab.com/me/team/flights.git", platforms.GitLab, "https://gitlab.com/api/v4/projects/me%2Fteam%2Fflights"),
        ("https://me@dev.azure.com/me/air/_git/flights", platforms.Azure, "https://dev.azure.com/me/air/_apis"),
        ("git@ssh.dev.azure.com:v3/me/air/flights", platforms.Azure, "https://dev.azure.com/me/air/_apis"),
    ],
)
def test_platform_of_an_address(address, kind, path):
    platform = platforms.of_address(address, {"FACTORY_TOKEN": "x"})
    assert isinstance(platform, kind) and platform.api.address == path


@pytest.mark.parametrize(
    "address",
    [
        None,
        "../hub.git",
        "/srv/mirrors/github.com/me/flights.git",
        "C:/github.com/me/flights",
        "file:///srv/github.com/me/flights",
        "github.com/me/flights",
        "https://example.com/github.com.git",
        "https://example.com/github.com/me/flights",
        "https://github.com/me",
        "https://github.com:8443/me/flights",
        "https://github.com@example.com/me/flights",
        "https://notgithub.com/me/flights",
        "me@example.com:github.com/me/flights",
    ],
)
def test_address_of_an_unknown_platform(address):
    assert platforms.of_address(address) is None


@pytest.mark.usefixtures("project")
def test_platform_that_cannot_be_asked_may_protect_nothing(monkeypatch):
    git("remote", "add", "origin", "https://github.com/me/flights")
    assert "FACTORY_TOKEN" in found()["! tags"]
    monkeypatch.setenv("FACTORY_TOKEN", "x")
    monkeypatch.setattr(platforms.GitHub, "unprotected", lambda self, branch, tag: iter([MOVED, PUSHED]))
    lines = found()
    assert (lines["! tags"], lines["! branch"]) == (MOVED[1], PUSHED[1])
    Path("policy.yaml").write_text("doctor: [tags]\n", encoding="utf-8")
    monkeypatch.delenv("FACTORY_TOKEN")
    assert "✗ tags" in found(1)


RULESETS = {
    "branches/main": {"protection": {"enabled": False}},
    "rules/branches/main": [
        {"type": "pull_request", "parameters": {"required_approving_review_count": 1, "require_code_owner_review": True}},
        {"type": "non_fast_forward"},
        {"type": "required_status_checks", "parameters": {}},
    ],
    "rulesets": [{"id": 1, "target": "tag", "enforcement": "active"}, {"id": 2, "target": "tag", "enforcement": "disabled"}],
    "rulesets/1": {
        "conditions": {"ref_name": {"include": ["refs/tags/model/*"], "exclude": []}},
        "rules": [{"type": "update"}, {"type": "deletion"}],
    },
}
NO_RULES = {"rules/branches/main": [], "rulesets": []}
OLDER = {
    "branches/main": {"protection": {"enabled": True}},
    "branches/main/protection": {
        "required_pull_request_reviews": {"required_approving_review_count": 1, "require_code_owner_reviews": False},
        "allow_force_pushes": {"enabled": False},
    },
}


@pytest.mark.parametrize(
    "changes, problems",
    [
        ({}, set()),
        (NO_RULES, {NO_REVIEW, NO_OWNERS, PUSHED, FORCED, UNCHECKED, MOVED}),
        (NO_RULES | OLDER, {NO_OWNERS, UNCHECKED, MOVED}),
        (
            {"rulesets/1": RULESETS["rulesets/1"] | {"conditions": {"ref_name": {"include": ["refs/tags/v*"], "exclude": []}}}},
            {MOVED},
        ),
        ({"rulesets/1": RULESETS["rulesets/1"] | {"rules": [{"type": "update"}]}}, {MOVED}),
    ],
)
def test_protections_of_github(changes, problems):
    assert missing(platforms.GitHub({}), RULESETS | changes) == problems


PROTECTED = {
    "protected_branches": [
        {
            "name": "ma*",
            "push_access_levels": [{"access_level": 0}],
            "allow_force_push": False,
            "code_owner_approval_required": True,
        }
    ],
    "protected_tags": [{"name": "model/*"}],
}


@pytest.mark.parametrize(
    "changes, problems",
    [
        ({}, set()),
        ({"protected_branches": [], "protected_tags": [{"name": "v*"}]}, {PUSHED, FORCED, NO_OWNERS, MOVED}),
        (
            {"protected_branches": [{"name": "main", "push_access_levels": [{"access_level": 40}], "allow_force_push": True}]},
            {PUSHED, FORCED, NO_OWNERS},
        ),
    ],
)
def test_protections_of_gitlab(changes, problems):
    assert missing(platforms.GitLab({}), PROTECTED | changes) == problems


def rule(kind: str, scope: dict, blocking: bool = True) -> dict:
    return {"isEnabled": True, "isBlocking": blocking, "type": {"id": kind}, "settings": {"scope": [scope]}}


HERE = {"repositoryId": "1", "refName": "refs/heads/main", "matchKind": "Exact"}
REVIEWERS, REQUIRED, BUILD = platforms.azure.POLICIES


@pytest.mark.parametrize(
    "policies, problems",
    [
        ([rule(kind, HERE) for kind in (REVIEWERS, REQUIRED, BUILD)], set()),
        ([rule(REVIEWERS, HERE), rule(BUILD, HERE, blocking=False)], {NO_OWNERS, UNCHECKED}),
        ([rule(REVIEWERS, HERE | {"repositoryId": "2"})], {NO_REVIEW, NO_OWNERS, UNCHECKED, PUSHED}),
        ([rule(REVIEWERS, {"repositoryId": None, "matchKind": "DefaultBranch"})], {NO_OWNERS, UNCHECKED}),
        ([rule(REVIEWERS, HERE | {"refName": "refs/heads/", "matchKind": "Prefix"})], {NO_OWNERS, UNCHECKED}),
    ],
)
def test_protections_of_azure(policies, problems):
    platform = platforms.Azure({"BUILD_REPOSITORY_ID": "name"})
    answers = {"git/repositories/name": {"id": "1"}, "policy/configurations": {"value": policies}}
    assert {each for each in missing(platform, answers) if each[0] == "branch"} == problems
