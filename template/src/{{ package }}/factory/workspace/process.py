"""Other programs, with their failures in one line."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ..errors import FactoryError


def show(*command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run the command, with all that it says on stderr. Raises FactoryError."""
    done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=2, check=False)
    if done.returncode:
        raise FactoryError(f"`{' '.join(command[:2])}` failed with exit code {done.returncode}: see what it says above")


def dvc(*command: str) -> str:
    """What DVC prints. Raises FactoryError with what it complains of last, as warnings come first."""
    whole = (sys.executable, "-m", "dvc", *command)
    done = subprocess.run(whole, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        told = said[-1] if said else lines[0] if lines else f"exit code {done.returncode}"
        raise FactoryError(f"`dvc {command[0]}` failed: {told}")
    return done.stdout.strip()


def run(
    *command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str = "", strip: bool = True
) -> str:
    """What the command prints. Raises FactoryError with the command and the first thing it complains of."""
    if shutil.which(command[0]) is None:
        raise FactoryError(f"{command[0]} is not installed, or not on PATH")
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        first = said[0] if said else f"exit code {done.returncode}"
        raise FactoryError(f"`{' '.join(command)}` failed: {said[-1] if first.startswith('Traceback') else first}")
    return done.stdout.strip() if strip else done.stdout
