"""The waves: what is proposed now, and whether the next wave may begin."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from factory.errors import FactoryError, listed
from factory.platforms.base import Checks, LimitError, Platform
from factory.update.proposal import BRANCH
from origins import Origin

from . import plan, remotes, templates
from .model import BAD, LASTING, UNSETTLED, Entry, State, public
from .record import Record
from .remotes import Heads, NotAProjectError, UnreachableError
from .servers import OURS, Servers
from .standing import BRANCH_ONLY, Seen, judge, named, version

CHILD = Path(__file__).with_name("child.py")
HOUR = timedelta(hours=1)
ASKING = 60.0


@dataclass(frozen=True)
class Limits:
    """How far and how fast it goes."""

    stop_above: float = 0.1
    rate: int | None = None  # proposals in an hour
    jobs: int = 2
    timeout: float = 600
    grace: timedelta = timedelta(minutes=15)


@dataclass
class Rollout:
    """One run of it. Without `apply` nothing is pushed, and each wave is tried."""

    record: Record
    limits: Limits
    servers: Servers
    templates: templates.Templates
    scratch: Path
    apply: bool
    save: Callable[[], None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    changing: threading.Lock = field(default_factory=threading.Lock)

    def run(self, origins: Sequence[Origin]) -> None:
        """As many waves as may begin now. Raises FactoryError."""
        self.record.stopped, self.record.waits = None, False
        for number, name in enumerate(plan.NAMES):
            wave = [origin for origin in origins if self._entry(origin).wave == number]
            failed = {origin.key for origin in wave if self._entry(origin).state is State.FAILED}
            entries = [self._entry(origin) for origin in wave]
            self._each(self._look, wave)
            self.save()
            waiting = [origin for origin in wave if self._entry(origin).state is State.WAITING]
            waiting.sort(key=lambda origin: origin.key in failed)  # what fails each time leaves room for others
            self._each(partial(self._propose_unless, entries), waiting[: self._room()])
            stopped = why(name, entries, self.limits.stop_above)
            if stopped and not self.record.stopped:
                self.record.stopped, self.record.waits = stopped
            self.save()
            if stopped and self.apply:
                return

    def enter(self, origins: Sequence[Origin], planned: Mapping[str, int], handled: Iterable[str]) -> None:
        """Take the projects in, each in the wave that it was first in. Raises FactoryError."""
        if unknown := {*handled} - {origin.name for origin in origins}:
            raise FactoryError(f"--handled {min(unknown)}: no project in the list has this name")
        known = self.record.entries
        for origin in origins:
            new = Entry.of(origin, planned[origin.key])
            entry = known.setdefault(origin.key, new)
            entry.name, entry.address, entry.team, entry.criticality = new.name, new.address, new.team, new.criticality
            entry.handled = entry.taken or origin.name in handled

    @property
    def asking(self) -> float:
        """Seconds in which a server has to say what it has."""
        return min(ASKING, self.limits.timeout)

    def _entry(self, origin: Origin) -> Entry:
        return self.record.entries[origin.key]

    def _room(self) -> int | None:
        """How many proposals the rate still allows."""
        if self.limits.rate is None or not self.apply:
            return None
        last = [at for at in self.record.pushes if abs(self.now() - datetime.fromisoformat(at)) < HOUR]  # a clock may go back
        self.record.pushes = last
        return max(0, self.limits.rate - len(last))

    def _each(self, act: Callable[[Origin, Entry], None], origins: Sequence[Origin]) -> None:
        """Act on each, several at once; what went wrong with one is its state."""
        done: list[Entry] = []

        def guarded(origin: Origin) -> None:
            entry = self._entry(origin)
            before = entry.state
            try:
                act(origin, entry)
            except LimitError as error:
                entry.settle(State.PENDING, str(error))
            except UnreachableError as error:
                entry.settle(without_answer(before), str(error))
            except (FactoryError, TimeoutError, OSError) as error:
                entry.settle(State.FAILED, str(error))
            except Exception as error:  # noqa: BLE001 # whatever one project or its platform answers ends no other's update
                entry.settle(State.FAILED, f"unexpected answer: {type(error).__name__}: {error}")
            done.append(entry)
            if entry.state is not State.WAITING and not remotes.PROCESSES.stopped.is_set():
                why = f": {entry.reason}" if entry.reason else ""
                print(f"[{len(done)}/{len(origins)}] {entry.name}: {entry.state}{why}", file=sys.stderr, flush=True)

        with ThreadPoolExecutor(self.limits.jobs) as pool:
            try:
                for _ in pool.map(guarded, origins):
                    pass
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                remotes.PROCESSES.stop()
                raise

    def _look(self, origin: Origin, entry: Entry) -> None:
        before = entry.state
        entry.settle(State.WAITING)
        env, platform = self.servers.environment(origin.url), self.servers.platform(origin.url)
        heads = remotes.heads(origin, env, self.asking)
        if heads.commit == entry.head and before in (State.MERGED, State.CURRENT):
            return entry.settle(before)  # without a question to the platform
        if heads.commit != entry.head or not entry.release:
            try:
                answers, _ = remotes.answers(origin, heads.base, env, self.scratch, self.asking)
            except NotAProjectError as error:
                return entry.settle(State.FOREIGN, str(error))
            if problem := self.templates.foreign(answers["_src_path"]):
                return entry.settle(State.FOREIGN, problem)
            entry.head, entry.release, entry.source = heads.commit, answers["_commit"], public(answers["_src_path"])
        entry.base = heads.base
        seen = self._seen(origin, entry, heads, platform)
        if seen.request and named(seen.request.title) == version(self.record.release):
            entry.url, entry.at = seen.request.url, entry.at or self.now().isoformat()
        if seen.by not in (None, OURS):  # somebody works on the proposal
            entry.commit, entry.handled, entry.taken = heads.proposal, True, True
        found = judge(seen, entry, self.record.release, self.now(), self.limits.grace)
        return entry.settle(*found) if found else None

    def _seen(self, origin: Origin, entry: Entry, heads: Heads, platform: Platform | None) -> Seen:
        """The pull request, or where there is no platform what the branch holds that was not pushed from here."""
        by = request = None
        checks: Checks = "none"
        if platform:
            try:
                request = platform.pull_request(BRANCH)
                checks = platform.checks(request) if request and request.state == "open" else "none"
            except LimitError:
                raise
            except FactoryError as error:
                raise UnreachableError(str(error)) from error
        elif heads.proposal and heads.proposal != entry.commit:
            env = self.servers.environment(origin.url)
            answers, committer = remotes.answers(origin, BRANCH, env, self.scratch, self.asking)
            by = committer if version(answers["_commit"]) == version(self.record.release) else None
        return Seen(heads.base, str(entry.release), heads.proposal, platform is not None, by, request, checks)

    def _propose_unless(self, wave: Sequence[Entry], origin: Origin, entry: Entry) -> None:
        """Propose it, unless too many of its wave have failed meanwhile."""
        if self.apply and len(failures(wave)) > self.limits.stop_above * len(wave):
            return
        try:
            self._propose(origin, entry)
        finally:
            with self.changing:
                self.save()

    def _propose(self, origin: Origin, entry: Entry) -> None:
        assert entry.base and entry.head
        env = self.servers.environment(origin.url)
        with TemporaryDirectory(dir=self.scratch) as folder:
            place = Path(folder, "project")
            remotes.clone(origin, entry.base, entry.head, place, env, self.limits.timeout)
            request = {
                "parent": os.getpid(),
                "folder": str(place),
                "release": self.record.release,
                "source": entry.source,
                "base": entry.base,
                "by": f"Proposed to the fleet in wave {entry.wave + 1} of {len(plan.NAMES)}, {plan.NAMES[entry.wave]}.",
                "push": self.apply,
                "url": origin.url,
                "token": self.servers.token(origin.url),
                "servers": dict(self.servers.kinds),
            }
            command = (sys.executable, "-I", str(CHILD))
            env = self.templates.environment(env, origin.url)
            output = remotes.run(*command, env=env, timeout=self.limits.timeout, cwd=place, stdin=json.dumps(request))
        self._keep(entry, json.loads(output))

    def _keep(self, entry: Entry, became: Mapping[str, object]) -> None:
        if "error" in became:
            raise FactoryError(str(became["error"]))
        for name, value in became.items():
            setattr(entry, name, value)
        needs_person = bool(entry.conflicts or entry.attention) and not entry.handled
        if not self.apply:
            return entry.settle(State.PERSON if needs_person else State.READY)
        entry.at = self.now().isoformat()
        with self.changing:
            self.record.pushes.append(entry.at)
        if needs_person:
            return entry.settle(State.PERSON, "resolve what is listed")
        return entry.settle(State.PENDING) if entry.url else entry.settle(State.PROPOSED, BRANCH_ONLY)


def without_answer(before: State) -> State:
    """The state of a project that does not answer now: what it had is not lost by that."""
    if before in LASTING:
        return before
    return State.UNREACHABLE if before in {State.WAITING, *BAD} - {State.RED} else State.PENDING


def failures(wave: Iterable[Entry]) -> list[Entry]:
    """What counts against a wave."""
    return [each for each in wave if each.state in BAD and not each.handled]


class Stop(NamedTuple):
    """Why the next wave does not begin, and whether that only takes time."""

    reason: str
    waits: bool = False


def why(name: str, wave: Iterable[Entry], stop_above: float) -> Stop | None:
    """Why the wave after this one does not begin, or None where it may."""
    entries = list(wave)
    bad = failures(entries)
    if len(bad) > stop_above * len(entries):
        return Stop(f"wave {name}: {len(bad)} of {len(entries)} failed, more than {stop_above:.0%}: {_named(bad)}")
    if people := [each for each in entries if each.state is State.PERSON]:
        return Stop(f"wave {name}: a person is needed for {_named(people)}")
    if unsettled := [each for each in entries if each.state in UNSETTLED]:
        return Stop(f"wave {name}: {len(unsettled)} of {len(entries)} not settled: run it again", waits=True)
    return None


def _named(entries: Sequence[Entry]) -> str:
    return listed([each.name for each in entries], 5)
