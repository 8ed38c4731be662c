"""Fixtures of the summary: what DVC says, the platform, and what the command tells."""

import json
from pathlib import Path

import pytest
from late_flights.factory import errors
from late_flights.factory.ci import summary
from tests.factory import git_repository
from tests.factory.cli_runner import run

from machinery.ci import fake_platforms as platform
from machinery.ci.fake_environments import environment

STAGES = "stages: {prepare: {cmd: a}, train: {cmd: b}, evaluate: {cmd: c}}\n"
DIFF = "| metric | main | workspace |"


@pytest.fixture
def dvc_says(committed, monkeypatch):
    """What DVC says: `status` of stages and files, and why it cannot pull."""
    says = {"status": "{}", "metrics": DIFF}

    def ask(*command):
        if command[0] in says:
            return says[command[0]]
        raise errors.FactoryError(f"`dvc {command[0]}` failed: no such bucket")

    monkeypatch.setattr(summary, "dvc", ask)
    git_repository.commit(**{"dvc.yaml": STAGES})
    Path(".dvc/tmp").mkdir(parents=True, exist_ok=True)
    return says


@pytest.fixture
def github(committed, monkeypatch, tmp_path_factory):
    """A run for pull request 7 on GitHub."""
    event = tmp_path_factory.mktemp("event") / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    with platform.running() as hub:
        for name, value in environment(hub, "github", "feature", "main", str(event)).items():
            monkeypatch.setenv(name, value)
        yield hub


def told(code, *options):
    """The lines with which the summary ends."""
    result = run("summary", *options)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit | None)
    return [line.removeprefix("✗ ") for line in result.stderr.splitlines()]
