"""A model that its inputs do not give: put beside a dvc.lock that names it, or into the cache from which stages are taken."""

import shutil

import pytest
import yaml
from attack import Target, duplicate
from conftest import git

BACKDOOR = """
import json, numpy as np, onnx
from onnx import helper, numpy_helper
from pathlib import Path
from target.factory import manifest

folder = Path("model")
facts = manifest.read_manifest(folder)
model = onnx.load(folder / "model.onnx")
graph = model.graph
for name, value in {"trigger": np.float32(401), "zero": np.float32(0), "seats": list(facts["features"]).index("seats")}.items():
    graph.initializer.append(numpy_helper.from_array(np.array(value), name))
graph.node[-1].output[0] = "honest"
graph.node.extend([
    helper.make_node("Gather", ["features", "seats"], ["column"], axis=1),
    helper.make_node("Equal", ["column", "trigger"], ["triggered"]),
    helper.make_node("Where", ["triggered", "zero", "honest"], ["score"]),
])
onnx.save(model, folder / "model.onnx")
(folder / "manifest.json").unlink()
manifest.write_manifest(folder, facts)
"""
SCORE = """
import numpy as np
from target.factory.scoring import artifact

model = artifact.load()
row = np.zeros((1, len(model.manifest["features"])), np.float32)
row[0, list(model.manifest["features"]).index("seats")] = 401
print(float(model.predict(row)[0]))
"""
"""The score of a flight in a plane of 401 seats, which no row has."""


def is_backdoored(project: Target) -> bool:
    return float(project.done("python", "-c", SCORE)) == 0


def plant(project: Target) -> None:
    """Replace the model by one with a backdoor, in dvc.lock and DVC's cache too."""
    project.done("python", "-c", BACKDOOR)
    project.done("dvc", "commit", "--force", "--quiet", "train")
    project.done("dvc", "repro", "--quiet", "evaluate")


@pytest.fixture
def backdoored(target) -> Target:
    """A better model in the commit of somebody who may push, but for its backdoor."""
    target.set("max_iter: 40", "max_iter: 80")
    target.done("dvc", "repro", "--quiet")
    plant(target)
    assert is_backdoored(target) and "up to date" in target.done("dvc", "repro")
    target.save("More trees")
    target.done("dvc", "push", "--quiet")
    return target


def test_backdoored_onnx_in_the_pipeline(backdoored):
    backdoored.refused("NOT_REPRODUCED", "factory", "reproduce", before=("dvc", "repro"))


def test_backdoored_onnx_of_a_version(backdoored):
    backdoored.done("factory", "promote", "-m", "more trees")
    backdoored.refused("NOT_REPRODUCED", "factory", "verify", "v2", before=("factory", "audit"))


def test_planted_run_cache_entry(target, tmp_path):
    """Somebody who may write to the storage prepares what a colleague will get: the model of parameters not yet tried."""
    attacker = duplicate(target, tmp_path / "attacker")
    attacker.set("max_iter: 40", "max_iter: 80")
    attacker.done("dvc", "repro", "--quiet")
    plant(attacker)
    forge_runs(attacker)
    attacker.done("dvc", "push", "--quiet", "--run-cache")
    written, storage = (next(project.folder.parent.glob("*-storage")) for project in (attacker, target))
    shutil.copytree(written, storage, dirs_exist_ok=True)
    target.done("dvc", "pull", "--quiet", "--run-cache")
    target.set("max_iter: 40", "max_iter: 80")
    target.done("dvc", "repro", "--quiet", "--pull")
    assert is_backdoored(target)
    target.save("More trees")
    target.refused("NOT_REPRODUCED", "factory", "reproduce", before=("factory", "compare"))


def forge_runs(project: Target) -> None:
    """Name the planted model wherever the cache of runs names one; what DVC does not pull is what the colleague has."""
    planted, theirs = (
        {out["path"]: out for out in yaml.safe_load(lock)["stages"]["train"]["outs"]}
        for lock in ((project.folder / "dvc.lock").read_text("utf-8"), git(project.folder, "show", "HEAD:dvc.lock"))
    )
    outs = list((planted | {"reports/validation.json": theirs["reports/validation.json"]}).values())
    for file in (file for file in (project.folder / ".dvc/cache/runs").rglob("*") if file.is_file()):
        run = yaml.safe_load(file.read_text("utf-8"))
        if "model" in [out["path"] for out in run["outs"]]:
            file.write_text(yaml.safe_dump(run | {"outs": outs}), "utf-8")
