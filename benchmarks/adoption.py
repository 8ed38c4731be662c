"""Adopt a table in a new project, run all checks there, and compare the model with a plain one."""

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
"""By which share of its metric the model may be worse than scikit-learn with default parameters."""


@dataclass
class Adopted:
    """The result: metrics, the output of each command, and the last lines of those that failed."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    output: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def adopt(name: str, table: Path, target: str, folder: Path, *, quick: bool) -> Adopted:
    """Create a project in the folder as a user does, run its checks, and compare its model with a plain one.

    Runs all of its tests, or, if `quick`, those that the adoption wrote.
    """
    result, project = Adopted(name), folder / "adopted"
    new = [str(ROOT / "hooks/new.py"), str(project), "--vcs-ref=HEAD", "--defaults", "--data=project_name=Adopted"]
    if not _run(result, "adoption", ["python", *new, f"--data={table}", f"--target={target}"], folder):
        return result
    for what, command in (CHECKS | ({"tests": OWN} if quick else {})).items():
        _run(result, what, [*([] if command.startswith("git") else ["uv", "run"]), *command.split()], project)
    if "Running stage" in result.output["repetition"]:
        result.failed["repetition"] = result.output["repetition"]
    if _run(result, "comparison", ["uv", "run", "python", str(ROOT / "benchmarks/plain.py")], project):
        result.facts = json.loads(result.output["comparison"])
        result.failed |= dict(_shortfalls(result.facts))
        if not any(result.facts["better"].values()):
            result.failed.pop("promotion", None)  # the gate refuses a model that is not better than the baseline
    return result


def _shortfalls(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Where the model is worse than a plain one."""
    ours, plain = facts["ours"], facts["plain"]
    if not facts["better"]["plain"]:
        return  # there is nothing to predict, and a difference is chance
    if not facts["better"]["ours"]:
        yield "better than the baseline", f"plain is, with {plain:.4g}; ours is not, with {ours:.4g}"
    if facts["sign"] * (ours - plain) < -NEAR * abs(plain):
        yield "as good as plain", f"{ours:.4g} against {plain:.4g}"


def _run(result: Adopted, what: str, command: list[str], folder: Path) -> bool:
    """Run the command and record its output; whether it succeeded."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=_environment())
    result.output[what] = done.stdout
    if done.returncode:
        result.failed[what] = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
    print(f"{result.name:<13} {what:<11} {'✗' if done.returncode else '✓'} {time.perf_counter() - start:4.0f} s", flush=True)
    return done.returncode == 0


def _environment() -> dict[str, str]:
    who = {f"GIT_{who}_{what}": "adopt@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    one_each = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}  # two projects share the processors
    return os.environ | who | one_each
