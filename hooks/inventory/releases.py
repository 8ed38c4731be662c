"""How far behind the template projects are that cannot read it themselves: by the tags of the repository that the hub is in."""

import subprocess
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from factory.status.model import Status
from factory.status.releases import newer, parse
from origins import place

KEYS = ("template.newest", "template.behind")


class Releases:
    """The tags of the template by date, and the addresses at which it is this template."""

    def __init__(self, root: Path) -> None:
        self._root = root
        lines = self._git("for-each-ref", "--sort=creatordate", "--format=%(creatordate:unix) %(refname:strip=2)", "refs/tags")
        tags = [line.partition(" ") for line in lines]
        self._times, self._names = [int(at or 0) for at, _, _ in tags], [name for _, _, name in tags]
        self._counted = lru_cache(maxsize=None)(self._count)

    def complete(self, status: Status) -> Status:
        """The status with the newest release of its time and how far behind that it was, where it does not know."""
        template = status.template
        if template.behind is not None or not template.source or place(template.source) not in self._addresses:
            return status
        counted = self._counted(template.release or "", bisect_right(self._times, status.at.timestamp()))
        if counted is None:
            return status
        unknown = {key: why for key, why in status.unknown.items() if key not in KEYS}
        filled = template.model_copy(update=dict(zip(("newest", "behind"), counted, strict=True)))
        return status.model_copy(update={"template": filled, "unknown": unknown})

    @cached_property
    def _addresses(self) -> set[str]:
        urls = [line.partition(" ")[2] for line in self._git("config", "--get-regexp", r"^remote\..*\.url$")]
        return {place(url) for url in (str(self._root), *urls)}

    def _count(self, release: str, tags: int) -> tuple[str, int] | None:
        own = parse(release)
        return newer(own, self._names[:tags]) if own and tags else None

    def _git(self, *command: str) -> Sequence[str]:
        """The lines that Git prints; none where this is a copy without history."""
        if not (self._root / ".git").exists():
            return []
        done = subprocess.run(["git", "-C", str(self._root), *command], capture_output=True, text=True)
        return done.stdout.splitlines()
