"""Run the machinery's tests inside a project: a fresh one, or PROJECT. `nox -s machinery [-- PROJECT] [pytest's options]`.

The tests import the package of a project called Late flights; for another project its name is put in place of that one.
uv brings the environment of PROJECT to what its lock says. Nothing else is written there: a test that does fails the run.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import copier

ROOT = Path(__file__).parents[1]
NAME = "late_flights"
BESIDE = ("--numprocesses=2", "--dist=loadfile")  # a file each


def main() -> str | int:
    chosen = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 and Path(sys.argv[1], "pyproject.toml").exists() else None
    with tempfile.TemporaryDirectory(prefix="machinery-") as folder:
        place = Path(folder)
        project = chosen or fresh(place)
        tests, elsewhere = place / "machinery", place / "current folder"
        shutil.copytree(ROOT / "tests/machinery", tests, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "tests/skips.py", place)
        elsewhere.mkdir()
        rename(tests, package(project))
        before = set(files(project))
        code = run(project, place, elsewhere, *sys.argv[2 if chosen else 1 :])
        written = sorted({file for file, _ in before ^ set(files(project))} | {file for file, _ in files(elsewhere)})
        return f"tests wrote outside their own folders: {', '.join(map(str, written))}" if written else code


def fresh(place: Path) -> Path:
    """A project of the working tree's template, with the environment that its own lock gives it."""
    template = place / "template"
    template.mkdir()
    for part in ("copier.yml", "includes", "licenses", "template"):
        source, ignore = ROOT / part, shutil.ignore_patterns("__pycache__", ".*_cache", ".venv")
        shutil.copytree(source, template / part, ignore=ignore) if source.is_dir() else shutil.copy(source, template)
    project = place / "Zoë 李 x" / "project"
    copier.run_copy(str(template), project, {"project_name": "Late flights"}, defaults=True, quiet=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run(["uv", "sync", "--quiet", f"--python={version}", "--all-groups", "--extra=mlflow"], cwd=project, check=True)
    return project


def package(project: Path) -> str:
    """The name of the project's package, which its command names."""
    scripts = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    return scripts["factory"].partition(".")[0]


def rename(tests: Path, package: str) -> None:
    for file in tests.rglob("*.py"):
        file.write_text(re.sub(rf"\b{NAME}\b", package, file.read_text("utf-8")), "utf-8")


def files(folder: Path) -> Iterator[tuple[Path, int]]:
    """What lies there and when it was written, but for what Git, uv and Python keep for themselves."""
    for place, folders, names in os.walk(folder):
        folders[:] = set(folders) - {".git", ".venv", "__pycache__"}
        for file in (Path(place, name) for name in names):
            yield file.relative_to(folder), file.stat().st_mtime_ns


def run(project: Path, place: Path, folder: Path, *options: str) -> int:
    """pytest's exit code, in the project's environment; the project comes first on the path, where `tests` is its own."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(project), str(place)])}
    env["HYPOTHESIS_STORAGE_DIRECTORY"] = str(place / "hypothesis")
    uv = ["uv", "run", f"--project={project}", "--frozen", "--with=pytest-xdist>=3.8"]
    pytest = ["python", "-m", "pytest", "-p", "skips", "-p", "no:cacheprovider", f"--rootdir={place}"]
    return subprocess.run([*uv, *pytest, *(options or BESIDE), str(place / "machinery")], cwd=folder, env=env).returncode


if __name__ == "__main__":
    sys.exit(main())
