"""One table adopted by a project of its own, and all that has to be green there."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CHECKS = {
    "addition": "git add --all",
    "commit": "git commit --message=Adopt",
    "repetition": "dvc repro",
    "style": "ruff check",
    "format": "ruff format --check",
    "types": "--group lint mypy",
    "hooks": "pre-commit run --all-files",
    "push": "dvc push",
    "promotion": "factory promote -m first",
    "tests": "pytest -q",
}
OWN = "--group notebook pytest -q tests/test_contract.py tests/test_features.py tests/test_model.py tests/test_notebook.py"
NEAR = 0.02
"""By which share of its figure the model may be worse than scikit-learn's defaults."""


@dataclass
class Adopted:
    """What came of it: the figures, what each command said, and the last lines of those that failed."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def adopt(name: str, table: Path, target: str, folder: Path, *, quick: bool) -> Adopted:
    """A project in the folder as a user makes one, its checks, and its model beside a plain one.

    Of the tests, all, or quickly those that the adoption wrote.
    """
    found, project = Adopted(name), folder / "adopted"
    new = [str(ROOT / "hooks/new.py"), str(project), "--vcs-ref=HEAD", "--defaults", "--data=project_name=Adopted"]
    if not _run(found, "adoption", ["python", *new, f"--data={table}", f"--target={target}"], folder):
        return found
    for what, command in (CHECKS | ({"tests": OWN} if quick else {})).items():
        _run(found, what, [*([] if command.startswith("git") else ["uv", "run"]), *command.split()], project)
    if "Running stage" in found.said["repetition"]:
        found.failed["repetition"] = found.said["repetition"]
    if _run(found, "comparison", ["uv", "run", "python", str(ROOT / "benchmarks/plain.py")], project):
        found.facts = json.loads(found.said["comparison"])
        found.failed |= dict(_shortfalls(found.facts))
        if not any(found.facts["better"].values()):
            found.failed.pop("promotion", None)  # the gate refuses what is no better than the baseline
    return found


def _shortfalls(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the model owes to a plain one."""
    ours, plain = facts["ours"], facts["plain"]
    if not facts["better"]["plain"]:
        return  # there is nothing to learn, and a difference is chance
    if not facts["better"]["ours"]:
        yield "better than the baseline", f"plain is, with {plain:.4g}; ours is not, with {ours:.4g}"
    if facts["sign"] * (ours - plain) < -NEAR * abs(plain):
        yield "as good as plain", f"{ours:.4g} against {plain:.4g}"


def _run(found: Adopted, what: str, command: list[str], folder: Path) -> bool:
    """Whether the command succeeded; what it said is kept."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=_environment())
    found.said[what] = done.stdout
    if done.returncode:
        found.failed[what] = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
    print(f"{found.name:<13} {what:<11} {'✗' if done.returncode else '✓'} {time.perf_counter() - start:4.0f} s", flush=True)
    return done.returncode == 0


def _environment() -> dict[str, str]:
    who = {f"GIT_{who}_{what}": "adopt@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    one_each = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}  # for two projects share the processors
    return os.environ | who | one_each
