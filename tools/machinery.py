"""Run the machinery's tests inside a project: a fresh one, or PROJECT. `nox -s machinery [-- PROJECT] [pytest's options]`.

The tests import the package of a project called Late flights; for another project its name is put in place of that one.
Nothing is written into PROJECT.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import copier

ROOT = Path(__file__).parents[1]
NAME = "late_flights"
BESIDE = ("--numprocesses=2", "--dist=loadfile")  # a file each


def main() -> int:
    chosen = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 and Path(sys.argv[1], "pyproject.toml").exists() else None
    with tempfile.TemporaryDirectory(prefix="machinery-") as place:
        project = chosen or fresh(Path(place))
        tests = Path(place, "machinery")
        shutil.copytree(ROOT / "tests/machinery", tests, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "tests/skips.py", place)
        rename(tests, package(project))
        return run(project, Path(place), *sys.argv[2 if chosen else 1 :])


def fresh(place: Path) -> Path:
    """A project of the working tree's template, with the environment that its own lock gives it."""
    template = place / "template"
    for part in ("copier.yml", "includes", "licenses", "template"):
        source = ROOT / part
        shutil.copytree(source, template / part) if source.is_dir() else shutil.copy(source, template)
    project = place / "Zoë 李 x" / "project"
    copier.run_copy(str(template), project, {"project_name": "Late flights"}, defaults=True, quiet=True)
    return project


def package(project: Path) -> str:
    """The name of the project's package, which its command names."""
    scripts = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    return scripts["factory"].partition(".")[0]


def rename(tests: Path, package: str) -> None:
    for file in tests.rglob("*.py"):
        file.write_text(re.sub(rf"\b{NAME}\b", package, file.read_text("utf-8")), "utf-8")


def run(project: Path, place: Path, *options: str) -> int:
    """pytest's exit code, in the project's environment; its folder comes first, where `tests` is the project's own."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(project), str(place)])}
    command = ["uv", "run", "--with=pytest-xdist>=3.8", "python", "-m", "pytest", "-p", "skips", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, f"--rootdir={place}", *(options or BESIDE), str(place / "machinery")], cwd=project, env=env
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
