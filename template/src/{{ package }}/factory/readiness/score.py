"""The ML Test Score (Breck et al. 2017), from evidence: what a test guards is broken, and the test must notice."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from tabulate import tabulate

from ..config import Params, Section, read
from ..errors import FactoryError
from ..manifest import dump
from .faults import Break
from .sandbox import Scratch

NOTES = Path("docs/readiness.yaml")
BADGE = Path(__file__).with_name("badge.svg")
FILES = (Path("reports/readiness.json"), Path("reports/readiness.svg"))
GROUPS = ("Data", "Model", "Infrastructure", "Monitoring")
VALID = timedelta(days=365)
LEVELS = {
    0: "a research project rather than a product",
    1: "not totally untested",
    2: "a first pass at basic productionization",
    3: "reasonably tested",
    5: "strong automated testing and monitoring",
    7: "exceptional",
}


@dataclass(frozen=True)
class Trial:
    """Something to break, the commands that then run, the last of which must fail, and what it must say."""

    what: str
    broken: Break
    commands: tuple[tuple[str, ...], ...]
    reason: str


@dataclass(frozen=True)
class Claim:
    """One of the 28 tests: `tests` repeat it, and each of `trials` shows that it bites; without them, what is missing."""

    group: str
    title: str
    tests: str = ""
    trials: tuple[Trial, ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class Result:
    """1 for automated, 0.5 for done by hand, 0 for not; and why."""

    claim: Claim
    score: float
    why: str


class Note(Section):
    """A test done by hand: its title, who did it, on which day, and what was found."""

    test: str
    by: str
    day: date
    found: str


def assess(params: Params, claims: Iterable[Claim]) -> Iterator[Result]:
    """A result for each claim, as it is found. Raises FactoryError where there is no model to break."""
    notes = {note.test: note for note in noted()}
    with Scratch(params) as scratch:
        for claim in claims:
            score, why = _tried(scratch, claim)
            note = notes.get(claim.title)
            if score < 0.5 and note and note.day + VALID >= date.today():
                score, why = 0.5, f"by hand, {note.by} on {note.day}: {note.found}"
            yield Result(claim, score, why)


def _tried(scratch: Scratch, claim: Claim) -> tuple[float, str]:
    if not claim.trials:
        return 0, claim.missing
    if not scratch.passes(("pytest", claim.tests)):
        return 0, f"{claim.tests} does not pass, or has no test"
    for trial in claim.trials:
        if not all(map(scratch.passes, trial.commands)):
            return 0, f"`{' '.join(trial.commands[-1])}` does not pass on what is here"
        try:
            said = scratch.broken(trial.broken, trial.commands)
        except FactoryError as error:
            return 0, str(error)
        if said is None:
            return 0, f"{trial.what}: nobody notices"
        if trial.reason not in said:
            return 0, f"{trial.what}: not refused as {trial.reason}"
    return 1, "refused: " + "; ".join(trial.what for trial in claim.trials)


def noted(path: Path = NOTES) -> list[Note]:
    """What was done by hand. Raises FactoryError naming what is wrong in the file."""
    try:
        return read(path, lambda content: [Note.model_validate(note) for note in content or []])
    except FileNotFoundError:
        return []
    except TypeError as error:
        raise FactoryError(f"{path}: not a list of notes: {error}") from error


def sums(results: list[Result]) -> dict[str, float]:
    """The sum of each group; the score is the smallest."""
    return {group: sum(result.score for result in results if result.claim.group == group) for group in GROUPS}


def level(score: float) -> str:
    """What the score means, in the paper's words."""
    return next(words for bound, words in LEVELS.items() if score <= bound)


def write(results: list[Result]) -> float:
    """reports/readiness.json and a badge beside it; returns the score."""
    groups = sums(results)
    score = min(groups.values())
    tests = [{"group": r.claim.group, "test": r.claim.title, "score": r.score, "why": r.why} for r in results]
    page, badge = FILES
    page.parent.mkdir(exist_ok=True)
    dump({"score": score, "level": level(score), "groups": groups, "tests": tests}, page)
    drawn = BADGE.read_text(encoding="utf-8").format(score=f"{score:g}", colour="#2e7d32" if score > 2 else "#b26a00")
    badge.write_text(drawn, encoding="utf-8")
    return score


def table(results: list[Result]) -> str:
    """Every test with its score and why, and what the sum means."""
    groups = sums(results)
    score = min(groups.values())
    rows = [(r.claim.group, r.claim.title, f"{r.score:g}", r.why) for r in results]
    totals = ", ".join(f"{group} {total:g}" for group, total in groups.items())
    listed = tabulate(rows, ("group", "test", "score", "why"), tablefmt="github", disable_numparse=True)
    return f"{listed}\n\n{totals}: the score is the least of them, {score:g}: {level(score)}"
