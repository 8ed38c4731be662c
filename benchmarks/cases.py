"""Tables that one project adopts, trains on and judges in turn, without DVC: see judge.py, which runs in the project."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

JUDGE, DONE = Path(__file__).with_name("judge.py"), "judged: "


def write(table: Path, name: str, choices: dict[str, Any], person: dict[str, Any] | None = None) -> None:
    """A case beside its table: what the user answers, and what a careful person would do, if that is to be compared."""
    case = {"table": str(table), "choices": choices} | ({"person": person} if person else {})
    table.with_name(f"{name}.json").write_text(json.dumps(case), "utf-8")


def judge(project: Path, folder: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Of each case in the folder its name, what was proposed and what was judged; with an `error` where that failed."""
    start = time.perf_counter()
    command = ["uv", "run", "--quiet", "python", str(JUDGE), str(folder)]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            if line.startswith(DONE):
                path = folder / line.removeprefix(DONE).strip()
                print(f"{path.name:<44} {time.perf_counter() - start:5.0f} s", flush=True)
                yield path.name, *(_found(path.with_name(path.name + kind)) for kind in (".proposed", ".judged"))


def _found(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.exists() else {"error": "no result"}
