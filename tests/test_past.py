"""Projects of earlier releases, with what their owners wrote, go on after an update: stages, tests, gate and service."""

import json
import sys
import urllib.request
from pathlib import Path

import copier
import pytest
from conftest import CONFIG, FLAT, ROOT, git
from workshop import Governed, call, free_port, ready, serving, wait

MODULE = '''\
"""The owner's."""

from .factory import prepare
from .factory.config import load
from .factory.errors import FactoryError
from .factory.scoring import Scorer
from .factory.stage import stage

__all__ = ["FactoryError", "Scorer", "load", "prepare", "stage"]
'''
TEST = """\
from pathlib import Path

import numpy as np
import x.factory.prepare
from x import mine
from x.factory import contracts, digest, metrics
from x.factory.artifact import MODEL


def test_mine():
    assert mine.prepare is x.factory.prepare
    assert mine.prepare.PREPARED.name == "prepared" and MODEL.name == "model"
    assert callable(contracts.conform) and callable(digest.seal) and digest.of_file(Path("params.yaml"))
    metric = metrics.METRICS[mine.load().problem][mine.load().evaluation.metric]
    assert metric(np.array([0.0, 1.0]), np.array([0.1, 0.9])) == 1
    assert mine.load().evaluation.metric in metrics.HIGHER_IS_BETTER
"""
STAGE = """\
  mine:
    cmd: cp src/x/mine.py mine.txt
    deps:
      - src/x/factory/metrics.py
      - src/x/mine.py
    outs:
      - mine.txt
"""
SHIMS = CONFIG["shims"]["default"].split()
GATE = "gate:\n  floor: 0.5\n"


def first_day(past: Path, folder: Path, version: str) -> Governed:
    """A project of that release with a model, which is v1 where the release had versions, and a Git remote beside it."""
    place = folder / "Zoë 李 x" / "project"
    copier.run_copy(str(past), place, {"project_name": "x"}, vcs_ref=version, defaults=True, quiet=True)
    project = Governed(place, place / ".venv/bin")
    project.done("uv", "sync", "--quiet")
    project.set("max_iter: 200\n  learning_rate: 0.03", "max_iter: 30\n  learning_rate: 0.1")
    project.done("factory", "setup")
    git(place.parent, "init", "--quiet", "--bare", "--initial-branch=main", "hub.git")
    git(place, "remote", "add", "origin", "../hub.git")
    project.train("Train")
    if version != "0.1.0":
        project.done("factory", "promote", "-m", "the first")
    return project


def work(project: Governed) -> dict[str, bytes]:
    """What an owner writes, by the names of an earlier release; returned are the files that are the owner's alone."""
    place = project.folder
    mine = {"src/x/mine.py": MODULE, "tests/test_mine.py": TEST, "README.md": "# Ours\n"}
    for name, text in mine.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text, "utf-8")
    (place / "dvc.yaml").write_text((place / "dvc.yaml").read_text("utf-8") + STAGE, "utf-8")
    project.edit("pyproject.toml", '\n  "polars', '\n  "packaging>=24",\n  "polars')
    if (place / "tests/__init__.py").exists():
        project.edit("tests/__init__.py", "import contract, features, model\n", "import contract, features, mine, model\n")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--no-verify", "--message", "Ours")
    own = [file for pattern in ("src/x/*.py", "tests/test_*.py", "notebooks/*.py") for file in place.glob(pattern)]
    return {file.relative_to(place).as_posix(): file.read_bytes() for file in [*own, place / "README.md"]}


def update(project: Governed, copier_first: bool) -> str:
    """What the update prints; it is without a conflict, also after Copier alone has left some."""
    if copier_first:
        done = call(project.folder, sys.executable, "-m", "copier", "update", "--defaults")
        assert done.returncode == 0, done
        assert git(project.folder, "diff", "--name-only", "--diff-filter=U") == "pyproject.toml"
    done = call(project.folder, "uv", "run", "--quiet", "--script", str(ROOT / "hooks/update.py"), ".")
    assert done.returncode == (3 if copier_first else 0), done
    assert git(project.folder, "diff", "--name-only", "--diff-filter=U") == ""
    return done.stdout


def score(project: Governed) -> float:
    """What the service answers for one row."""
    rows = "polars.read_parquet('data/prepared/test.parquet').head(1).drop('late')"
    row = project.done("python", "-c", f"import polars; print({rows}.write_json())")
    port = free_port()
    with serving(port, project.bin / "factory", "serve", "--model", "model", "--port", port, folder=project.folder):
        assert wait(lambda: ready(port), 60)
        url, header = f"http://127.0.0.1:{port}/score", {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, row.encode(), header), timeout=30) as answer:
            return json.load(answer)["scores"][0]["score"]


@pytest.mark.nightly
@pytest.mark.parametrize(("version", "copier_first"), [("0.1.0", True), ("0.2.0", False), (FLAT, True)])
def test_it_goes_on(past, tmp_path, version, copier_first):
    project = first_day(past, tmp_path, version)
    own = work(project)
    output = update(project, copier_first)
    assert {name: (project.folder / name).read_bytes() for name in own} == own
    assert "! dvc.yaml: replace factory/metrics.py by factory/metrics/definitions.py, its new place" in output

    project.done("uv", "sync", "--quiet", "--all-groups")  # its own tests run the notebook wherever they run
    project.set("max_iter: 30", "max_iter: 60")
    if version == "0.1.0":
        project.set("evaluation:", f"{GATE}\nevaluation:")  # as the changelog of 0.2.0 asks for
    else:
        project.set("value_margin: 0.05", "value_margin: 0.5")  # what more trees are worth is not the point
    project.train("Update, and more trees")
    assert "up to date" in project.done("dvc", "status")
    project.done("pytest", "-q", "-p", "no:cacheprovider")
    promote = ("factory", "promote", "-m", "more trees", "--accept-weaker-limits", "value is not the point")
    assert f"model/v{1 if version == '0.1.0' else 2} is the champion" in project.done(*promote)
    assert "verified" in project.done("factory", "audit")
    assert git(project.folder, "status", "--porcelain") == ""
    assert 0 <= score(project) <= 1

    model, lines = project.model(), (project.folder / "data/ledger.csv").read_text("utf-8").splitlines()
    output = project.done("factory", "setup")
    assert "! dvc.yaml: replace factory/metrics.py" in output and "✓ data/ledger.csv: each line is now in" in output
    assert not (project.folder / "data/ledger.csv").exists() and project.ledger() == [line.split(",")[0] for line in lines[1:]]
    assert {name for name in SHIMS if (project.folder / "src/x/factory" / name).exists()} == {"metrics.py"}
    project.done("mypy")
    trained = (project.folder / "model/manifest.json").stat().st_mtime
    project.done("dvc", "repro")
    assert project.model() == model and (project.folder / "model/manifest.json").stat().st_mtime == trained
    assert (project.folder / "mine.txt").read_text("utf-8") == MODULE
    assert STAGE in (project.folder / "dvc.yaml").read_text("utf-8")
