"""What versions there are, and what one was made of."""

import json
import re
from pathlib import Path

import pytest
from late_flights.factory import manifest
from late_flights.factory.evaluation.formatting import number
from late_flights.factory.registry import versions
from tests.factory import git_repository, toy
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import GATE, git

pytestmark = pytest.mark.usefixtures("committed")


def shown(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_no_models_yet():
    assert shown("models") == "No version yet. The first: uv run factory promote -m WHY\n"
    assert json.loads(shown("models", "--json")) == []
    assert refused("trace", "v1") == "there is no version v1: none has been promoted yet"


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_models_are_listed_with_the_metric_that_counts(problem):
    limits = GATE if problem == "classification" else {"floor": 99.0, "calibration": 9.0}
    git_repository.commit(**{"params.yaml": toy.text(problem, gate=limits)})
    shown("promote", "-m", "the first")
    git_repository.another_model("second")
    shown("promote", "-m", "the second")
    header, _, first, second = shown("models").splitlines()
    metric = toy.params(problem).evaluation.metric
    figure = json.loads(Path("reports/metrics.json").read_text())[metric]
    assert metric in header.split() and number(figure) in first.split()
    assert first.split()[0] == "v1" and second.split()[:2] == ["*", "v2"]
    assert " promoted " in first and "Zoë 李" in first and first.endswith("the first")


@pytest.mark.usefixtures("committed")
def test_models_measured_on_different_test_rows_are_named(monkeypatch):
    records = [{"test": "a", "data": "1"}, {"test": "b", "data": "2"}, {"test": "b", "data": "3"}]
    listed = [versions.Version(i, "", "", {"why": "", **record}) for i, record in enumerate(records, 1)]
    monkeypatch.setattr(versions, "local", lambda: listed)
    assert "different test rows, so not comparable: v1 | v2, v3\n" in shown("models")
    del listed[0]
    assert "test rows" not in shown("models")


def test_records_without_test_rows_are_told_apart_by_their_data():
    records = [{"data": "1"}, {"data": "1", "test": "a"}, {"data": "2", "test": "a"}]
    listed = [versions.Version(i, "", "", record) for i, record in enumerate(records, 1)]
    assert [[version.number for version in group] for group in versions.by_test_rows(listed)] == [[1, 2], [3]]


def test_models_for_machines():
    shown("promote", "-m", "why")
    [version] = versions.local()
    [listed] = json.loads(shown("models", "--json"))
    assert listed == {**version.facts, "name": "v1", "champion": True, "signature": "unsigned", "signer": None}


def test_version_that_is_not_believed_is_listed_as_such():
    git("tag", "--annotate", "--message", "mine", "model/v1")
    assert "VERSION_INVALID: run `uv run factory audit`" in shown("models")
    [listed] = json.loads(shown("models", "--json"))
    assert listed["problem"].startswith("VERSION_INVALID: model/v1 has no valid record") and "model" not in listed
    assert run("trace", "v1").exit_code == 2


def test_trace_shows_all_that_made_it():
    shown("promote", "-m", "the first")
    origins = json.loads(shown("trace", "v1", "--json"))
    [version] = versions.local()
    assert origins["version"]["model"] == version.facts["model"] and origins["metrics"] == version.facts["metrics"]
    assert origins["code"]["commit"] == version.commit and origins["code"]["author"] == "Zoë 李 <zoe@example.com>"
    assert origins["code"]["subject"] == "Say why"
    assert [delivery["source"] for delivery in origins["data"]] == ["first.parquet", "second.csv"]
    assert origins["parameters"] == toy.settings(gate=GATE)
    assert origins["run"] == json.loads(Path("reports/run.json").read_text())
    assert origins["environment"] == {"uv.lock": manifest.file_sha256(Path("uv.lock")), "packages": 1}


def test_trace_is_of_the_version_not_of_the_files_here():
    shown("promote", "-m", "why")
    before = shown("trace", "v1")
    git_repository.commit(**{"params.yaml": toy.text(gate=GATE | {"floor": 0.5}), "uv.lock": ""})
    assert shown("trace", "v1") == before
    lines = dict(line.split(maxsplit=1) for line in before.splitlines())
    assert (
        len(lines) == 11
        and lines["why"] == "why"
        and lines["signature"] == "unsigned"
        and lines["version"].startswith("v1, promoted 20")
    )
    assert git("rev-parse", "--short=8", "model/v1^{}") in lines["commit"] and "2 deliveries" in lines["data"]
    assert re.fullmatch(r"passed \d+ checks against the baseline .*", lines["gate"])


def test_trace_of_an_incomplete_commit_gives_no_result():
    git("rm", "--quiet", "uv.lock")
    git_repository.commit()
    shown("promote", "-m", "why")
    result = run("trace", "v1")
    assert result.exit_code == 2
    assert (
        result.stderr
        == f"Error: COMMIT_INCOMPLETE: uv.lock is not in commit {git('rev-parse', 'HEAD')[:8]}: fetch the whole history "
        "(`git fetch --unshallow`)\n"
    )
