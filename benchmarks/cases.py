"""Tables that one project adopts, trains on and judges in turn, without DVC: see judge.py, which runs in the project."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

JUDGE = Path(__file__).with_name("judge.py")


def write(table: Path, name: str, choices: dict[str, Any], person: dict[str, Any] | None = None) -> None:
    """A case beside its table: what the user answers, and what a careful person would do, if that is to be compared."""
    case = {"table": str(table), "choices": choices} | ({"person": person} if person else {})
    table.with_name(f"{name}.json").write_text(json.dumps(case), "utf-8")


def judge(project: Path, folder: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Of each case in the folder its name, what was proposed and what was judged; with an `error` where that failed."""
    _run(project, "propose", folder)
    for path in sorted(folder.glob("*.json")):
        case = path.with_suffix("")
        if case.is_dir():
            _run(project, "gate", case)
        yield case.name, _found(path.with_suffix(".proposed")), _found(path.with_suffix(".judged"))


def _run(project: Path, what: str, path: Path) -> None:
    start = time.perf_counter()
    done = subprocess.run(["uv", "run", "--quiet", "python", JUDGE, what, path], cwd=project)
    print(f"{path.name:<40} {what:<8} {'✗' if done.returncode else '✓'} {time.perf_counter() - start:4.0f} s", flush=True)


def _found(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.exists() else {"error": "no result"}
