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

import polars as pl

from ... import contract
from .. import PACKAGE
from ..forecasting.settings import Settings
from .isolated_process import ERROR, ORIGINS, SETTINGS
from .origins import Origin, difference

DAYS = 1_000
"""By how many days the clock of the process is ahead."""


def problem(origins: Sequence[Origin], settings: Settings) -> str | None:
    """What history() or features() know beside their rows, in words that follow a name."""
    expected = [origin.seen for origin in origins]
    with tempfile.TemporaryDirectory(prefix="isolated-") as folder:
        place = Path(folder).resolve()
        _write(place, origins, settings)
        later = _computed(place, DAYS)
        if not isinstance(later, str) and _changed(expected, later) is None:
            return None
        now = _computed(place, 0)
    if isinstance(now, str):
        return now
    if name := _changed(expected, now):
        return f"{name} is another in a process without data/, or after other calls"
    return None if isinstance(later, str) else f"{_changed(expected, later)} changes with the date of today"


def _write(place: Path, origins: Sequence[Origin], settings: Settings) -> None:
    """What the process computes features of, and the package."""
    for number, origin in enumerate(origins):
        origin.observations.write_parquet(place / f"{number}.parquet")
    times = pl.concat([origin.seen.select("origin").head(1) for origin in origins])
    times.write_parquet(place / ORIGINS)
    (place / SETTINGS).write_text(json.dumps(asdict(settings)), encoding="utf-8")
    package = Path(contract.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, place / "project/src" / package.name, symlinks=True, ignore=ignored)


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
    differences = (difference(*pair) for pair in zip(expected, found, strict=True))
    return next(filter(None, differences), None)
