"""The ML Test Score (Breck et al. 2017), from evidence: each injected fault must be detected."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ..config import Params, Section, read
from ..errors import FactoryError
from ..evaluation import markdown
from ..manifest import dump
from .faults import Fault
from .sandbox import Sandbox

MANUAL_EVIDENCE = Path("docs/readiness.yaml")
BADGE = Path(__file__).with_name("badge.svg")
FILES = (Path("reports/readiness.json"), Path("reports/readiness.svg"))
GROUPS = ("Data", "Model", "Infrastructure", "Monitoring")
VALID_FOR = timedelta(days=365)
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
    commands: tuple[tuple[str, ...], ...]
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


class ManualEvidence(Section):
    """A criterion met by hand: its title, who did it, on which day, and what was found."""

    test: str
    by: str
    day: date
    found: str


def assess(params: Params, criteria: Iterable[Criterion]) -> Iterator[Score]:
    """The score of each criterion, one after the other. Raises FactoryError if there is nothing to test."""
    by_hand = {evidence.test: evidence for evidence in manual_evidence()}
    with Sandbox(params) as sandbox:
        for criterion in criteria:
            points, why = _automated(sandbox, criterion)
            evidence = by_hand.get(criterion.title)
            if points < 0.5 and evidence and evidence.day + VALID_FOR >= date.today():
                points, why = 0.5, f"by hand, {evidence.by} on {evidence.day}: {evidence.found}"
            yield Score(criterion, points, why)


def manual_evidence(path: Path = MANUAL_EVIDENCE) -> list[ManualEvidence]:
    """The evidence of work by hand. Raises FactoryError naming what is wrong in the file."""
    try:
        return read(path, lambda content: [ManualEvidence.model_validate(entry) for entry in content or []])
    except FileNotFoundError:
        return []
    except TypeError as error:
        raise FactoryError(f"{path}: not a list of entries with test, by, day and found: {error}") from error


def group_totals(scores: list[Score]) -> dict[str, float]:
    """The sum of each group; the lowest is the project's score."""
    return {group: sum(score.points for score in scores if score.criterion.group == group) for group in GROUPS}


def level(total: float) -> str:
    """The meaning of the score, in the paper's words."""
    return next(words for bound, words in LEVELS.items() if total <= bound)


def write(scores: list[Score]) -> float:
    """Write reports/readiness.json and a badge beside it; returns the score."""
    groups = group_totals(scores)
    total = min(groups.values())
    tests = [{"group": s.criterion.group, "test": s.criterion.title, "score": s.points, "why": s.why} for s in scores]
    report, badge = FILES
    report.parent.mkdir(exist_ok=True)
    dump({"score": total, "level": level(total), "groups": groups, "tests": tests}, report)
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


def _automated(sandbox: Sandbox, criterion: Criterion) -> tuple[float, str]:
    if not criterion.tests:
        return 0, criterion.missing
    if sandbox.run_without_fault(("pytest", criterion.tests)) is not None:
        return 0, f"{criterion.tests} fails, or holds no test"
    for test in criterion.faults:
        for command in test.commands:
            if (output := sandbox.run_without_fault(command)) is not None:
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
