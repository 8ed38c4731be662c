"""What a model sees of a forecast follows from the history of the series alone: from no file, clock, chance or earlier call.

It is computed here, the newest origin first, and again in a process of its own, the oldest first, that has a copy of the package
without the data, another date, and neither files nor network.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ... import contract
from .. import PACKAGE
from ..config import Params
from ..data import observations, prepare
from ..errors import Refused
from ..forecasting import grid
from ..forecasting.grid import POSITION
from ..forecasting.settings import Settings
from ..tables.chunks import Rows, column
from .isolated_process import ERROR, ORIGINS, SETTINGS, compute

COUNT = 3
"""How many origins are tried."""
DAYS = 1_000
"""By how many days the clock of the process is ahead."""
TOLERANCE = 1e-5  # for sums in another order


def check_isolated(train: Rows, params: Params) -> None:
    """Refuse history() and features() that know more than the rows that they are given. Raises Refused."""
    settings, table = (
        observations.settings(params),
        grid.numbered(prepare.read("observations"), observations.settings(params)),
    )
    known = column(train, "origin").unique().sort()
    origins = known.gather(np.unique(np.linspace(0, len(known) - 1, COUNT).astype(int)))
    parts = [_around(table, settings, origin) for origin in origins]
    expected = [
        compute(*each)
        for each in reversed([(part, settings, origin) for part, origin in zip(parts, origins, strict=True)])
    ]
    with tempfile.TemporaryDirectory(prefix="isolated-") as folder:
        place = Path(folder).resolve()
        _write(place, parts, settings, origins)
        problem = _problem(place, expected[::-1])
    if problem:
        raise Refused(
            "LEAKAGE",
            f"features.py: {problem}: compute features from the rows alone, as nothing else is there in service; what is known "
            "beforehand can be delivered as a column of Observation that is known ahead",
        )


def _around(table: pl.DataFrame, settings: Settings, origin: Any) -> pl.DataFrame:
    """The observations that the rows of the origin may depend on, and those after it."""
    place = grid.position(table, settings, origin)
    return table.filter(
        pl.col(POSITION).is_between(place - settings.window, place + settings.gap + settings.horizon)
    ).drop(POSITION)


def _write(place: Path, parts: Sequence[pl.DataFrame], settings: Settings, origins: pl.Series) -> None:
    """What the process computes features of, and the package."""
    for number, part in enumerate(parts):
        part.write_parquet(place / f"{number}.parquet")
    origins.to_frame().write_parquet(place / ORIGINS)
    (place / SETTINGS).write_text(json.dumps(asdict(settings)), encoding="utf-8")
    package = Path(contract.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, place / "project/src" / package.name, symlinks=True, ignore=ignored)


def _problem(place: Path, expected: Sequence[pl.DataFrame]) -> str | None:
    """What is wrong, in words that follow a name."""
    later = _computed(place, DAYS)
    if not isinstance(later, str) and _changed(expected, later) is None:
        return None
    now = _computed(place, 0)
    if isinstance(now, str):
        return now
    if name := _changed(expected, now):
        return f"{name} is another in a process without data/, or after other calls"
    return None if isinstance(later, str) else f"{_changed(expected, later)} changes with the date of today"


def _computed(place: Path, days: int) -> list[pl.DataFrame] | str:
    """The same rows and features by the process, or what has failed in it."""
    project = place / "project"
    path = os.pathsep.join(filter(None, (f"{project / 'src'}", os.environ.get("PYTHONPATH"))))
    command = (
        sys.executable,
        "-m",
        f"{PACKAGE}.factory.training.isolated_process",
        f"{place}",
        f"{days}",
        f"{Path(contract.__file__).parents[2]}",
    )
    (place / ERROR).unlink(missing_ok=True)
    environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    error = (place / ERROR).read_text(encoding="utf-8") if (place / ERROR).exists() else ""
    if process.returncode or error:
        lines = (error or process.stderr).strip().splitlines() or [f"exit code {process.returncode}"]
        return f"in a process without data/, {(lines[0] if error else lines[-1]).removeprefix('features.py: ')}"
    return [pl.read_parquet(file) for file in sorted(place.glob(f"*.{days}.parquet"))]


def _changed(expected: Sequence[pl.DataFrame], found: Sequence[pl.DataFrame]) -> str | None:
    """The first column that differs."""
    for ours, theirs in zip(expected, found, strict=True):
        if ours.schema != theirs.schema or ours.height != theirs.height:
            return "the table"
        for name, dtype in ours.schema.items():
            one, other = ours[name], theirs[name]
            if dtype.is_float():
                same = np.isclose(
                    one.to_numpy(), other.to_numpy(), rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True
                ).all()
            else:
                same = one.equals(other)
            if not same:
                return name
    return None
