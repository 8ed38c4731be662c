"""The audit of what the versions' commits name: models missing, damaged or exchanged, and verdicts that were none."""

import json
import shutil

import pytest
from late_flights.factory import errors
from late_flights.factory.registry import audit, validity, versions
from tests.factory import git_repository
from tests.factory.cli_runner import run
from tests.factory.git_repository import RECORD, git

from machinery.registry import fake_dvc_cache
from machinery.registry.fake_dvc_cache import CACHE, problems, promote


@pytest.fixture(autouse=True)
def start(tmp_path, two_versions, monkeypatch):
    shutil.copytree(two_versions, tmp_path, dirs_exist_ok=True)
    fake_dvc_cache.enter(tmp_path, monkeypatch)


def stored(name):
    """Where the cache has each file of the model: its folder, its estimator and its manifest."""
    folder, _ = fake_dvc_cache.model(name)
    listed = json.loads(fake_dvc_cache.place(folder).read_bytes())
    return {"folder": fake_dvc_cache.place(folder)} | {entry["relpath"]: fake_dvc_cache.place(entry["md5"]) for entry in listed}


FIX = "run `uv run dvc push` on a machine that has it"


@pytest.mark.parametrize("file", ["folder", "model.skops", "manifest.json"])
def test_deleted_file_is_named(file):
    path = stored("two")[file]
    path.unlink()
    md5 = path.parent.name + path.name
    assert problems() == [f"model/v2: its model cannot be fetched ({md5} is missing): {FIX}"]


@pytest.mark.parametrize("file", ["folder", "model.skops", "manifest.json"])
def test_damaged_file_is_named(file):
    path = stored("one")[file]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    md5 = path.parent.name + path.name
    assert problems() == [f"model/v1: its model cannot be fetched ({md5} is damaged): {FIX}"]


EXCHANGED = "its model is not the one that was promoted: restore dvc.lock in its commit and the files in DVC's remote"


def test_model_of_another_version_is_named():
    promote("three", model="0" * 64)
    assert problems() == [f"model/v3: {EXCHANGED}"]


@pytest.mark.parametrize("more", [{"model.skops": "0" * 64}, {"model.onnx": "0" * 64}])
def test_model_whose_files_are_not_those_of_its_manifest(more):
    folder, sha256 = fake_dvc_cache.model("three", **more)
    commit = git_repository.commit(**git_repository.lock(folder))
    versions.publish(commit, RECORD | {"model": sha256}, "promoted", versions.local())
    assert problems() == [f"model/v3: {EXCHANGED}"]


@pytest.mark.parametrize("content", ["", "stages: {}", "stages: {train: {outs: []}}", "- a", "<<<<<<< HEAD", "a: [", "b"])
def test_commit_without_a_model_is_named(content):
    commit = git_repository.commit(**{"dvc.lock": content})
    versions.publish(commit, RECORD, "promoted", versions.local())
    [problem] = problems()
    assert problem.startswith("model/v3: dvc.lock in its commit names no model (") and problem.endswith("): restore the commit")


@pytest.mark.parametrize(
    "checks, reason", [([], "no checks recorded"), ([{"code": "FLOOR", "passed": False}], "FLOOR")], ids=["none", "one"]
)
def test_version_that_did_not_pass_the_gate_is_named(checks, reason):
    with pytest.raises(errors.CannotEvaluate, match=r"^VERSION_INVALID: model/v3 did not pass the gate"):
        promote("three", gate={"checks": checks})
    assert len(versions.local()) == 2
    record = RECORD | {
        "version": 3,
        "commit": git("rev-parse", "HEAD"),
        "previous": versions.local()[-1].tag,
        "gate": {"checks": checks},
    }
    git("tag", "--annotate", "--message", f"model/v3\n\n{validity.write_record(record)}", "model/v3")
    git("push", "--quiet", "origin", "model/v3")
    assert problems() == [f"VERSION_INVALID: model/v3 did not pass the gate ({reason}): delete it"]


def test_storage_that_is_away_is_no_problem_where_the_cache_has_all(monkeypatch):
    def away(*command):
        if "fetch" in command:
            raise errors.FactoryError("storage is away")
        return str(CACHE)

    monkeypatch.setattr(audit, "run", away)
    assert run("audit").exit_code == 0
