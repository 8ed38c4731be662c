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
    subject = git("for-each-ref", "--format=%(subject)", "refs/tags/model/v1")
    assert re.fullmatch(r"model/v1: promoted, roc_auc 0\.\d{4}, gate passed with \d+ checks", subject)


def test_next_version_is_compared_with_the_one_before():
    passed("promote")
    model = another_model("second")
    assert "against the champion v1" in passed("promote")
    first, second = versions.local()
    assert (second.facts["previous"], second.facts["serves"], second.facts["model"]) == (first.tag, 2, model)


def test_same_model_twice_is_refused():
    passed("promote")
    assert refused("promote") == "this model is the champion already, v1"


def test_refused_model_is_no_version():
    set_gate(floor=0.9999)
    result = run("promote")
    assert result.exit_code == 1 and "Error: refused: FLOOR" in result.stderr
    assert versions.local() == [] and not git("status", "--porcelain")
    report = json.loads(Path("reports/gate.json").read_text())
    assert not report["passed"] and report["refusals"] == ["FLOOR"]
    assert "is refused: FLOOR" in Path("reports/gate.md").read_text()


def test_changed_contract_wants_a_reason():
    passed("promote")
    [contract] = Path("src").glob("*/contract.py")
    contract.write_text("# before\n")
    git_repository.commit()
    git("tag", "--delete", "model/v1")
    passed("promote")
    another_model("second")
    assert run("compare").stderr == "Error: refused: CONTRACT\n"
    assert "accepted: on purpose" in passed("promote", "--accept-contract-change", "on purpose")
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
    "new file": (dirty, '1 files are not committed, e.g. "new file.txt": commit or remove them'),
    "changed file": (uncommitted_lock, "1 files are not committed, e.g. dvc.lock: commit or remove them"),
    "no branch": (detached, "HEAD is detached: check out a branch, versions are made of its commits"),
    "no dvc.lock": (without_lock, "dvc.lock is not there: run `dvc repro` and commit what it made"),
}


@pytest.mark.parametrize("spoil, message", UNREADY.values(), ids=UNREADY)
def test_what_is_not_committed_is_not_promoted(spoil, message):
    spoil()
    assert refused("promote") == message
    assert versions.local() == []


def test_before_the_first_commit():
    git("update-ref", "-d", "HEAD")
    assert refused("promote") == "there is no commit yet: run `factory setup`"


@pytest.mark.parametrize(
    "stale, message",
    [
        (("status",), "not what the pipeline makes: evaluate, train: run `dvc repro` and commit"),
        (("status", "--cloud"), "only on this machine: evaluate, train: run `dvc push`"),
    ],
)
def test_outputs_that_others_would_not_get(monkeypatch, stale, message):
    monkeypatch.setattr(promote, "_dvc", lambda *command: {"train": 1, "evaluate": 1} if command == stale else {})
    monkeypatch.setattr(promote, "run", lambda *command: "storage s3://bucket")
    assert refused("promote") == message
    assert versions.local() == []


def test_without_a_storage_nothing_need_be_pushed(monkeypatch):
    monkeypatch.setattr(promote, "_dvc", lambda *command: {"train": 1} if "--cloud" in command else {})
    assert promote.check_ready() == git("rev-parse", "HEAD")


def test_dvc_that_fails_gives_no_result(monkeypatch):
    monkeypatch.undo()

    def fail(*command):
        raise errors.FactoryError("dvc failed")

    monkeypatch.setattr(promote, "run", fail)
    with pytest.raises(errors.CannotEvaluate, match=r"^STORAGE: dvc failed"):
        promote._dvc("status")
