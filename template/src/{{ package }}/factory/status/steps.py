"""What a status asks to be done: the one list of it, for the project's own people and for whoever looks after many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

from .model import Status

OVERDUE = 3  # days after which monitoring, which runs every night, has stopped
LISTED = 3  # names in a text


class Kind(StrEnum):
    """What there is to do."""

    NO_CHAMPION = auto()
    GATE = auto()
    ALERT = auto()
    NOT_MONITORED = auto()
    MONITOR_STOPPED = auto()
    MONITOR_INCOMPLETE = auto()
    DOCTOR = auto()
    NOT_DIAGNOSED = auto()
    NOT_DEPLOYED = auto()
    NO_OWNER = auto()
    CARD = auto()
    BEHIND = auto()
    NOT_ASSESSED = auto()
    EXPIRED = auto()
    TESTS_MISSING = auto()
    QUESTIONS = auto()
    ADVICE = auto()


@dataclass(frozen=True)
class Step:
    """What was found, and what to do about it, unless that says it already."""

    kind: Kind
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.found, self.remedy)))


def steps(status: Status) -> Iterator[Step]:
    """Each step, in the order in which the project takes them."""
    yield from _model(status)
    yield from _monitoring(status)
    yield from _doctor(status)
    yield from _deployments(status)
    yield from _owners(status)
    yield from _template(status)
    yield from _readiness(status)
    yield from (
        _finding(Kind.ADVICE, each.name, each.problems) for each in status.doctor if not each.fails and each.problems
    )


def _model(status: Status) -> Iterator[Step]:
    if status.champion is None:
        yield Step(Kind.NO_CHAMPION, status.why("champion"))
    if status.gate and not status.gate.passed:
        yield Step(
            Kind.GATE, f"the gate refused the model ({first(status.gate.codes)})", "see `uv run factory compare`"
        )


def _monitoring(status: Status) -> Iterator[Step]:
    found = status.monitor
    if found is None:
        if status.deployments:
            yield Step(Kind.NOT_MONITORED, status.why("monitor"), "monitor what is deployed")
        return
    for alert in found.alerts:
        of = f" of {alert.column}" if alert.column else ""
        remedy = "see `uv run factory monitor` and docs/monitoring.md"
        yield Step(Kind.ALERT, f"{alert.code}{of} since {alert.since}", remedy)
    if (status.at.date() - found.until).days > OVERDUE:
        yield Step(Kind.MONITOR_STOPPED, f"monitoring last looked at {found.until}", "start its pipeline again")
    if found.states or found.drift == "unknown":
        why = f" ({first(found.states)})" if found.states else ""
        yield Step(Kind.MONITOR_INCOMPLETE, f"monitoring is incomplete{why}", "see `uv run factory monitor`")


def _doctor(status: Status) -> Iterator[Step]:
    if not status.doctor and "doctor" in status.unknown:
        yield Step(Kind.NOT_DIAGNOSED, status.why("doctor"), "see `uv run factory doctor`")
    yield from (
        _finding(Kind.DOCTOR, each.name, each.problems) for each in status.doctor if each.fails and each.problems
    )


def _deployments(status: Status) -> Iterator[Step]:
    champion = status.champion and status.champion.version
    for each in status.deployments:
        if champion and each.version != champion:
            found = f"{each.environment} runs {each.version}, and {champion} is the champion"
            yield Step(Kind.NOT_DEPLOYED, found, f"`uv run factory deploy {each.environment}`")


def _owners(status: Status) -> Iterator[Step]:
    if not status.owner.strip():
        yield Step(Kind.NO_OWNER, "nobody owns the model", "state the owner in docs/model-card.yaml")
    if missing := [name for name, value in status.card if value is None]:
        yield Step(Kind.CARD, f"the model card lacks {', '.join(missing)}", "state that in docs/model-card.yaml")


def _template(status: Status) -> Iterator[Step]:
    template = status.template
    if template.behind:
        newer = f"{template.behind} {'release' if template.behind == 1 else 'releases'} newer"
        newest = f", {template.newest}" if template.newest else ""
        yield Step(Kind.BEHIND, f"the template is {newer}{newest}", "`uv run factory update`")


def _readiness(status: Status) -> Iterator[Step]:
    if (found := status.readiness) is None:
        yield Step(Kind.NOT_ASSESSED, status.why("readiness"))
    if found and found.expired:
        yield Step(Kind.EXPIRED, f"look again at {first(found.expired)}", "then renew docs/readiness.yaml")
    if found and (count := len(found.missing)):
        yield Step(
            Kind.TESTS_MISSING, f"readiness lacks {count}, first {found.missing[0]}", "see reports/readiness.json"
        )
    if status.questions:
        unanswered = f"not answered by yes: {first(status.questions)}"
        yield Step(Kind.QUESTIONS, unanswered, "see `uv run factory readiness --questions`")


def _finding(kind: Kind, name: str, problems: Sequence[str]) -> Step:
    return Step(kind, f"{name}: {problems[0]}")


def first(names: Sequence[str], between: str = ", ") -> str:
    """The first of them, and how many others."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return between.join(names[:LISTED]) + more
