"""Where a project's update stands, by what its remote and its platform have now."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from factory.platforms.base import Checks, PullRequest
from factory.status.releases import parse
from factory.update.proposal import TITLE
from packaging.version import Version

from .model import Entry, State
from .servers import OURS

NAMED = re.compile(re.escape(TITLE).replace(r"\{release\}", r"(\S+)") + "$")
BRANCH_ONLY = "the branch alone, as no server with pull requests is known for it (--server)"
OF_CHECKS = {"green": State.GREEN, "red": State.RED, "pending": State.PENDING, "none": State.PROPOSED}


@dataclass(frozen=True)
class Seen:
    """What there is now: the default branch's release, a proposal, and what its platform says of it."""

    base: str
    release: str
    proposal: str | None  # its branch's commit
    has_platform: bool
    by: str | None = None  # who has last committed to that branch, where it brings the release
    request: PullRequest | None = None
    checks: Checks = "none"


def judge(seen: Seen, entry: Entry, release: str, now: datetime, grace: timedelta) -> tuple[State, str] | None:
    """The project's state and why, or None where the release has yet to be proposed."""
    here, wanted = version(seen.release), version(release)
    if here and wanted and here >= wanted:
        proposed = entry.commit or (seen.request and named(seen.request.title) == wanted)
        return (State.MERGED, "") if proposed and here == wanted else (State.CURRENT, f"is at {seen.release}")
    if not seen.has_platform:
        return _of_branch(seen, entry)
    if seen.request is None or named(seen.request.title) != wanted:
        return None
    if seen.request.state == "merged":
        return State.CLOSED, f"was merged, and {seen.base} has {seen.release}: it was taken back, or went to another branch"
    if seen.request.state == "closed":
        return State.CLOSED, "people closed it: propose it again by reopening it"
    return _of_checks(seen.request, seen.checks, entry, now, grace)


def _of_checks(request: PullRequest, checks: Checks, entry: Entry, now: datetime, grace: timedelta) -> tuple[State, str]:
    if request.draft and not entry.handled:
        return State.PERSON, "resolve what the pull request lists, and mark it ready"
    is_new = entry.at is not None and abs(now - datetime.fromisoformat(entry.at)) < grace
    if checks == "none" and is_new:
        return State.PENDING, "no pipeline has begun yet"
    return OF_CHECKS[checks], ""


def _of_branch(seen: Seen, entry: Entry) -> tuple[State, str] | None:
    """Where there is only the branch, it is known by what was pushed to it."""
    if seen.proposal is None or seen.proposal != entry.commit:
        return (State.PROPOSED, f"{seen.by} has committed to it") if seen.by not in (None, OURS) else None
    if (entry.conflicts or entry.attention) and not entry.handled:
        return State.PERSON, "resolve what is listed, and push it to the branch"
    return State.PROPOSED, BRANCH_ONLY


def version(name: str) -> Version | None:
    """Of a tag, or of what `git describe` makes of a commit after one."""
    return parse(re.sub(r"-\d+-g[0-9a-f]+$", "", name))


def named(title: str) -> Version | None:
    """The release that a pull request brings, by its title."""
    found = NAMED.search(title)
    return version(found[1]) if found else None
