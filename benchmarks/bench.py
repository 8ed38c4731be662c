"""Speed and size of the template and its projects, as ratios measured in one run: `nox -s bench`."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import serving
from report import report

ROOT = Path(__file__).parents[1]
SAMPLE = ["uv", "run", "--quiet", str(ROOT / "tools/sample.py")]


def seconds(*command: str, cwd: Path | None = None) -> float:
    """Wall time of a command that must succeed."""
    start = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - start


def median(*command: str, cwd: Path | None = None, runs: int = 5) -> float:
    """Median wall time after one run that does not count."""
    return statistics.median([seconds(*command, cwd=cwd) for _ in range(runs + 1)][1:])


def template(scratch: Path) -> Path:
    """The working tree's template without Git."""
    folder = scratch / "template"
    folder.mkdir()
    shutil.copy2(ROOT / "copier.yml", folder)
    for name in ("includes", "licenses", "template"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def trained(scratch: Path, template: Path) -> Path:
    """A project with an evaluated model; what that takes, benchmarks/first_minute.py measures."""
    project = scratch / "flights"
    seconds("copier", "copy", "--defaults", "-d", "project_name=Flights", str(template), str(project))
    seconds("uv", "run", "factory", "setup", cwd=project)
    seconds("uv", "run", "dvc", "repro", cwd=project)
    return project


VERSIONS = """
from {package}.factory.registry import versions
known = versions.local()
for _ in range(200 - len(known)):
    known.append(versions.publish(known[0].commit, dict(known[0].facts), "again", known))
"""


def bench_gate(project: Path) -> None:
    """Judging a challenger with everything cached, and listing 200 versions."""
    for command in (
        "git add --all",
        "git commit --quiet --no-verify --message Train",
        "dvc push --quiet",
        "factory promote -m first",
    ):
        seconds("uv", "run", *command.split(), cwd=project)
    factory = str(project / ".venv/bin/factory")
    report("factory compare, cached", f"{median(factory, 'compare', cwd=project, runs=3):.1f} s", "<= 10 s")
    seconds(str(project / ".venv/bin/python"), "-c", VERSIONS.format(package="flights"), cwd=project)
    report("factory models, 200 versions", f"{median(factory, 'models', cwd=project):.2f} s", "<= 0.5 s")


def bench_dashboard(scratch: Path, project: Path) -> None:
    """The page of many versions and windows, made up as its tests do."""
    much = scratch / "much"
    much.mkdir()
    world = (ROOT / "tests/machinery/dashboard/world.py").read_text("utf-8").replace("late_flights", "flights")
    inside = {"cwd": much, "env": os.environ | {"PYTHONPATH": str(project)}, "check": True}
    subprocess.run([str(project / ".venv/bin/python"), "-c", f"{world}\nbuild(200, 400)"], **inside)
    shutil.copy(project / "params.yaml", much)
    took = median(str(project / ".venv/bin/factory"), "dashboard", cwd=much)
    report("factory dashboard, 200 versions, 400 windows", f"{took:.2f} s", "<= 2 s")
    report("its page", f"{_megabytes(much / 'reports/dashboard.html'):.1f} MB", "<= 2 MB")


def bench_scoring(scratch: Path, project: Path) -> None:
    """Batch and single-row scoring, measured inside the project's environment."""
    subprocess.run([*SAMPLE, str(scratch)], check=True)
    inside = [str(ROOT / "benchmarks/scoring.py"), str(scratch / "flights-late-2013.parquet")]
    subprocess.run(["uv", "run", "--quiet", "--with", "pandas", "python", *inside], cwd=project, check=True)


def bench_environments(scratch: Path, project: Path) -> None:
    """Size and packages of the environments."""
    bare = "--no-default-groups"
    kinds = {"scoring": [bare], "training": [bare, "--group=train"], "the first day": [], "all groups": ["--all-groups"]}
    for name, options in kinds.items():
        venv = scratch / f"venv-{name}"
        environment = os.environ | {"UV_PROJECT_ENVIRONMENT": str(venv), "UV_LINK_MODE": "copy"}
        subprocess.run(["uv", "sync", "--quiet", *options], cwd=project, env=environment, check=True)
        packages = next(venv.glob("lib/python*/site-packages"))
        sizes = {path.name: _megabytes(path) for path in packages.iterdir()}
        largest = sorted(sizes.items(), key=lambda item: -item[1])[:4]
        count = sum(path.suffix == ".dist-info" for path in packages.iterdir())
        shares = ", ".join(f"{package} {size:.0f}" for package, size in largest)
        report(f"environment for {name}", f"{sum(sizes.values()):.0f} MB, {count} packages", shares)


def _megabytes(path: Path) -> float:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def main() -> None:
    """All benchmarks, in a folder that is made anew."""
    scratch = Path(sys.argv[1]).resolve()
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    project = trained(scratch, template(scratch))
    bench_gate(project)
    bench_dashboard(scratch, project)
    bench_scoring(scratch, project)
    serving.bench(project, scratch / "flights-late-2013.parquet", scratch)
    bench_environments(scratch, project)


if __name__ == "__main__":
    main()
