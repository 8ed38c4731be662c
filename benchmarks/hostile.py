"""What the others wait while one caller, row or model misbehaves: `nox -s bench -- hostile [--before REVISION] [ATTACK...]`.

Each attack is made on a service of its own: some seconds of quiet, some of the attack, and the time until all is as before.
The result of the state now stands in docs/benchmarks.md beside that of an earlier state, which `--before` measures.
"""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from report import ROOT, report, write

sys.path.append(str(ROOT / "tests"))
from attack import template_at
from bystanders import PATIENCE
from conftest import copy_template
from hostile_project import HostileProject, hostile
from served import ARROW, INFER, JSON, swap

QUIET, ATTACK, AFTER = 5, 10, 3  # seconds
SECONDS = 4  # FACTORY_SECONDS
LIMIT = 45  # seconds of waiting for a recovery
SLOW = 0.5  # seconds: once no request takes longer, all is as before
DOCUMENT = ROOT / "docs/benchmarks.md"
Record = tuple[str, float, float, int]


class Attack(NamedTuple):
    """What is done while the others ask; `before` stands before the service's command."""

    make: Callable[[HostileProject, subprocess.Popen[str], threading.Event], object]
    model: str = "a"
    before: tuple[str, ...] = ()


def repeat(project: HostileProject, end: threading.Event, path: str, body: object, kind: str = JSON, at_once: int = 4) -> None:
    """One caller sends so many requests at a time, each again as soon as it is answered."""

    def ask() -> None:
        while not end.is_set():
            project.status("POST", path, body, kind, X_API_Key="bad")
            time.sleep(0.01)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    end.wait()


def rows_that(act: str, height: int = 40) -> Callable[..., None]:
    """Rows for which features or estimator do that."""

    def make(project: HostileProject, server: subprocess.Popen[str], end: threading.Event) -> None:
        repeat(project, end, "/score", project.rows(act, height))

    return make


def large_shape(project: HostileProject, server: subprocess.Popen[str], end: threading.Event) -> None:
    """A tensor of sixteen million rows."""
    head, tail = project.large_tensor()
    repeat(project, end, INFER, head + tail, f"{JSON}|{len(head)}", 1)


def half_sent(project: HostileProject, server: subprocess.Popen[str], end: threading.Event) -> None:
    """Twelve hundred connections whose headers do not end, and more whenever one ends."""
    with project.half_sent(1200):
        end.wait()


def few_half_sent(project: HostileProject, server: subprocess.Popen[str], end: threading.Event) -> None:
    """As many as there are file descriptors."""
    with project.half_sent(100):
        end.wait()


def large_bodies(project: HostileProject, server: subprocess.Popen[str], end: threading.Event) -> None:
    """Seventy tables of four thousand rows at a time."""
    repeat(project, end, "/score", project.read("rows.arrow"), ARROW, 70)


