"""What the page of all projects shows: what must be done, how projects are distributed, and what they share."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from findings.dependencies import Dependencies
from findings.needs import KINDS, Kind
from inventory.model import State

from .views import View

SCORES = {"0": 0.0, "up to 1": 1.0, "up to 2": 2.0, "up to 3": 3.0, "up to 5": 5.0, "above 5": float("inf")}
"""The bounds that the ML Test Score's own levels have."""
ML_TEST_SCORE = "The ML Test Score, of 28 tests: 0 is research, above 2 reasonably tested, above 5 exceptional."
BEHIND = {"newest": 0, "1 behind": 1, "2 behind": 2}
MORE = "3 or more"
UNKNOWN = "unknown"
PRODUCTION = "prod", "production"  # as projects and as platforms call it


@dataclass(frozen=True)
class Todo:
    """What must be done in how many projects."""

    code: str
    kind: Kind
    projects: int


@dataclass(frozen=True)
class Distribution:
    """How many projects there are of each kind."""

    title: str
    caption: str
    counts: dict[str, int]


def todo(views: Iterable[View]) -> list[Todo]:
    """What must be done, in the order of urgency."""
    counts = Counter(code for view in views for code in {need.code for need in view.needs})
    return [
        Todo(code, kind, counts[code])
        for urgency in ("now", "soon", "watch")
        for code, kind in KINDS.items()
        if kind.urgency == urgency and counts[code]
    ]


def distributions(views: Sequence[View]) -> list[Distribution]:
    """By state, release, readiness, and the class of their data."""
    states = Counter(view.state for view in views)
    return [
        Distribution("State", "Of the newest status.", {state: states[state] for state in State if states[state]}),
        Distribution("Readiness", ML_TEST_SCORE, _counted(map(_score, views), [*SCORES])),
        Distribution("Template", "How many releases behind.", _counted(map(_behind, views), [*BEHIND, MORE])),
        Distribution(
            "Drift",
            "Whether an alert is open; unknown where monitoring has stopped.",
            _counted(map(_drift, views), ["open", "quiet"]),
        ),
    ]


def in_production(views: Iterable[View]) -> int:
    """How many projects have a deployment where callers are: a champion may be none yet."""
    return sum(any(each["environment"] in PRODUCTION for each in view.status["deployments"]) for view in views if view.status)


def costs(views: Iterable[View], month: str) -> list[tuple[str, float, int]]:
    """By currency what the month cost so far, and in how many projects; a stale status is of an earlier month."""
    found: dict[str, list[float]] = {}
    for view in views:
        cost = view.status and view.status["cost"]
        if cost and cost["month"] == month and (amount := money(cost)) is not None:
            found.setdefault(cost["currency"], []).append(amount)
    return [(currency, sum(amounts), len(amounts)) for currency, amounts in sorted(found.items())]


def own(dependencies: Dependencies) -> list[tuple[str, list[str], list[str]]]:
    """The packages that the index does not have, as are those that projects share with each other: versions, and who uses them."""
    found = []
    for name in dependencies.elsewhere:
        users = {version: by for (other, version), by in dependencies.users.items() if other == name}
        found.append((name, [*users], sorted({each for by in users.values() for each in by})))
    return sorted(found, key=lambda each: (-len(each[2]), each[0]))


def money(cost: dict[str, Any]) -> float | None:
    """Of runs and serving, as far as they are known."""
    amounts = [cost["runs"]["money"], (cost["serving"] or {}).get("money")]
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _counted(values: Iterable[str], order: Sequence[str]) -> dict[str, int]:
    counts = Counter(values)
    return {name: counts[name] for name in [*order, UNKNOWN] if counts[name] or name != UNKNOWN}


def _score(view: View) -> str:
    readiness = view.status and view.status["readiness"]
    return next(name for name, bound in SCORES.items() if readiness["score"] <= bound) if readiness else UNKNOWN


def _behind(view: View) -> str:
    behind = view.status["template"]["behind"] if view.status else None
    return UNKNOWN if behind is None else next((name for name, releases in BEHIND.items() if behind == releases), MORE)


def _drift(view: View) -> str:
    monitor = view.status and view.status["monitor"]
    stopped = any(need.code == "MONITOR_STOPPED" for need in view.needs)
    return monitor["drift"] if monitor and not stopped else UNKNOWN
