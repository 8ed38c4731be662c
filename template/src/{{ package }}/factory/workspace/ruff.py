"""Ruff, by the project's settings, for code that commands write."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from ..errors import FactoryError


def check_installed() -> None:
    """Refuse to begin what would end without ruff. Raises FactoryError."""
    if find_spec("ruff") is None:
        raise FactoryError("ruff, which formats the code to be written, is not installed: uv sync, then try again")


def format_files(files: list[Path], select: str | None = None) -> None:
    """Fix, by all rules of the project or those selected, and format; files by name, since ruff skips folders such as build/.

    Raises FactoryError.
    """
    fix = ["check", "--fix-only", "--quiet", *([f"--select={select}"] if select else [])]
    for command in (fix, ["format", "--quiet"]):
        result = run(*command, *map(str, files))
        if result.returncode:
            raise FactoryError(f"`ruff {command[0]}` failed: {' '.join((result.stderr or result.stdout).split())}")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Its result, whatever the exit code."""
    config = ["--no-cache", "--config", str(Path("pyproject.toml").resolve())]
    return subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, *config], capture_output=True, text=True, check=False
    )