def killed_workers(project: HostileProject, server: subprocess.Popen[str], end: threading.Event) -> None:
    """Whatever processes the service has started, all at once and again and again."""
    while not end.wait(3):
        for pid in project.processes(server)[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def slow_model(project: HostileProject, server: subprocess.Popen[str], end: threading.Event) -> None:
    """A new model whose features keep the interpreter while it is loaded."""
    (project.marks / "hold up").touch()
    swap(project, "b", project.folder / "live")
    end.wait()
    (project.marks / "hold up").unlink()


HELD = ("sleep", "regex", "integer", "native", "deadlock")
DEADLY = ("abort", "segfault", "leave", "leave_at_once", "close_files")
LIVE = {"model": "live"}
ATTACKS = {
    "nothing": Attack(lambda project, server, end: end.wait()),
    **{f"features: {act}": Attack(rows_that(act)) for act in (*HELD, *DEADLY, "leak", "fail", "flood")},
    "estimator without ONNX: regex": Attack(rows_that("regex", 1), "opaque"),
    "estimator without ONNX: abort": Attack(rows_that("abort", 1), "opaque"),
    "estimator without ONNX: raises": Attack(rows_that("fail", 1), "opaque"),
    "processes killed again and again": Attack(killed_workers),
    "a model that is slow to load": Attack(slow_model, "live"),
    "V2: a shape of 16 million rows": Attack(large_shape),
    "1,200 half-sent headers": Attack(half_sent),
    "64 file descriptors, 100 half-sent headers": Attack(few_half_sent, before=("prlimit", "--nofile=64")),
    "one caller, 70 tables at a time": Attack(large_bodies),
}


class Result(NamedTuple):
    """Of one attack: the others' requests before and during it, and the seconds until all was as before, if ever."""

    quiet: list[Record]
    during: list[Record]
    recovery: float
    memory: float  # MB of all processes, at most

    def figures(self) -> dict[str, object]:
        """What the document says."""
        failed = sum(status != 200 for _, _, _, status in self.during) / len(self.during)
        p99 = {name: percentile(self.during, name) for name in kinds(self.during)}
        return {"p99": p99, "failed": failed, "recovery": self.recovery, "memory": self.memory}


def kinds(records: list[Record]) -> list[str]:
    return sorted({name for name, *_ in records})


def percentile(records: list[Record], name: str) -> float:
    """Seconds that 99 % of the requests of that kind take at most; one that fails takes as long as anybody waits."""
    times = [seconds if status == 200 else PATIENCE for kind, _, seconds, status in records if kind == name]
    return sorted(times)[math.ceil(0.99 * len(times)) - 1]


@contextmanager
def others(project: HostileProject) -> Iterator[list[Record]]:
    """The callers that are not to notice; their records are complete after the block."""
    scored = {name: json.dumps(project.records[:height]) for name, height in (("one row", 1), ("40 rows", 40))}
    head = "POST /score HTTP/1.1\r\nHost: x\r\nX-API-Key: other\r\nContent-Type: application/json\r\nContent-Length: "
    messages = [(name, f"{head}{len(body)}\r\n\r\n{body}", 20) for name, body in scored.items()]
    messages.append(("health", "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 20))
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, str(ROOT / "benchmarks/bystanders.py")], **pipe)
    records: list[Record] = []
    process.stdin.write(json.dumps({"port": project.port, "kinds": messages}) + "\n")
    process.stdin.flush()
    try:
        yield records
        records += map(tuple, json.loads(process.communicate(timeout=2 * PATIENCE)[0]))
    finally:
        process.kill()


def measure(project: HostileProject, attack: Attack) -> Result:
    """Quiet, attack, and what comes after it."""
    end, memory = threading.Event(), []
    project.allow("bad", "other")
    project.key = "other"
    with project.serving(attack.model, *attack.before, KEYS="keys", SECONDS=SECONDS) as server:
        watch = threading.Thread(target=lambda: watch_memory(project, server, end, memory))
        project.warm_up()
        with others(project) as records:
            time.sleep(QUIET)
            began = time.monotonic()
            thread = threading.Thread(target=attack.make, args=(project, server, end), daemon=True)
            thread.start()
            watch.start()
            time.sleep(ATTACK)
            over = time.monotonic()
            end.set()
            settled = settle(project, server)
            time.sleep(AFTER)
        thread.join(1)
    quiet = [record for record in records if record[1] < began - 0.5]
    during = [record for record in records if began <= record[1] < over]
    bad = [due + seconds for _, due, seconds, status in records if due >= began and (status != 200 or seconds > SLOW)]
    recovery = max(0, max(bad, default=0) - over) if settled else math.inf
    return Result(quiet, during, recovery, max(memory, default=0))


def settle(project: HostileProject, server: subprocess.Popen[str]) -> bool:
    """Wait until it answers as before, but not for ever; whether it does."""
    limit = time.monotonic() + LIMIT
    while server.poll() is None and time.monotonic() < limit:
        asked = time.monotonic()
        if project.status("GET", "/health/live") == 200 and time.monotonic() - asked < SLOW:
            return True
        time.sleep(0.1)
    return False


def watch_memory(project: HostileProject, server: subprocess.Popen[str], end: threading.Event, memory: list[float]) -> None:
    """Note what all processes of the service hold, several times a second."""
    while not end.wait(0.2):
        memory.append(project.resident(server))


def main(scratch: Path, *arguments: str) -> None:
    """Measure one state, and write what both show."""
    revision = arguments[1] if arguments[:1] == ("--before",) else None
    chosen = arguments[2:] if revision else arguments
    states = {name: scratch.parent / f"hostile-{name}.json" for name in ("before", "now")}
    state = states["before" if revision else "now"]
    found: dict[str, Any] = json.loads(state.read_text()) if chosen and state.exists() else {"quiet": {}}
    project = build(scratch, revision)
    quiet: list[Record] = []
    for name, attack in ATTACKS.items():
        if not chosen or any(part in name for part in chosen):
            result = measure(project, attack)
            quiet += result.quiet
            found[name] = result.figures()
            show(name, found[name])
    if not chosen or not found["quiet"]:
        found["quiet"] = {name: percentile(quiet, name) for name in kinds(quiet)}
    state.write_text(json.dumps(found, indent=1))
    if not revision and found.get("nothing", {}).get("recovery"):
        raise SystemExit("other work on this machine holds the service up: no table of this run")
    if all(path.exists() for path in states.values()):
        write(DOCUMENT, "hostile", table(*(json.loads(path.read_text()) for path in states.values())))


def table(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Of each attack, the others' p99, how many of their requests failed, and how long it took until all was as before."""
    ours = list(now["quiet"])
    head = ["attack", "p99 before", "failed", "recovery", *(f"{kind} now" for kind in ours), "failed", "recovery"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for name in (name for name in ATTACKS if name in before and name in now):
        slowest, figures = duration(max(before[name]["p99"].values())), now[name]
        times = [against(figures["p99"][kind], now["quiet"][kind]) for kind in ours]
        lines.append(f"| {' | '.join([name, slowest, *outcome(before[name]), *times, *outcome(figures)])} |")
    quiet = ", ".join(f"{kind} {duration(seconds)}" for kind, seconds in now["quiet"].items())
    return [*lines, "", f"Quiet now, to which the factors refer: {quiet}."]


def against(seconds: float, quiet: float) -> str:
    """The time, and how many times that of quiet it is."""
    return duration(seconds) if seconds >= PATIENCE else f"{duration(seconds)}, {seconds / quiet:.1f} x"


def duration(seconds: float) -> str:
    """As people read it."""
    if seconds >= PATIENCE:
        return "failed"
    return f"{seconds:.1f} s" if seconds > 1 else f"{1000 * seconds:.0f} ms"


def outcome(figures: dict[str, Any]) -> list[str]:
    """The share of failed requests, and the seconds until all was as before."""
    recovery = figures["recovery"]
    return [f"{figures['failed']:.0%}", f"not in {LIMIT} s" if math.isinf(recovery) else f"{recovery:.1f} s"]


def build(scratch: Path, revision: str | None) -> HostileProject:
    """The project in the state now or in an earlier one; it is made once."""
    shutil.rmtree(scratch, ignore_errors=True)
    template = scratch / "template"
    template.mkdir(parents=True)
    template_at(revision, template) if revision else copy_template(template)
    project = hostile(template, scratch / "project")
    shutil.copytree(project.folder / "a", project.folder / "live")
    return project


def show(name: str, figures: dict[str, Any]) -> None:
    p99 = ", ".join(f"{kind} {1000 * seconds:.0f}" for kind, seconds in figures["p99"].items())
    report(name, p99, f"{figures['failed']:.0%} failed, recovery {figures['recovery']:.1f} s, {figures['memory']:.0f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
