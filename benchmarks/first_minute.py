"""From nothing to an evaluated model, against kedro's spaceflights starter: `nox -s bench -- first_minute STARTERS [PAIRS]`.

STARTERS is a clone of github.com/kedro-org/kedro-starters, or a URL to clone it from; the variable KEDRO_STARTERS may name it
instead. Both sides take their packages from uv's cache, which a first pair fills that does not count, and they take turns, since
other work on the machine would favour one side. CPU seconds, of all processes that a step starts, suffer less from it than wall
time. Then follows what a change of one feature costs, and DVC with nothing to do beside DVC in a repository with one small stage.
"""

import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from report import ROOT, report, write

LIMIT = 1.0
Steps = dict[str, tuple[float, float]]
"""Wall and CPU seconds, by step."""


def main(scratch: Path, starters: str = "", pairs: str = "5") -> str | None:
    """Both sides in turn; the table goes into docs/benchmarks.md."""
    starters = starters or os.environ.get("KEDRO_STARTERS", "")
    if not starters:
        return "first_minute: give a clone of https://github.com/kedro-org/kedro-starters, or its URL, or set KEDRO_STARTERS"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON"):
        os.environ.pop(name, None)
    os.environ |= {f"GIT_{who}_{what}": "bench@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    os.environ |= {"DO_NOT_TRACK": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    clone = starter(scratch, starters)
    kedro = kedro_command(scratch)
    template = snapshot(scratch)
    rounds = [(ours(scratch / f"ours{n}", template), theirs(scratch / f"kedro{n}", clone, kedro)) for n in range(int(pairs) + 1)]
    table(rounds[1:])
    loop(scratch, scratch / f"ours{pairs}" / "flights")
    return None


def starter(scratch: Path, starters: str) -> Path:
    """The folder of the starter."""
    folder = Path(starters)
    if not folder.is_dir():
        folder = scratch / "starters"
        if subprocess.run(["git", "clone", "--quiet", "--depth=1", starters, str(folder)], capture_output=True).returncode:
            sys.exit(f"first_minute: {starters} is no folder and cannot be cloned: is the network there?")
    if not (folder / "spaceflights-pandas").is_dir():
        sys.exit(f"first_minute: {folder} holds no spaceflights-pandas: is it a clone of kedro-starters?")
    return folder


def kedro_command(scratch: Path) -> str:
    """kedro, installed once, as Copier is."""
    venv = scratch / "kedro"
    subprocess.run(["uv", "venv", "--quiet", str(venv)], check=True)
    subprocess.run(["uv", "pip", "install", "--quiet", f"--python={venv}", "kedro>=1.0"], check=True)
    subprocess.run([str(venv / "bin/kedro"), "--version"], check=True, capture_output=True, cwd=scratch)
    return str(venv / "bin/kedro")


def snapshot(scratch: Path) -> Path:
    """The working tree's template, without what a release does not carry."""
    template = scratch / "template"
    template.mkdir()
    shutil.copy2(ROOT / "copier.yml", template)
    for name in ("includes", "licenses", "template"):
        shutil.copytree(ROOT / name, template / name, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    return template


def ours(place: Path, template: Path) -> Steps:
    """From `copier copy` to an evaluated model, as the README has it."""
    project = place / "flights"
    place.mkdir()
    return {
        "copy": timed(
            place, "copier", "copy", "--quiet", "--defaults", "-d", "project_name=Flights", str(template), str(project)
        ),
        "environment": timed(project, "uv", "sync", "--quiet"),  # which the next step would do
        "setup": timed(project, "uv", "run", "factory", "setup"),
        "pipeline": timed(project, "uv", "run", "dvc", "repro"),
    }


def theirs(place: Path, clone: Path, kedro: str) -> Steps:
    """From `kedro new` to `kedro run`, as the starter's README has it, with uv's pip."""
    project = place / "flights"
    place.mkdir()
    new = ("new", f"--starter={clone}", "--directory=spaceflights-pandas", "--name=Flights", "--telemetry=no")
    python = f"--python={project / '.venv'}"
    return {
        "copy": timed(place, kedro, *new),
        "environment": added(
            timed(project, "uv", "venv", "--quiet"),
            timed(project, "uv", "pip", "install", "--quiet", python, "--requirement=requirements.txt"),
        ),
        "pipeline": timed(project, str(project / ".venv/bin/kedro"), "run"),
    }


def timed(folder: Path, *command: str) -> tuple[float, float]:
    """Wall and CPU seconds of a command that must succeed."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def added(*parts: tuple[float, float]) -> tuple[float, float]:
    return sum(part[0] for part in parts), sum(part[1] for part in parts)


def table(rounds: list[tuple[Steps, Steps]]) -> None:
    """Medians of the steps, and of the ratios of the pairs."""
    lines = ["| seconds of wall time, and of CPU | ours | kedro's starter |", "| --- | --- | --- |"]
    for step in rounds[0][0]:
        lines.append(
            f"| {step} | {middle([ours[step] for ours, _ in rounds])} | {middle([t[step] for _, t in rounds if step in t])} |"
        )
    totals = [[added(*side.values()) for side in pair] for pair in rounds]
    lines.append(f"| together | {middle([ours for ours, _ in totals])} | {middle([theirs for _, theirs in totals])} |")
    for number, name in enumerate(("wall time", "CPU seconds")):
        ratios = [ours[number] / theirs[number] for ours, theirs in totals]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} pairs"
        report(f"the first minute against kedro's, {name}", f"{median(ratios):.2f} x", f"<= {LIMIT} x ({spread})")
        lines.append(f"| {name}, ours against kedro's | {median(ratios):.2f} x | {spread} |")
    print("\n".join(lines))
    write(ROOT / "docs/benchmarks.md", "first minute", lines)


def loop(scratch: Path, project: Path) -> None:
    """CPU seconds of the tests and the pipeline after a change of one feature, and of DVC with nothing to do."""
    features = next(project.glob("src/*/features.py"))
    features.write_text(features.read_text("utf-8") + "\n\nCHANGED = True\n", "utf-8")
    timed(project, "uv", "run", "pytest", "-q")  # compiles what only tests import
    tests = timed(project, "uv", "run", "pytest", "-q")[1]
    report("a changed feature, CPU seconds of uv run pytest", f"{tests:.1f} s", "<= 10 s")
    pipeline = timed(project, "uv", "run", "dvc", "repro")[1]
    report("a changed feature, CPU seconds of uv run dvc repro", f"{pipeline:.1f} s", "<= 6 s")
    small, dvc = scratch / "small", str(project / ".venv/bin/dvc")
    small.mkdir()
    timed(small, "git", "init", "--quiet")
    timed(small, dvc, "init", "--quiet")
    (small / "dvc.yaml").write_text("stages:\n  one:\n    cmd: echo 1 > one\n    outs: [one]\n")
    timed(small, dvc, "repro")
    least, idle = nothing_to_do(small, dvc), nothing_to_do(project, dvc)
    report("dvc repro with nothing to do, against dvc status, CPU", f"{idle:.2f} x", f"<= {least:.2f} x, that of one small stage")


def nothing_to_do(folder: Path, dvc: str) -> float:
    """CPU seconds of `dvc repro` against those of `dvc status`, the least of several, in turn."""
    pairs = [[timed(folder, dvc, command)[1] for command in ("repro", "status")] for _ in range(7)]
    repro, status = (min(times) for times in zip(*pairs, strict=True))
    return repro / status


def middle(measured: list[tuple[float, float]]) -> str:
    return f"{median(wall for wall, _ in measured):.1f}, {median(cpu for _, cpu in measured):.1f}" if measured else ""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
