"""The model of the current checkout, trained without cache, in the pipeline before the gate looks at it."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from .. import PACKAGE, manifest
from ..errors import FactoryError, Refused
from ..paths import MODEL, PREPARED
from ..registry import champion, versions
from ..workspace import git
from ..workspace.process import dvc
from .comparison import CODE, compare
from .reproduction import UNCACHED, Reproduction, other_kernel, run_record, worktree

LOCK = Path("dvc.lock")


def reproduce() -> str:
    """In words what came of a training without cache. Raises Refused where dvc.lock names another model of the same inputs."""
    if json.loads(dvc("status", "--json")):
        before = _stages()
        _train_here()
        _check_same(before, _stages())
        return f"{MODEL}/ was trained without cache"
    previous = versions.local()  # which the pipeline's checkout has fetched: this runs without a token
    if previous and previous[-1].facts["model"] == manifest.model_id():
        name = previous[-1].name
        return f"{MODEL}/ is that of the champion, {name}, which `factory verify {name}` trains again"
    if git.changes():
        raise FactoryError("not everything is committed, and what is trained again is a commit: commit first")
    commit = f"{git.commit()}"
    with worktree(commit) as folder:
        made = Reproduction(folder, commit)
        made.fetch_data()
        made.install()
        made.train()
        return f"{MODEL}/, trained again without cache, is {made.compare(MODEL)}"


def _train_here() -> None:
    """Run every stage; where one fails, end as DVC does, since the stage has recorded why."""
    command = (sys.executable, "-m", f"{PACKAGE}.factory.workspace.repro", *UNCACHED)
    code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    if code:
        raise SystemExit(code)


def _check_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Raises Refused where a stage of the same inputs had other rows or another model as its output in dvc.lock."""
    for name in before.keys() & after.keys():
        old, new = before[name], after[name]
        if _inputs(old) != _inputs(new):
            continue
        if _output(old, PREPARED) != _output(new, PREPARED):
            raise Refused(CODE, f"{LOCK} has other rows in {PREPARED} than stage {name} makes of the same inputs")
        if _output(old, MODEL) != _output(new, MODEL):
            _compare_with_committed()


def _compare_with_committed() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, MODEL)
        try:
            champion.fetch("HEAD", folder)
        except FactoryError as error:
            raise Refused(CODE, f"{LOCK} has another model of the same inputs, which is not in DVC's remote") from error
        compare(folder, MODEL, other_kernel(run_record("HEAD")))


def _stages() -> dict[str, Any]:
    content = yaml.safe_load(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}
    return dict(content.get("stages") or {})


def _inputs(stage: dict[str, Any]) -> dict[str, Any]:
    return {name: stage.get(name) for name in ("cmd", "deps", "params")}


def _output(stage: dict[str, Any], place: Path) -> str | None:
    return next((out.get("md5") for out in stage.get("outs", ()) if out["path"] == str(place)), None)
