"""Run a version: its own commit, in a worktree, with its own environment, features and model."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import polars as pl
from filelock import FileLock

from .. import PACKAGE
from ..errors import CannotEvaluate, FactoryError
from ..paths import DVC_TMP, MODEL, WORKTREES
from ..workspace.process import run

SCORE = f"""
import sys
import polars as pl
from {PACKAGE} import Scorer, contract
rows = pl.read_parquet(sys.argv[1])
columns = [name for name in contract.Row.column_names() if name in rows.columns]
Scorer.load("model").score(rows.select(columns)).write_parquet(sys.argv[2])
"""
LOAD = f"from {PACKAGE} import Scorer; Scorer.load('model')"
PROJECT_ENV = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH")


def scores(commit: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Id, score and decision of each row by the commit's model. Raises CannotEvaluate."""
    with tempfile.TemporaryDirectory() as folder:
        source, destination = Path(folder, "rows.parquet"), Path(folder, "scores.parquet")
        rows.write_parquet(source)
        _run_python(commit, SCORE, str(source), str(destination))
        result = pl.read_parquet(destination)
    scored = int(result["score"].is_finite().sum())
    if (scored, result.height) != (rows.height, rows.height):
        raise CannotEvaluate(
            "CHAMPION_BROKEN", f"the champion ({commit[:8]}) scored {scored} of {rows.height} test rows"
        )
    return result


def check_loads(commit: str) -> None:
    """Fetch, verify and load the commit's model with its own code. Raises CannotEvaluate."""
    _run_python(commit, LOAD)


def fetch(commit: str, folder: Path) -> None:
    """Fetch the commit's model from DVC's cache or its remote. Raises FactoryError."""
    run(sys.executable, "-m", "dvc", "get", "--rev", commit, ".", str(MODEL), "--out", str(folder))


def checkout(commit: str) -> Path:
    """A folder with the commit's files and model, kept for the next time. Raises CannotEvaluate if one cannot be fetched."""
    folder = WORKTREES / commit
    model = folder / MODEL
    DVC_TMP.mkdir(parents=True, exist_ok=True)
    with FileLock(DVC_TMP / "factory-champion.lock"):
        try:
            if not model.exists():  # put there last
                shutil.rmtree(folder, ignore_errors=True)
                run("git", "worktree", "prune")
                run("git", "worktree", "add", "--quiet", "--force", "--detach", str(folder), commit)
                fetched = folder / ".model.tmp"
                fetch(commit, fetched)
                fetched.replace(model)
        except FactoryError as error:
            raise CannotEvaluate(
                "CHAMPION_UNFETCHABLE", f"the model of commit {commit[:8]} cannot be fetched: {error}"
            ) from error
    return folder


def _run_python(commit: str, script: str, *arguments: str) -> None:
    folder = checkout(commit)
    env = {name: value for name, value in os.environ.items() if name not in PROJECT_ENV}
    command = (env.get("UV", "uv"), "run", "--quiet", "--frozen", "--no-default-groups", "python", "-c", script)
    try:
        run(*command, *arguments, cwd=folder, env=env)
    except FactoryError as error:
        reason = str(error).rpartition(" failed: ")[2]
        raise CannotEvaluate(
            "CHAMPION_BROKEN", f"the model of commit {commit[:8]} does not run in its own environment: {reason}"
        ) from error
