"""The audit of what the versions' commits name: models missing, damaged or exchanged, and verdicts that were none."""

import json
import shutil

import pytest

from .. import audit, errors, versions
from . import cached, repository
from .cached import CACHE, problems, promote
from .command import run
from .repository import RECORD


@pytest.fixture(autouse=True)
def start(tmp_path, two_versions, monkeypatch):
    shutil.copytree(two_versions, tmp_path, dirs_exist_ok=True)
    cached.enter(tmp_path, monkeypatch)


def stored(name):
    """Where the cache has each file of the model: its folder, its estimator and its manifest."""
    folder, _ = cached.model(name)
    listed = json.loads(cached.place(folder).read_bytes())
    return {"folder": cached.place(folder)} | {entry["relpath"]: cached.place(entry["md5"]) for entry in listed}


MENDED = "put it back with `dvc push` from a machine that has it"


@pytest.mark.parametrize("file", ["folder", "model.skops", "manifest.json"])
def test_deleted_file_is_named(file):
    path = stored("two")[file]
    path.unlink()
    md5 = path.parent.name + path.name
    assert problems() == [f"model/v2: its model cannot be fetched ({md5} is missing): {MENDED}"]


@pytest.mark.parametrize("file", ["folder", "model.skops", "manifest.json"])
def test_damaged_file_is_named(file):
    path = stored("one")[file]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    md5 = path.parent.name + path.name
    assert problems() == [f"model/v1: its model cannot be fetched ({md5} is damaged): {MENDED}"]


EXCHANGED = "its model is not the one that was promoted: restore the commit's dvc.lock and the remote's files"


def test_model_of_another_version_is_named():
    promote("three", model="0" * 64)
    assert problems() == [f"model/v3: {EXCHANGED}"]


@pytest.mark.parametrize("more", [{"model.skops": "0" * 64}, {"model.onnx": "0" * 64}])
def test_model_whose_files_are_not_those_of_its_manifest(more):
    folder, sha256 = cached.model("three", **more)
    commit = repository.commit(**repository.lock(folder))
    versions.publish(commit, RECORD | {"model": sha256}, "promoted", versions.known())
    assert problems() == [f"model/v3: {EXCHANGED}"]


@pytest.mark.parametrize(
    "content", ["", "stages: {}", "stages: {train: {outs: []}}", "- a", "<<<<<<< HEAD", "a: [", "b"]
)
def test_commit_without_a_model_is_named(content):
    commit = repository.commit(**{"dvc.lock": content})
    versions.publish(commit, RECORD, "promoted", versions.known())
    [problem] = problems()
    assert problem.startswith("model/v3: its commit names no model (") and problem.endswith("): restore the commit")


@pytest.mark.parametrize(
    "checks, said", [([], "nothing was checked"), ([{"code": "FLOOR", "passed": False}], "FLOOR")], ids=["none", "one"]
)
def test_version_that_did_not_pass_the_gate_is_named(checks, said):
    promote("three", gate={"checks": checks})
    assert problems() == [f"model/v3: did not pass the gate: {said}: roll back"]


def test_storage_that_is_away_is_no_problem_where_the_cache_has_all(monkeypatch):
    def away(*command):
        if "fetch" in command:
            raise errors.FactoryError("storage is away")
        return str(CACHE)

    monkeypatch.setattr(audit, "run", away)
    assert run("audit").exit_code == 0
