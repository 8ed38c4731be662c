"""The ML Test Score (Breck et al. 2017), from evidence: each injected fault must be detected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..config import Params
from ..errors import FactoryError
from ..evaluation import markdown
from ..manifest import dump
from . import answers
from .copies import Once, copies
from .faults import Fault
from .sandbox import Command, Sandbox

BADGE = Path(__file__).with_name("badge.svg")
FILES = (Path("reports/readiness.json"), Path("reports/readiness.svg"))
GROUPS = ("Data", "Model", "Infrastructure", "Monitoring")
LEVELS = {
    0: "a research project rather than a product",
    1: "not totally untested",
    2: "a first pass at basic productionization",
    3: "reasonably tested",
    5: "strong automated testing and monitoring",
    7: "exceptional",
}


@dataclass(frozen=True)
class FaultTest:
    """A fault, the commands that then run, one of which must fail, and the reason that it must print."""

    what: str
    fault: Fault
    commands: tuple[Command, ...]
    reason: str


@dataclass(frozen=True)
class Criterion:
    """One of the 28 tests: `tests` must pass and each fault be detected; where nothing is automated, what is missing."""

    group: str
    title: str
    tests: str = ""
    faults: tuple[FaultTest, ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class Score:
    """1 for automated, 0.5 for done by hand, 0 for not done; and why."""

    criterion: Criterion
    points: float
    why: str


def assess(params: Params, criteria: Sequence[Criterion]) -> Iterator[Score]:
    """The score of each criterion, as soon as it is known. Raises FactoryError if there is nothing to test."""
    by_hand = answers.newest(answers.read_all())
    tests = [criterion for criterion in criteria if criterion.tests]
    yield from (_score(each, 0, each.missing, by_hand) for each in criteria if not each.tests)
    if tests:
        without_fault: Once[Command, str | None] = Once()
        with copies(params) as in_copies:
            for criterion, (points, why) in in_copies(partial(_automated, without_fault), tests):
                yield _score(criterion, points, why, by_hand)


def group_totals(scores: list[Score]) -> dict[str, float]:
    """The sum of each group; the lowest is the project's score."""
    return {group: sum(score.points for score in scores if score.criterion.group == group) for group in GROUPS}


def level(total: float) -> str:
    """The meaning of the score, in the paper's words."""
    return next(words for bound, words in LEVELS.items() if total <= bound)


def write(scores: list[Score]) -> float:
    """Write reports/readiness.json, with how each question stands, and a badge beside it; returns the score."""
    groups = group_totals(scores)
    total = min(groups.values())
    tests = [{"group": s.criterion.group, "test": s.criterion.title, "score": s.points, "why": s.why} for s in scores]
    report, badge = FILES
    report.parent.mkdir(exist_ok=True)
    asked = [{"question": q.key, "role": q.role, "state": state} for q, state, _ in answers.assess()]
    dump({"score": total, "level": level(total), "groups": groups, "tests": tests, "questions": asked}, report)
    svg = BADGE.read_text(encoding="utf-8").format(score=f"{total:g}", colour="#2e7d32" if total > 2 else "#b26a00")
    badge.write_text(svg, encoding="utf-8")
    return total


def table(scores: list[Score]) -> str:
    """Every criterion with its score and the reason, and the meaning of the project's score."""
    groups = group_totals(scores)
    total = min(groups.values())
    rows = [(s.criterion.group, s.criterion.title, f"{s.points:g}", s.why) for s in scores]
    sums = ", ".join(f"{group} {points:g}" for group, points in groups.items())
    page = markdown.table(rows, ("group", "test", "score", "reason"))
    return f"{page}\n\n{sums}. The score is the lowest of them, {total:g}: {level(total)}"


def _score(criterion: Criterion, points: float, why: str, by_hand: dict[str, answers.Answer]) -> Score:
    evidence = by_hand.get(criterion.title)
    if points < 0.5 and evidence and evidence.holds and evidence.met:
        points, why = 0.5, f"by hand, {evidence.by} on {evidence.day}: {evidence.found}"
    return Score(criterion, points, why)


def _automated(without_fault: Once[Command, str | None], sandbox: Sandbox, criterion: Criterion) -> tuple[float, str]:
    def failure(command: Command) -> str | None:
        return without_fault.get(command, lambda: sandbox.run_without_fault(command))

    if failure(("pytest", criterion.tests)) is not None:
        return 0, f"{criterion.tests} fails, or holds no test"
    for test in criterion.faults:
        for command in test.commands:
            if (output := failure(command)) is not None:
                reason = output.strip().partition("\n")[0]
                return 0, f"`{' '.join(command)}` fails without any fault: {reason}"
        try:
            output = sandbox.run_with_fault(test.fault, test.commands)
        except FactoryError as error:
            return 0, str(error)
        if output is None:
            return 0, f"{test.what}: not detected"
        if test.reason not in output:
            return 0, f"{test.what}: detected, but not as {test.reason.strip()}"
    detected = "; ".join(test.what for test in criterion.faults)
    return 1, f"detected: {detected}" if detected else f"{criterion.tests} passes"
