"""Promotion: only what is committed, made by the pipeline, pushed and passes the gate becomes a version."""

import json
import re
from pathlib import Path

import pytest
from late_flights.factory import errors, manifest
from late_flights.factory.gate import promote
from late_flights.factory.registry import versions
from tests.factory import git_repository, toy
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import GATE, another_model, git

pytestmark = pytest.mark.usefixtures("committed")
DVC = promote._dvc  # before the fixture replaces it


def passed(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def set_gate(**limits):
    git_repository.commit(**{"params.yaml": toy.text(gate=GATE | limits)})


def test_first_version_records_what_it_was_made_of():
    shown = passed("promote", "-m", "the first")
    assert "against the baseline" in shown and "✓ model/v1 is the champion" in shown
    [version] = versions.local()
    record = json.loads(Path("reports/run.json").read_text())
    facts = version.facts
    assert facts["commit"] == version.commit == git("rev-parse", "HEAD")
    assert (facts["action"], facts["serves"], facts["why"]) == ("promote", 1, "the first")
    assert facts["by"] == "Zoë 李 <zoe@example.com>"
    assert (facts["model"], facts["metrics"]) == (manifest.model_id(), record["metrics"])
    assert (facts["data"], facts["rows"]) == (record["data"]["train"], record["data"]["rows"])
    assert facts["gate"]["checks"] and all(check["passed"] for check in facts["gate"]["checks"])
    [gain] = [check for check in facts["gate"]["checks"] if check["code"] == "BASELINE"]
    assert gain["low"] < gain["figure"] < gain["high"]  # by which `factory cost` knows what an improvement was worth
    subject = git("for-each-ref", "--format=%(subject)", "refs/tags/model/v1")
    assert re.fullmatch(r"model/v1: promoted, roc_auc 0\.\d{4}, gate passed with \d+ checks", subject)


def test_next_version_is_compared_with_the_one_before():
    passed("promote", "-m", "why")
    model = another_model("second")
    assert "against the champion v1" in passed("promote", "-m", "why")
    first, second = versions.local()
    assert (second.facts["previous"], second.facts["serves"], second.facts["model"]) == (first.tag, 2, model)


def test_same_model_twice_is_refused():
    passed("promote", "-m", "why")
    assert refused("promote", "-m", "why") == "this model is already the champion, v1"


def test_refused_model_is_no_version():
    set_gate(floor=0.9999)
    result = run("promote", "-m", "why")
    assert result.exit_code == 1 and "Rejected: FLOOR" in result.stderr
    assert versions.local() == [] and not git("status", "--porcelain")
    report = json.loads(Path("reports/gate.json").read_text())
    assert not report["passed"] and report["refusals"] == ["FLOOR"]
    assert "## Rejected: FLOOR" in Path("reports/gate.md").read_text()


def test_changed_contract_wants_a_reason():
    passed("promote", "-m", "why")
    [contract] = Path("src").glob("*/contract.py")
    contract.write_text("# before\n")
    git_repository.commit()
    git("tag", "--delete", "model/v1")
    passed("promote", "-m", "why")
    another_model("second")
    assert run("compare").stderr.startswith("✗ Rejected: CONTRACT\n")
    assert "accepted: on purpose" in passed("promote", "-m", "why", "--accept-contract-change", "on purpose")
    assert versions.local()[-1].facts["gate"]["accepted"] == "on purpose"


def dirty():
    Path("new file.txt").write_text("new")


def uncommitted_lock():
    Path("dvc.lock").write_text("other")


def detached():
    git("checkout", "--quiet", "--detach")


def without_lock():
    Path("dvc.lock").unlink()
    git_repository.commit()


UNREADY = {
    "new file": (dirty, '1 file is not committed, e.g. "new file.txt": run `git add --all && git commit '),
    "changed file": (uncommitted_lock, "1 file is not committed, e.g. dvc.lock: run `git add --all && git commit "),
    "no branch": (detached, "HEAD is detached: check out a branch"),
    "no dvc.lock": (without_lock, "there is no dvc.lock: run `uv run dvc repro && git add --all && git commit "),
}


@pytest.mark.parametrize("spoil, message", UNREADY.values(), ids=UNREADY)
def test_what_is_not_committed_is_not_promoted(spoil, message):
    spoil()
    assert refused("promote", "-m", "why").startswith(message)
    assert versions.local() == []


def test_before_the_first_commit():
    git("update-ref", "-d", "HEAD")
    assert refused("promote", "-m", "why") == "there is no commit yet: run `uv run factory setup`"


@pytest.mark.parametrize("command", ["promote", "rollback"])
@pytest.mark.parametrize("why", [(), ("-m", ""), ("-m", " \n")], ids=str)
def test_nothing_begins_without_a_reason(monkeypatch, command, why):
    monkeypatch.setattr(versions, "fetch", lambda: pytest.fail("fetched"))
    monkeypatch.setattr(promote, "check_ready", lambda: pytest.fail("looked at the tree"))
    assert refused(command, *why).startswith("WHY_MISSING: ")


@pytest.mark.parametrize(
    "stale, message",
    [
        (("status",), "out of date: evaluate, train: run `uv run dvc repro && git add --all && git commit "),
        (("status", "--cloud"), "not in DVC's remote: evaluate, train: run `uv run dvc push`"),
    ],
)
def test_outputs_that_others_would_not_get(monkeypatch, stale, message):
    monkeypatch.setattr(promote, "_dvc", lambda *command: {"train": 1, "evaluate": 1} if command == stale else {})
    monkeypatch.setattr(promote, "run", lambda *command: "storage s3://bucket")
    assert refused("promote", "-m", "why").startswith(message)
    assert versions.local() == []


def test_refusal_names_the_push_where_there_is_a_storage(monkeypatch):
    monkeypatch.setattr(promote, "run", lambda *command: "storage s3://bucket")
    dirty()
    assert refused("promote", "-m", "why").endswith("&& uv run dvc push`")


def test_without_a_storage_nothing_need_be_pushed(monkeypatch):
    monkeypatch.setattr(promote, "_dvc", lambda *command: {"train": 1} if "--cloud" in command else {})
    assert promote.check_ready() == git("rev-parse", "HEAD")


def test_dvc_that_fails_gives_no_result(monkeypatch):
    def fail(*command):
        raise errors.FactoryError("dvc failed")

    monkeypatch.setattr(promote, "run", fail)
    with pytest.raises(errors.CannotEvaluate, match=r"^STORAGE: dvc failed"):
        DVC("status")
