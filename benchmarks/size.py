"""What a project carries, installs and spends, now and at earlier states: `nox -s size -- REVISION …`.

The seconds are those of processors, on one thread where scikit-learn would take more, so that other work on the machine changes
them little: threads that wait for each other spin. The table is printed, and written into docs/structure.md.
"""

import ast
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from report import ROOT, write

PARTS = ("copier.yml", "includes", "licenses", "template")
OLD, NEW = "0.2.0", "1000.0.0"  # as Copier orders them
TESTS = re.compile(r"(?:^|[{/ ])tests/")
STAGES = ("prepare", "train", "evaluate")


def main(scratch: Path, *revisions: str) -> None:
    """A column for each revision and one for the working tree."""
    shutil.rmtree(scratch, ignore_errors=True)
    os.environ |= {f"GIT_{who}_{what}": "size@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    os.environ["OMP_NUM_THREADS"] = "1"
    columns = {revision: dict(figures(scratch / revision, revision)) for revision in revisions}
    columns["now"] = dict(figures(scratch / "now"))
    rows = [["", *columns], ["---"] * (len(columns) + 1)]
    rows += [[name, *(column[name] for column in columns.values())] for name in columns["now"]]
    table = [f"| {' | '.join(row)} |" for row in rows]
    print("\n".join(table))
    write(ROOT / "docs/structure.md", "size", table)


def figures(place: Path, revision: str = "") -> Iterator[tuple[str, str]]:
    """What is measured, by its name."""
    place.mkdir(parents=True)
    template, project, old = repository(place, revision), place / "project", place / "old"
    copier_copy(template, project, NEW)
    yield "files of a fresh project, and their lines of text", carried(project)
    yield from shapes(project)
    yield from costs(project)
    copier_copy(template, old, OLD)
    yield f"lines that an update from {OLD} changes, and the share of tests", updated(old)


def repository(place: Path, revision: str) -> Path:
    """The template at the revision, or as the working tree has it, as the release after 0.2.0."""
    folder = place / "template"
    run(place, "git", "clone", "--quiet", "--no-tags", str(ROOT), str(folder))
    released = run(ROOT, "git", "log", "--reverse", "--format=%H", f"-S## {OLD}", "--", "CHANGELOG.md").split()[0]
    run(folder, "git", "checkout", "--quiet", "--detach", *([revision] if revision else []))
    for part in () if revision else PARTS:
        target, ignore = folder / part, shutil.ignore_patterns("__pycache__", ".*_cache")
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        shutil.copytree(ROOT / part, target, ignore=ignore) if (ROOT / part).is_dir() else shutil.copy(ROOT / part, target)
    commit(folder)
    run(folder, "git", "tag", OLD, released)
    run(folder, "git", "tag", NEW)
    return folder


def copier_copy(template: Path, project: Path, release: str) -> None:
    options = ("--quiet", "--defaults", f"--vcs-ref={release}", "--data=project_name=Late flights")
    run(project.parent, "copier", "copy", *options, str(template), str(project))


def carried(project: Path) -> str:
    contents = [path.read_bytes() for path in project.rglob("*") if path.is_file()]
    lines = sum(content.count(b"\n") for content in contents if b"\0" not in content)
    return f"{len(contents)}, {lines:,}"


def shapes(project: Path) -> Iterator[tuple[str, str]]:
    """The machinery's modules that hold something, and its functions."""
    sources = [path.read_text("utf-8") for factory in project.glob("src/*/factory") for path in factory.rglob("*.py")]
    modules = [source.count("\n") for source in sources if source.count("\n") > 1]
    nodes = (node for source in sources for node in ast.walk(ast.parse(source)))
    functions = [n.end_lineno - n.lineno + 1 for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    for name, lengths in {"modules": modules, "functions": functions}.items():
        yield f"{name} of `factory/`: number, median and longest in lines", spread(lengths)


def spread(lengths: list[int]) -> str:
    return f"{len(lengths):,}, {median(lengths):.0f}, {max(lengths)}"


def costs(project: Path) -> Iterator[tuple[str, str]]:
    """What is installed, and CPU seconds of the stages, each a second time, and of the tests."""
    run(project, "uv", "run", "factory", "setup")
    yield "packages that the first `uv run` installs, and their MB", environment(project / ".venv")
    run(project, "uv", "run", "dvc", "repro")
    for stage in STAGES:
        yield f"CPU seconds of `factory {stage}`", f"{cpu_seconds(project, 'uv', 'run', 'factory', stage)[0]:.1f}"
    seconds, output = cpu_seconds(project, "uv", "run", "pytest", "-q", "-p", "no:cacheprovider")
    passed = int(re.search(r"(\d+) passed", output)[1])
    yield "tests of `uv run pytest`, and its CPU seconds", f"{passed:,}, {seconds:.0f}"


def environment(venv: Path) -> str:
    packages = next(venv.glob("lib/python*/site-packages"))
    files = (path for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return f"{len(list(packages.glob('*.dist-info')))}, {sum(file.stat().st_size for file in files) / 1e6:,.0f}"


def cpu_seconds(project: Path, *command: str) -> tuple[float, str]:
    """What the command and all that it started used, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = run(project, *command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, output


def updated(project: Path) -> str:
    """What a reviewer of the update is shown; a file that only moved has no lines."""
    commit(project)
    run(project, "copier", "update", "--quiet", "--defaults", f"--vcs-ref={NEW}")
    run(project, "git", "add", "--all")
    changed = {}
    for line in run(project, "git", "diff", "--cached", "--numstat", "--find-renames").splitlines():
        added, removed, name = line.split("\t")
        changed[name] = 0 if added == "-" else int(added) + int(removed)
    tests = sum(lines for name, lines in changed.items() if TESTS.search(name))
    return f"{sum(changed.values()):,}, {tests / sum(changed.values()):.0%}"


def commit(folder: Path) -> None:
    run(folder, "git", "init", "--quiet")
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--allow-empty", "--message", "work")


def run(folder: Path, *command: str) -> str:
    """What the command prints; it must succeed."""
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
