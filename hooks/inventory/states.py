"""The state of each project at a moment, from what was fetched now and what is known from before."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from factory.errors import CannotEvaluate
from factory.status.model import Status
from origins import Origin

from . import copies
from .gathering import Problem
from .model import FRESH, TREND, Inventory, Point, Project, State
from .releases import Releases
from .repository import ACCEPTED, KEPT, Repository
from .statuses import History, Reader, reader

CLOCKS = timedelta(hours=1)
"""By which clocks may differ."""
TRIED = 100
"""Commits that are looked through for the last valid status."""
FOREIGN = {"NO_STATUS", "OTHER_FORMAT"}


def accept(repository: Repository, found: Mapping[str, str | Problem]) -> History:
    """Take what was fetched for the projects' branches, in one transaction; keep what a rewritten branch has lost."""
    tips = {key: tip for key, tip in found.items() if isinstance(tip, str)}
    repository.take()
    history = History(repository, tips.values())
    accepted, lines = repository.refs(ACCEPTED), []
    for key, tip in tips.items():
        before = accepted.get(key)
        if before and before not in history.behind([tip]):
            lines.append(f"update {KEPT}{key}/{before} {before}\n")
        if before != tip:
            lines.append(f"update {ACCEPTED}{key} {tip}\n")
    repository.run("update-ref", "--stdin", stdin="".join(lines))
    repository.pack()
    return history


def inventory(
    repository: Repository,
    history: History,
    origins: Sequence[Origin],
    fetched: Mapping[str, str | Problem],
    releases: Releases,
    at: datetime,
    live: bool,
) -> Inventory:
    """Every project as it stood at the moment. What could not be fetched now counts then only where nothing is known."""
    latest = at + CLOCKS if live else at
    tips, lost = repository.refs(ACCEPTED), defaultdict[str, list[str]](list)
    for name, commit in repository.refs(KEPT).items():
        lost[name.partition("/")[0]].append(commit)
    projects = []
    with reader(repository) as opened:
        for origin in origins:
            tip, kept = tips.get(origin.key), lost[origin.key]
            commits = history.commits([tip, *kept], latest) if tip else []
            if tip and live:  # whatever date it claims
                commits = [tip, *(commit for commit in commits if commit != tip)]
            status, commit, found = _last(opened, commits, at, latest)
            if live or not status:
                outcome = fetched[origin.key]
                found = outcome if isinstance(outcome, Problem) else found
            trend = _trend(opened, commits, status, releases) if status else ()
            state = found.state if found else State.OK
            shown = releases.complete(status) if status else None
            counted = shown is not status
            projects.append(Project(origin, state, str(found or ""), shown, commit, trend, len(kept), counted))
    return Inventory(at, copies.without(projects), live)


def _trend(opened: Reader, commits: list[str], last: Status, releases: Releases) -> tuple[Point, ...]:
    points = {last.at: Point.of(releases.complete(last))}
    for commit in _thinned(commits):
        with suppress(CannotEvaluate):
            status = opened.status(commit)
            if status.at < last.at:
                points[status.at] = Point.of(releases.complete(status))
    return tuple(points[at] for at in sorted(points))


def _last(opened: Reader, commits: list[str], at: datetime, latest: datetime) -> tuple[Status | None, str | None, Problem | None]:
    """The last status that is dated by `latest`, its commit, and what is wrong with it or with what came after it."""
    wrong: Problem | None = None
    for commit in commits[:TRIED]:
        try:
            status = opened.status(commit)
        except CannotEvaluate as error:
            state = State.FOREIGN if error.code in FOREIGN else State.MALFORMED
            wrong = wrong or Problem(state, error.code, error.reason)
            continue
        if status.at > latest:
            wrong = wrong or Problem(
                State.FUTURE, "FUTURE", f"the status is dated {status.at:%Y-%m-%d %H:%M %Z}, after {at:%Y-%m-%d %H:%M}"
            )
            continue
        return status, commit, wrong or _stale(status, at)
    return None, None, wrong or Problem(State.MISSING, "NO_STATUS_YET", "no status of that day or an earlier one is known")


def _stale(status: Status, at: datetime) -> Problem | None:
    age = at - status.at
    if age <= FRESH:
        return None
    return Problem(State.STALE, "STALE", f"the status is {age.days} days old: has the project's nightly pipeline stopped?")


def _thinned(commits: list[str]) -> list[str]:
    """The newest of them, and some of the others, evenly."""
    half = TREND // 2
    older = commits[half:]
    step = max(1, -(-len(older) // half))
    return [*commits[:half], *older[step - 1 :: step]]
