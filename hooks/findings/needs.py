"""What must be done in a project: what its state, its status, its dependencies and its criticality ask for, the most urgent first."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from factory.status.model import Status
from factory.status.steps import first, steps
from inventory.model import Project, State
from organisation import ReviewDays

from .advisories import Advisory
from .withdrawn import Withdrawn

URGENCIES = ("now", "soon", "watch")
FAR_BEHIND = 3  # releases, of which an update is urgent


@dataclass(frozen=True)
class Kind:
    """How urgent it is, what it is called, and what to do."""

    urgency: str
    title: str
    remedy: str


KINDS = {
    "UNREACHABLE": Kind(
        "now", "repository cannot be read", "check its address in the list of projects, and the hub's right to read it"
    ),
    "MALFORMED": Kind("now", "status is malformed", "run `uv run factory status --push` with the project's newest release"),
    "FOREIGN": Kind(
        "now", "status is not of this project", "check its address in the list of projects, and who wrote to its branch"
    ),
    "FUTURE": Kind("now", "status is from the future", "set the clock of the machine that wrote it"),
    "MISSING": Kind("soon", "no status", "update the project, then run its pipeline or `uv run factory status --push`"),
    "STALE": Kind("soon", "status is old", "look why its nightly pipeline does not run"),
    "ALERT": Kind("now", "alerts are open", "look at `uv run factory dashboard`, then retrain or roll back"),
    "MONITOR_STOPPED": Kind("now", "monitoring has stopped", "start its pipeline again: nobody watches the model"),
    "VULNERABLE": Kind("now", "known vulnerabilities", "run `uv lock --upgrade-package NAME`, then deploy a new image"),
    "DOCTOR": Kind("now", "policy is violated", "run `uv run factory doctor` there"),
    "NO_OWNER": Kind("now", "no owner", "name one in docs/model-card.yaml"),
    "MONITOR_INCOMPLETE": Kind("soon", "monitoring is incomplete", "look at `uv run factory monitor`, and what it lacks"),
    "CARD": Kind("soon", "model card is incomplete", "state what it lacks in docs/model-card.yaml"),
    "FAR_BEHIND": Kind("soon", "far behind the template", "run `uv run factory update`, or a wave of updates"),
    "REVIEW": Kind(
        "soon", "due for review", "run `uv run factory readiness`, and decide whether the model is still fit for its purpose"
    ),
    "EXPIRED": Kind("soon", "assessment has expired", "renew the answers in docs/readiness.yaml"),
    "GATE": Kind("soon", "gate refused a model", "look at reports/gate.md; the champion is still served"),
    "WITHDRAWN": Kind("soon", "withdrawn releases in use", "run `uv lock --upgrade-package NAME`"),
    "NOT_MONITORED": Kind("soon", "deployed but not monitored", "capture requests and run `uv run factory monitor`"),
    "NOT_DEPLOYED": Kind("watch", "champion is not deployed", "deploy it, or roll back to the version that is served"),
    "NO_CHAMPION": Kind("watch", "no model was promoted", "run `uv run factory promote` once the gate passes"),
    "NOT_DIAGNOSED": Kind("watch", "doctor could not look", "run `uv run factory doctor` there"),
    "NOT_ASSESSED": Kind("watch", "readiness is not known", "run `uv run factory readiness`, and commit reports/readiness.json"),
    "TESTS_MISSING": Kind("watch", "tests of readiness are missing", "look at reports/readiness.json"),
    "QUESTIONS": Kind("watch", "questions are open", "run `uv run factory readiness --questions`, and have people answer"),
    "BEHIND": Kind("watch", "behind the template", "run `uv run factory update`"),
    "ADVICE": Kind("watch", "advice of doctor", "run `uv run factory doctor` there"),
}


@dataclass(frozen=True)
class Need:
    """What was found of which kind."""

    code: str
    text: str

    @property
    def kind(self) -> Kind:
        return KINDS[self.code]


def needs(
    project: Project, at: datetime, days: ReviewDays, advisories: Sequence[Advisory] = (), withdrawn: Sequence[Withdrawn] = ()
) -> list[Need]:
    """What must be done, in the order of KINDS within an urgency; advisories and withdrawn releases are the project's."""
    found = [*_of_state(project)]
    if project.status:
        found += _of_status(project.status)
    due = review_due(project, days)
    if due and due < at:
        found.append(Need("REVIEW", f"due since {due:%Y-%m-%d}, counted from the last promotion or assessment"))
    found += _named("VULNERABLE", [_release(each.package) for each in advisories])
    found += _named("WITHDRAWN", [_release(each.package) for each in withdrawn])
    order = list(KINDS)
    return sorted(found, key=lambda need: (URGENCIES.index(need.kind.urgency), order.index(need.code)))


def _of_state(project: Project) -> Iterator[Need]:
    if project.state is not State.OK:
        yield Need(project.state.upper(), project.reason)


def _of_status(status: Status) -> Iterator[Need]:
    found = defaultdict[str, list[str]](list)
    for step in steps(status):
        found[step.kind.name].append(step.found)
    if (status.template.behind or 0) >= FAR_BEHIND:
        found["FAR_BEHIND"] = found.pop("BEHIND")
    for code, texts in found.items():
        yield from _named(code, texts, "; ")


def review_due(project: Project, days: ReviewDays) -> datetime | None:
    """When people have to look at the model as a whole again, after its last promotion or assessment; None without a champion."""
    status = project.status
    if not status or not status.champion:
        return None
    assessed = status.readiness.at if status.readiness else None
    until = getattr(days, project.origin.criticality)
    until = min(until, days.high) if status.card.risk == "high" else until
    return max(filter(None, (status.champion.since, assessed))) + timedelta(days=until)


def _named(code: str, names: Sequence[str], between: str = ", ") -> Iterator[Need]:
    """One need for all of the names, the first of which are listed."""
    distinct = list(dict.fromkeys(names))
    if distinct:
        yield Need(code, first(distinct, between))


def _release(package: tuple[str, str]) -> str:
    return " ".join(package)
