"""Adopt a table in a project, run all checks there, and compare the model with a careful person's."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cases
from public import Public

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
RESTORE = (
    "git reset --quiet --hard start",
    "git clean -dffxq --exclude=.venv",
    "git tag --list 'model/*' | xargs --no-run-if-empty git tag --delete",
)
SPLITS = {"groups": "id", "time": "time"}
"""What params.yaml calls the column by which the rows are split."""
CLEAR = 0.05
"""By which share a certified figure is beyond the honest one before the split is to blame."""
NEAR = 0.02
"""By which share of its metric the model may be worse than the reference."""


@dataclass
class Adopted:
    """The result: figures, the output of each command, and the last lines of those that failed."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    output: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def start(project: Path) -> str | None:
    """Create a project with the sample as a user does; the failure as text."""
    project.parent.mkdir(parents=True, exist_ok=True)
    new = [str(ROOT / "hooks/new.py"), str(project), "--vcs-ref=HEAD", "--defaults", "--data=project_name=Adopted"]
    result = Adopted("a project")
    _run(result, "creation", ["python", *new], project.parent)
    _run(result, "tag", ["git", "tag", "start"], project)
    return "\n".join(result.failed.values()) or None


def adopt(name: str, table: Path, public: Public, project: Path) -> Adopted:
    """Adopt in the project, which is restored first, run all of its checks, and compare."""
    result = Adopted(name)
    for command in RESTORE:
        subprocess.run(command, cwd=project, check=True, shell=True)
    command = ["uv", "run", "factory", "adopt", str(table), "--target", public.target, "--yes"]
    if not _run(result, "adoption", command, project):
        return result
    for what, words in CHECKS.items():
        _run(result, what, [*([] if words.startswith("git") else ["uv", "run"]), *words.split()], project)
    if "Running stage" in result.output["repetition"]:
        result.failed["repetition"] = result.output["repetition"]
    gate = json.loads((project / "reports/gate.json").read_text("utf-8"))
    if gate["refusals"]:
        result.failed.pop("promotion", None)  # a refusal is a result
    script = str(ROOT / "benchmarks/reference.py")
    if _run(result, "reference", ["uv", "run", "python", script, str(table), json.dumps(public.person)], project):
        facts = json.loads(result.output["reference"])
        facts |= {"refused": gate["refusals"], "certified": gate["metrics"][facts["metric"]]["challenger"]}
        _judge(result, facts, public)
    return result


def quick(tables: dict[str, tuple[Path, Public]], project: Path) -> Iterator[Adopted]:
    """Adopt each as the command does, but without DVC, and compare."""
    for name, (table, public) in tables.items():
        cases.write(table, name, {"target": public.target}, public.person)
    for name, proposed, judged in cases.judge(project, project.parent / "quick"):
        result = Adopted(name)
        if error := proposed.get("error") or judged.get("error"):
            result.failed["adoption"] = error
        else:
            _judge(result, judged | {"asked": proposed["asked"]}, tables[name][1])
        yield result


def _judge(result: Adopted, facts: dict[str, Any], public: Public) -> None:
    """Add what was found and missed of what the description gives away, and what was left out besides.

    A leak is certified where the gate passes what the adoption neither left out nor asked about.
    """
    used, known = set(facts["features"]), {*public.leaks, *public.time, *public.personal, public.groups}
    by = "groups" if facts["repeats"] else "time" if facts["time"] else "rows"
    missed = [name for name in public.leaks if name in used]
    beyond = facts["sign"] * (facts["certified"] - facts["ours"]) > CLEAR * abs(facts["ours"])
    result.facts = facts | {
        "split": f"{by} {facts[SPLITS[by]]}" if by in SPLITS else by,
        "found": [name for name in public.leaks if name not in used],
        "missed": missed,
        "besides": [name for name in facts["out"] if name in facts["varied"] and name not in known],
        "near": facts["sign"] * (facts["ours"] - facts["reference"]) >= -NEAR * abs(facts["reference"]),
    }
    unasked = [name for name in missed if name not in {each for columns in facts["asked"] for each in columns}]
    flattered = by == "rows" != public.split and beyond and [] not in facts["asked"]  # the order of the rows
    if not facts["refused"] and (unasked or flattered):
        what = f"with {', '.join(unasked)}" if unasked else "split by rows"
        result.failed["certified a leak"] = f"{facts['certified']:.4g} {what}; a careful person has {facts['reference']:.4g}"


def _run(result: Adopted, what: str, command: list[str], folder: Path) -> bool:
    """Run the command and record its output; whether it succeeded."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment())
    result.output[what] = done.stdout
    if done.returncode:
        result.failed[what] = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
    print(f"{result.name:<16} {what:<10} {'✗' if done.returncode else '✓'} {time.perf_counter() - start:4.0f} s", flush=True)
    return done.returncode == 0


def environment() -> dict[str, str]:
    who = {f"GIT_{who}_{what}": "adopt@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    one_each = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}  # two projects share the processors
    return os.environ | who | one_each
