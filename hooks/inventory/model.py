"""The inventory: each project of the organisation with its state, what is last known of it, and how that has developed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import isfinite

from factory.status.model import Status
from origins import Origin

TREND = 60
"""Points of a history: the newest half as they are, of the earlier ones some."""
FRESH = timedelta(days=7)
"""A status that is older is stale: pipelines push one each night."""


class State(StrEnum):
    """How a project's status is to be taken; whichever it is, what was last known stays shown beside it."""

    OK = "ok"
    STALE = "stale"  # older than a week
    FUTURE = "future"  # claims to be written later than now
    MALFORMED = "malformed"  # the branch is there, and what is on it breaks the format
    FOREIGN = "foreign"  # the branch is there, and what is on it is something else, or of another format
    MISSING = "missing"  # the repository answers, and has no such branch
    UNREACHABLE = "unreachable"  # the repository does not answer, or not to us


MEANINGS = {
    State.OK: "a status of the last seven days",
    State.STALE: "the newest status is older than seven days",
    State.FUTURE: "the newest status claims a date that is yet to come",
    State.MALFORMED: "the newest status breaks its format",
    State.FOREIGN: "what the branch holds is not a status, or of another format",
    State.MISSING: "the repository has no branch factory/status",
    State.UNREACHABLE: "the repository could not be read",
}


@dataclass(frozen=True, slots=True)
class Point:
    """What trends show of an earlier status; None where that did not know it."""

    at: datetime
    release: str | None
    behind: int | None
    version: str | None
    metric: float | None
    metric_name: str | None
    passed: bool | None
    alerts: int | None
    readiness: float | None
    money: float | None  # of the month so far, runs and serving

    @classmethod
    def of(cls, status: Status) -> "Point":
        champion, cost = status.champion, status.cost
        metric = champion.metric if champion else None
        return cls(
            at=status.at,
            release=status.template.release,
            behind=status.template.behind,
            version=champion.version if champion else None,
            metric=metric.value if metric else None,
            metric_name=metric.name if metric else None,
            passed=status.gate.passed if status.gate else None,
            alerts=len(status.monitor.alerts) if status.monitor else None,
            readiness=status.readiness.score if status.readiness else None,
            money=_money(cost.runs.money, cost.serving.money if cost.serving else None) if cost else None,
        )


@dataclass(frozen=True)
class Project:
    """A line of FLEET.csv, and what became of it."""

    origin: Origin
    state: State
    reason: str  # a code and what it means; empty where the state is ok
    status: Status | None  # the last that is known and was written by then; None where none is
    commit: str | None  # of the branch factory/status, with that status
    history: tuple[Point, ...]  # earliest first, up to `status`; thinned out where long
    rewritten: int  # how often the branch lost commits, which are kept here
    counted: bool = False  # whether the hub has counted how far behind the template it is, which the project could not


@dataclass(frozen=True)
class Inventory:
    """The organisation's projects, as they stood at a moment, in the order of FLEET.csv."""

    at: datetime
    projects: tuple[Project, ...]
    live: bool  # whether `at` is when this was gathered; otherwise a day that somebody asked for


def _money(*amounts: float | None) -> float | None:
    total = sum(known := [amount for amount in amounts if amount is not None])
    return total if known and isfinite(total) else None  # each is, and that is not enough
