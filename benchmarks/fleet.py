"""What a fleet's update costs, in CPU seconds of all its processes: `nox -s bench -- fleet [PROJECTS]`.

Projects are those of the benchmark `update`, in bare repositories; each gets its proposal with a new uv.lock. Then the
same again, when there is nothing to do but to ask.
"""

import csv
import shutil
import sys
from pathlib import Path

from report import ROOT, report
from size import cpu_seconds, run
from update import FLEET, project

sys.path.append(str(ROOT / "tests"))
from lab.releases import NEXT, NOW, repository

LIMIT = 20  # CPU minutes


def main(scratch: Path, projects: int = 20) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    template = repository(scratch / "releases")
    names = [made(scratch, template, number) for number in range(projects)]
    with (scratch / "FLEET.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("url", "team", "criticality"), *((f"{name}.git", "bench", "low") for name in names)])
    handled = [f"--handled={name}" for name in names]  # what needs a person stops no wave
    where = ("FLEET.csv", "--apply", f"--release={NEXT}", f"--template={template}", "--state=state.json")
    command = (
        "sh",
        "-c",
        'uv run --quiet "$@" || test $? -gt 1',
        "fleet",
        str(ROOT / "hooks/fleet.py"),
        "update",
        *where,
        *handled,
    )
    for what, limit in (("proposed", f"<= {LIMIT} min"), ("asked again", "")):
        seconds, _ = cpu_seconds(scratch, *command)
        each = seconds / projects
        report(
            f"{FLEET} projects {what}, estimated from {projects}", f"{each * FLEET / 60:.1f} min", f"{limit} ({each:.1f} s each)"
        )
    proposed = [
        name
        for name in names
        if "factory/template-update" in run(scratch, "git", "-C", f"{name}.git", "branch", "--list", "factory/*")
    ]
    assert len(proposed) == projects, "some got none: see state.md"


def made(scratch: Path, template: Path, number: int) -> str:
    """A project in a bare repository; half of them are of 0.2.0."""
    place = project(scratch / f"work/{number}", template, NOW if number % 2 else "0.2.0", number)
    run(scratch, "git", "clone", "--quiet", "--bare", str(place), f"p{number}.git")
    return f"p{number}"


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *map(int, sys.argv[2:]))
