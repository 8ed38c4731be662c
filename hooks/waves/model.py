"""What is known of one project's update, and of the whole of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from origins import Origin


class State(StrEnum):
    """How far a project's update has come."""

    WAITING = "waiting"
    READY = "ready"
    PENDING = "pending"
    GREEN = "green"
    PROPOSED = "proposed"
    MERGED = "merged"
    CURRENT = "current"
    CLOSED = "closed"
    PERSON = "person"
    RED = "red"
    FAILED = "failed"
    FOREIGN = "foreign"
    UNREACHABLE = "unreachable"


MEANINGS = {
    State.WAITING: "nothing is proposed yet",
    State.READY: "would be proposed",
    State.PENDING: "proposed, its pipelines run",
    State.GREEN: "proposed, its pipelines have passed",
    State.PROPOSED: "proposed, and no pipeline judges it",
    State.MERGED: "has the release by this proposal",
    State.CURRENT: "had the release, or a newer one",
    State.CLOSED: "the proposal was closed, and is not opened again",
    State.PERSON: "a person has to decide something first",
    State.RED: "proposed, and its pipelines fail",
    State.FAILED: "could not be updated",
    State.FOREIGN: "is not a project of this template",
    State.UNREACHABLE: "could not be read",
}
BAD = {State.RED, State.FAILED, State.FOREIGN, State.UNREACHABLE}
LASTING = {State.MERGED, State.CURRENT, State.CLOSED}
"""What stays so while a repository does not answer."""
UNSETTLED = {State.WAITING, State.PENDING}


@dataclass
class Entry:
    """A project, and what is known of its update; what only the remote knows is asked again each time."""

    key: str
    name: str
    address: str
    team: str
    criticality: str
    wave: int  # from 0
    state: State = State.WAITING
    reason: str = ""
    release: str | None = None  # of its default branch
    base: str | None = None  # the default branch, and its commit with that release
    head: str | None = None
    source: str | None = None  # its template's address
    commit: str | None = None  # of the proposal
    url: str | None = None  # of its pull request
    at: str | None = None  # when it was proposed
    handled: bool = False  # somebody takes care of it, and it stops no wave: by --handled of this run, or
    taken: bool = False  # as they have committed to the branch
    conflicts: Mapping[str, str] = field(default_factory=dict)  # by file
    attention: Sequence[str] = field(default_factory=list)
    pending: Sequence[str] = field(default_factory=list)

    @classmethod
    def of(cls, origin: Origin, wave: int) -> "Entry":
        return cls(origin.key, origin.name, origin.address, origin.team, str(origin.criticality), wave)

    def settle(self, state: State, reason: str = "") -> None:
        """Set both, the reason in one line without what would steer a terminal."""
        seen = "".join(letter if letter.isprintable() else " " for letter in public(reason))
        self.state, self.reason = state, " ".join(seen.split())[:1000]


def public(text: str) -> str:
    """The text without what addresses in it may have of logins and parameters."""
    return re.sub(r"(https?://[^\s'\"?]*)\?[^\s'\"]*", r"\1", re.sub(r"(?<=://)[^/@\s]*@", "", text))
