"""One project: made, worked in, updated and judged."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random

import copier
import yaml
from conftest import COPIER, ROOT, commit, git

from .arrival import missing
from .catalogue import shuffled
from .edits import ANSWERS, PYPROJECT, Kind, Unsuitable
from .reading import facts
from .releases import NEXT, NOW, PENDING, TAGS

NAME = "Late flights"
VARIANTS = [  # which projects there are, the likeliest more often
    {"ci": "github"},
    {"ci": "github", "problem": "regression"},
    {"ci": "gitlab", "storage": "s3", "target": "kubernetes"},
    {"ci": "github", "license": "MIT", "owner": "Ops & Research"},
    {"ci": "azure", "storage": "azure", "target": "azureml", "description": 'Predicts "late" flights'},
    {"ci": "none"},
]
WAYS = {
    "factory update": ["uv", "run", "--quiet", "--script", str(ROOT / "hooks/update.py"), ".", "--release"],
    "copier update": [*COPIER, "update", "--defaults", "--vcs-ref"],
}
RUNNING = 4  # of each origin, the first so many can be trained here, and two are
MARKER = re.compile(r"^(<{7} |>{7} |={7}$)", re.MULTILINE)


@dataclass
class Outcome:
    """What became of a project by one way of updating it."""

    origin: str
    way: str
    number: int
    project: Path
    code: int = 0
    output: str = ""
    edits: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    hunks: str = ""
    kept: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    parses: bool = True

    @property
    def title(self) -> str:
        return f"{self.origin} {self.number} by {self.way}"

    @property
    def failed(self) -> bool:
        return self.code not in (0, 2, 3)

    @property
    def runs(self) -> bool:
        """Whether the project can be trained here as it is."""
        return self.number < RUNNING and not (self.failed or self.conflicts)


def settle(making: Path, project: Path) -> None:
    """Another process may have made the same meanwhile."""
    try:
        making.rename(project)
    except OSError:
        shutil.rmtree(making)


def base(folder: Path, origin: str, variant: int) -> Path:
    """A project as Copier makes it, committed; the same one for all who ask."""
    project = folder / "bases" / f"{origin}-{variant}"
    if not project.exists():
        questions = yaml.safe_load((folder / TAGS[origin] / "copier.yml").read_text("utf-8"))
        answers = {name: value for name, value in VARIANTS[variant].items() if name in questions}
        making = project.with_name(f"{project.name}-{os.getpid()}")
        template = str(folder / "template")
        copier.run_copy(template, making, {"project_name": NAME, **answers}, vcs_ref=TAGS[origin], defaults=True, quiet=True)
        git(making, "init", "--quiet")
        (making / ".git/info/exclude").write_text("/data/raw/*.parquet\n", "utf-8")  # `factory setup` puts it under DVC
        commit(making)
        settle(making, project)
    return project


def fresh(folder: Path, tag: str, answers: dict[str, str]) -> Path:
    """What the release makes of the answers; the same one for all who ask."""
    questions = yaml.safe_load((folder / tag / "copier.yml").read_text("utf-8"))
    data = {name: value for name, value in answers.items() if name in questions}
    project = folder / "fresh" / f"{tag}-{sha256(repr(sorted(data.items())).encode()).hexdigest()[:16]}"
    if not project.exists():
        making = project.with_name(f"{project.name}-{os.getpid()}")
        copier.run_copy(str(folder / tag), making, data, defaults=True, quiet=True)
        settle(making, project)
    return project


def work(project: Path, kinds: list[Kind], number: int) -> list[Kind]:
    """Make the first edits that suit; those that later ones undo do not count."""
    done: list[Kind] = []
    for kind in kinds:
        if len(done) == number:
            break
        try:
            kind.edit(project)
            done.append(kind)
        except Unsuitable:
            continue
    commit(project)
    return [kind for kind in done if kind.kept(project)]


def update(project: Path, way: str, release: str) -> tuple[int, str]:
    known = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")}
    command = [*WAYS[way], release]
    done = subprocess.run(command, cwd=project, env=known, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def named(output: str, path: str, word: str = "") -> bool:
    """Whether a line of the output names the file, and of a file that many edit also what was edited."""
    return any(path in line and word.casefold() in line.casefold() for line in output.splitlines())


def kept(kind: Kind, project: Path) -> bool:
    try:
        return kind.kept(project)
    except OSError:
        return False


def judge(outcome: Outcome, folder: Path, before: Path, kinds: list[Kind]) -> Outcome:
    project, output = outcome.project, outcome.output
    outcome.edits = [kind.name for kind in kinds]
    unmerged = git(project, "-c", "core.quotePath=false", "diff", "--name-only", "--diff-filter=U").splitlines()
    tracked = git(project, "-c", "core.quotePath=false", "ls-files").splitlines()
    marked = [
        path for path in tracked if (project / path).is_file() and MARKER.search((project / path).read_text("utf-8", "replace"))
    ]
    outcome.conflicts = sorted({*unmerged, *marked})
    outcome.hunks = git(project, "diff", "--diff-filter=U") if unmerged else ""
    for kind in kinds:
        reported = kind.path in outcome.conflicts or named(output, kind.path, kind.word)
        (outcome.kept if kept(kind, project) else outcome.reported if reported else outcome.lost).append(kind.name)
    answers = [dict(facts(place / ANSWERS)) for place in (before, project)]
    outcome.answers = [name for name in answers[0] if name[0] != "_" and answers[0][name] != answers[1].get(name)]
    outcome.parses = bool(facts(project / PYPROJECT))
    tags = TAGS[outcome.origin], NEXT if outcome.origin == "now" else NOW
    releases = [fresh(folder, tag, answer or answers[0]) for tag, answer in zip(tags, answers, strict=True)]
    outcome.undelivered = [
        path for path in missing(*releases, before, project) if path not in outcome.conflicts and not named(output, path)
    ]
    if outcome.way == "factory update" and not named(output, PENDING[outcome.origin]):
        outcome.undelivered.append(f"changes.yaml: {PENDING[outcome.origin]}")
    return outcome


def attempt(folder: Path, origin: str, number: int, before: Path, kinds: list[Kind]) -> list[Outcome]:
    """The outcomes of a project, one for each way in which it may be updated."""
    outcomes = []
    for way in WAYS if origin == "now" else ["factory update"]:
        project = before.with_name(f"{before.name}-{way.split()[0]}")
        shutil.copytree(before, project, symlinks=True)
        code, output = update(project, way, NEXT if origin == "now" else NOW)
        outcomes.append(judge(Outcome(origin, way, number, project, code, output), folder, before, kinds))
    return outcomes


def trial(folder: Path, origin: str, number: int, seed: str, edits: int) -> list[Outcome]:
    """A project with that many edits, three more or less, by chance."""
    random = Random(f"{seed} {origin} {number}")
    runs = number < RUNNING
    before = folder / "projects" / f"{origin}-{number}"
    shutil.copytree(base(folder, origin, number % 2 if runs else number % len(VARIANTS)), before, symlinks=True)
    kinds = [kind for kind in shuffled(origin, random) if kind.runs or not runs]
    return attempt(folder, origin, number, before, work(before, kinds, edits + random.randint(-3, 3)))
