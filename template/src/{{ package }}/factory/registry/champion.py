"""Run a version: its own commit, in a worktree, with its own environment, features and model."""

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
import polars as pl
from filelock import FileLock

from .. import PACKAGE, manifest
from ..errors import CannotEvaluate, FactoryError
from ..paths import DVC_TMP, MODEL, WORKTREES
from ..platforms import with_git_config
from ..platforms.base import TOKEN
from ..workspace import signing
from ..workspace.process import run
from .validity import Version

SCORE = f"""
import sys
import polars as pl
from {PACKAGE} import Scorer, contract
rows = pl.read_parquet(sys.argv[1])
columns = [name for name in contract.Row.column_names() if name in rows.columns]
Scorer.load("model").score(rows.select(columns)).write_parquet(sys.argv[2])
"""
FORECAST = f"""
import sys
import polars as pl
from {PACKAGE} import Scorer, contract
from {PACKAGE}.factory.forecasting import examples, grid
from {PACKAGE}.factory.forecasting.settings import Settings
from {PACKAGE}.factory.validation.parsing import cast
delivered, asked = map(pl.read_parquet, sys.argv[1:3])
scorer = Scorer.load("model")
settings, columns = Settings.of_model(scorer.manifest), contract.Row.columns()
observations = cast(delivered.select(name for name in contract.Observation.column_names() if name in delivered.columns), contract.Observation)
asked = asked.select(pl.col(name).cast(columns[name].dtype, strict=False) for name in asked.columns)
table = grid.numbered(observations, settings)
rows = [
    examples.build(table, settings, [grid.position(table, settings, origin)]).join(asked, on=asked.columns, how="semi", maintain_order="left")
    for origin in asked["origin"].unique().sort()
]
scorer.forecasts(pl.concat(rows).drop(settings.target)).write_parquet(sys.argv[3])
"""
"""Not of rows that other code has made, whose columns of the same name may mean something else."""
LOAD = f"from {PACKAGE} import Scorer; Scorer.load('model')"
OWN_FILES = f":(exclude){MODEL}", ":(exclude).venv", ":(exclude,glob)**/__pycache__/*"  # what is not the commit's
NOT_ITS_OWN = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH", TOKEN, signing.KEY)
"""Variables of the environment here that a version's code must not see: the project's, and secrets."""


def scores(version: Version, rows: pl.DataFrame) -> pl.DataFrame:
    """Id, score and decision of each row by the version's model. Raises CannotEvaluate."""
    return _complete(_made(version, SCORE, rows), version, rows)


def forecasts(version: Version, rows: pl.DataFrame, observations: Path, keys: Sequence[str]) -> pl.DataFrame:
    """The same of rows of a forecast, which `keys` and their origin name: the version makes its own of the observations.

    The observations are those that the rows were made of. Raises CannotEvaluate.
    """
    asked = rows.select(*keys, "origin")
    found = _made(version, FORECAST, asked, observations.resolve()).cast(asked.schema, strict=False).drop("step")
    joined = asked.join(found, on=asked.columns, how="left", maintain_order="left").drop(asked.columns)
    return _complete(joined, version, rows)


def _made(version: Version, script: str, rows: pl.DataFrame, *before: Path) -> pl.DataFrame:
    """What the script makes of these files and of one with the rows."""
    with tempfile.TemporaryDirectory() as folder:
        source, destination = Path(folder, "rows.parquet"), Path(folder, "scores.parquet")
        rows.write_parquet(source)
        _run_python(version, script, *map(str, (*before, source, destination)))
        return pl.read_parquet(destination)


def _complete(result: pl.DataFrame, version: Version, rows: pl.DataFrame) -> pl.DataFrame:
    scored = int(result["score"].is_finite().fill_null(False).sum())
    if (scored, result.height) != (rows.height, rows.height):
        raise CannotEvaluate(
            "CHAMPION_BROKEN", f"the champion, {version.name}, scored {scored} of {rows.height} test rows"
        )
    return result


def check_loads(version: Version) -> None:
    """Fetch, verify and load the version's model with its own code. Raises CannotEvaluate."""
    _run_python(version, LOAD)


def fetch(commit: str, folder: Path) -> None:
    """Fetch the commit's model from DVC's cache or its remote. Raises FactoryError."""
    run(sys.executable, "-m", "dvc", "get", "--rev", commit, ".", str(MODEL), "--out", str(folder))


def is_model(folder: Path, version: Version) -> bool:
    """Whether the folder holds the model that the version's record names. Raises ArtifactError for a damaged one."""
    manifest.read_manifest(folder)
    return bool(manifest.model_id(folder) == version.facts["model"])


def checkout(version: Version) -> Path:
    """A folder with the version's files and model, kept for the next time, and verified each time. Raises CannotEvaluate."""
    folder = WORKTREES / version.commit
    DVC_TMP.mkdir(parents=True, exist_ok=True)
    with FileLock(DVC_TMP / "factory-champion.lock"):
        if not (folder / MODEL).exists():  # put there last
            _make(folder, version)
        elif not _unchanged(folder, version):
            click.echo(
                f"CHAMPION_CHANGED: {folder} is not {version.name} as it was promoted: making it again", err=True
            )
            _make(folder, version)
    return folder


def _make(folder: Path, version: Version) -> None:
    fetched = folder / ".model.tmp"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        run("git", "worktree", "prune")
        add = ("worktree", "add", "--quiet", "--force", "--detach", str(folder), version.commit)
        run("git", *add, env=with_git_config({"core.hooksPath": os.devnull}))
        fetch(version.commit, fetched)
        promoted = is_model(fetched, version)
    except FactoryError as error:
        raise CannotEvaluate(
            "CHAMPION_UNFETCHABLE", f"the model of {version.name} cannot be fetched: {error}"
        ) from error
    if not promoted:
        raise CannotEvaluate(
            "CHAMPION_CHANGED", f"{version.name} has another model than the one promoted: run `uv run factory audit`"
        )
    fetched.replace(folder / MODEL)


def _unchanged(folder: Path, version: Version) -> bool:
    """Whether files and model are the version's, whatever the folder's own index says of the files."""
    common = Path(run("git", "rev-parse", "--git-common-dir")).resolve()
    with tempfile.TemporaryDirectory() as temporary, suppress(FactoryError):
        index = {"GIT_INDEX_FILE": f"{temporary}/index", "GIT_DIR": str(common), "GIT_WORK_TREE": str(folder.resolve())}
        env = os.environ | index
        run("git", "read-tree", version.commit, env=env)
        changed = run("git", "ls-files", "--modified", "--others", "--", ".", *OWN_FILES, cwd=folder, env=env)
        return not changed and is_model(folder / MODEL, version)
    return False


def _run_python(version: Version, script: str, *arguments: str) -> None:
    folder = checkout(version)
    env = {name: value for name, value in os.environ.items() if name not in NOT_ITS_OWN}
    command = (env.get("UV", "uv"), "run", "--quiet", "--frozen", "--no-default-groups", "python", "-c", script)
    try:
        run(*command, *arguments, cwd=folder, env=env)
    except FactoryError as error:
        reason = str(error).rpartition(" failed: ")[2]
        raise CannotEvaluate(
            "CHAMPION_BROKEN", f"the model of {version.name} does not run in its own environment: {reason}"
        ) from error
