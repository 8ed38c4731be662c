"""What copies and updates cost, in CPU seconds, so that other work changes them little: `nox -s bench -- update [PROJECTS]`.

Half of the projects are of the working tree and are updated to a made-up release after it, half of 0.2.0; people have
edited all of them. `factory update` runs by hooks/update.py, as what it does is the same and the projects need no environment.
"""

import shutil
import sys
from pathlib import Path
from statistics import mean

from report import ROOT, report
from size import cpu_seconds, run

sys.path.append(str(ROOT / "tests"))
from conftest import commit
from lab.releases import NEXT, NOW, repository

FLEET = 200
LIMIT = 5.0
COPY = ("copier", "copy", "--quiet", "--defaults", "--overwrite")


def main(scratch: Path, projects: int = 20) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    template = repository(scratch / "releases")
    bench_copy(scratch)
    updates = {"copier update": copier_update, "factory update": factory_update}
    for name, update in updates.items():
        seconds = [update(project(scratch / name / old, template, old)) for old in ("0.2.0", NOW)]
        report(f"{name}, of 0.2.0, and of this release", " and ".join(f"{each:.1f} s" for each in seconds), f"<= {LIMIT:g} s")
    bench_fleet(scratch, template, projects)


def bench_copy(scratch: Path) -> None:
    """`copier copy` against a template of one file; the lower of three runs each."""
    single, ours = scratch / "single", scratch / "releases" / NOW
    (single / "template").mkdir(parents=True)
    (single / "copier.yml").write_text("_subdirectory: template\nproject_name: x\n")
    (single / "template/a.txt").write_text("a\n")
    copied = {place: scratch / f"copied {place.name}" for place in (single, ours)}
    options = (*COPY, "--data=project_name=Bench")
    costs = {place: [cpu_seconds(scratch, *options, str(place), str(copied[place]))[0] for _ in range(3)] for place in copied}
    one, files = min(costs[single]), sum(path.is_file() for path in copied[ours].rglob("*"))
    limit = f"<= {1.2 * one + 0.004 * files:.2f} s (1.2 x {one:.2f} s of a one-file template + 4 ms a file)"
    report(f"copier copy, {files} files", f"{min(costs[ours]):.2f} s", limit)


def bench_fleet(scratch: Path, template: Path, projects: int) -> None:
    """Updates of several projects, and what as many as a company has would take."""
    costs = []
    for number in range(projects):
        place = project(scratch / f"fleet/{number}", template, NOW if number % 2 else "0.2.0", number)
        costs.append(factory_update(place))
        print(f"  {number + 1} of {projects}: {costs[-1]:.1f} s", file=sys.stderr, flush=True)
    minutes = mean(costs) * FLEET / 60
    report(
        f"{FLEET} updates, estimated from {projects}",
        f"{minutes:.0f} min",
        f"{mean(costs):.1f} s each, at most {max(costs):.1f} s",
    )


def project(place: Path, template: Path, release: str, number: int = 0) -> Path:
    """A project of the release, in which people have worked."""
    answers = {"project_name": f"Project {number}", "problem": ("classification", "regression")[number // 2 % 2]}
    data = [f"--data={name}={answer}" for name, answer in answers.items()]
    run(ROOT, *COPY, *data, f"--vcs-ref={release}", str(template), str(place))
    for name in ("params.yaml", "README.md", f"src/project_{number}/factory/errors.py", f"src/project_{number}/model.py"):
        with (place / name).open("a") as file:
            file.write("# ours\n")
    commit(place)
    return place


def copier_update(place: Path) -> float:
    return cpu_seconds(place, "copier", "update", "--quiet", "--defaults", f"--vcs-ref={NEXT}")[0]


def factory_update(place: Path) -> float:
    """Of an update that may leave something to its owner, which is an exit code above 1."""
    update = ("uv", "run", "--quiet", "hooks/update.py", str(place), f"--release={NEXT}")
    return cpu_seconds(ROOT, "sh", "-c", '"$@" || test $? -gt 1', "update", *update)[0]


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *map(int, sys.argv[2:]))
