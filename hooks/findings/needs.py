"""What must be done in a project: what its state, its status, its dependencies and its criticality ask for, the most urgent first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from factory.status.model import Status
from inventory.model import Project, State
from organisation import ReviewDays

from .advisories import Advisory
from .withdrawn import Withdrawn

URGENCIES = ("now", "soon", "watch")
FAR_BEHIND = 3  # releases, of which an update is urgent
LISTED = 3  # names in a text


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
    "VULNERABLE": Kind("now", "known vulnerabilities", "run `uv lock --upgrade-package NAME`, then deploy a new image"),
    "DOCTOR": Kind("now", "policy is violated", "run `uv run factory doctor` there"),
    "NO_OWNER": Kind("now", "no owner", "name one in docs/model-card.yaml"),
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
    monitor, gate, behind = status.monitor, status.gate, status.template.behind or 0
    if monitor:
        yield from _named("ALERT", [" ".join(filter(None, (each.code, each.column))) for each in monitor.alerts])
    elif status.deployments:
        yield Need("NOT_MONITORED", status.unknown.get("monitor", ""))
    yield from _named("DOCTOR", [each.name for each in status.doctor if each.problems and each.fails])
    yield from _named("ADVICE", [each.name for each in status.doctor if each.problems and not each.fails])
    if not status.owner.strip():
        yield Need("NO_OWNER", "nobody is named as owner")
    if behind:
        yield Need("FAR_BEHIND" if behind >= FAR_BEHIND else "BEHIND", f"{status.template.release}, {behind} behind")
    if status.readiness:
        yield from _named("EXPIRED", status.readiness.expired)
    if gate and not gate.passed:
        yield from _named("GATE", gate.codes or ["no code"])
    if champion := status.champion:
        older = [f"{each.environment} has {each.version}" for each in status.deployments if each.version != champion.version]
        yield from _named("NOT_DEPLOYED", older, f"; the champion is {champion.version}")
    else:
        yield Need("NO_CHAMPION", status.unknown.get("champion", ""))


def review_due(project: Project, days: ReviewDays) -> datetime | None:
    """When people have to look at the model as a whole again, after its last promotion or assessment; None without a champion."""
    status = project.status
    if not status or not status.champion:
        return None
    assessed = status.readiness.at if status.readiness else None
    until = getattr(days, project.origin.criticality)
    until = min(until, days.high) if status.card.risk == "high" else until
    return max(filter(None, (status.champion.since, assessed))) + timedelta(days=until)


def _named(code: str, names: Sequence[str], ending: str = "") -> Iterator[Need]:
    """One need for all of the names, the first of which are listed."""
    distinct = list(dict.fromkeys(names))
    if distinct:
        more = f" and {len(distinct) - LISTED} more" if len(distinct) > LISTED else ""
        yield Need(code, ", ".join(distinct[:LISTED]) + more + ending)


def _release(package: tuple[str, str]) -> str:
    return " ".join(package)
