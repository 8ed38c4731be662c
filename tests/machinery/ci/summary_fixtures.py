"""Fixtures of the summary: what DVC answers, the platform, and what the command reports."""

import json
from pathlib import Path

import pytest
from late_flights.factory import errors
from late_flights.factory.ci import summary
from tests.factory import git_repository
from tests.factory.cli_runner import run

from machinery.ci.fake_platforms import environment, fake_platform

STAGES = "stages: {prepare: {cmd: a}, train: {cmd: b}, evaluate: {cmd: c}}\n"


@pytest.fixture
def dvc_answers(committed, monkeypatch):
    """What DVC answers: `status` of stages and files, and why it cannot pull."""
    answers = {"status": "{}"}

    def fake_dvc(*command):
        if command[0] in answers:
            return answers[command[0]]
        raise errors.FactoryError(f"`dvc {command[0]}` failed: no such bucket")

    monkeypatch.setattr(summary, "dvc", fake_dvc)
    git_repository.commit(**{"dvc.yaml": STAGES})
    Path(".dvc/tmp").mkdir(parents=True, exist_ok=True)
    return answers


@pytest.fixture
def github(committed, monkeypatch, tmp_path_factory):
    """A run for pull request 7 on GitHub."""
    event = tmp_path_factory.mktemp("event") / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    with fake_platform() as platform:
        for name, value in environment(platform, "github", "feature", "main", str(event)).items():
            monkeypatch.setenv(name, value)
        yield platform


def reported(code, *options):
    """The problems with which the summary ends."""
    result = run("summary", *options)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit | None)
    return [line.removeprefix("✗ ") for line in result.stderr.splitlines()]
