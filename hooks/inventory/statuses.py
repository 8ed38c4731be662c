"""The commits that are known of each project, and the statuses in them, read by one Git that stays open."""

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import IO

from factory.errors import CannotEvaluate
from factory.status.model import MAX_BYTES, NAME, Status, parse
from pydantic_core import from_json

from .repository import Repository

KINDS = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a folder"}


class History:
    """The commits that are known of all projects, and those that lead to the tips."""

    def __init__(self, repository: Repository, tips: Iterable[str]) -> None:
        self._parents: dict[str, list[str]] = {}
        self._at: dict[str, int] = {}
        for line in repository.run(
            "rev-list", "--all", "--parents", "--timestamp", "--stdin", stdin="\n".join(tips)
        ).splitlines():
            at, commit, *parents = line.split()
            self._parents[commit], self._at[commit] = parents, int(at)

    def commits(self, tips: Sequence[str], until: datetime) -> list[str]:
        """The tips and what they descend from, as far as it claims to be made by then, newest first."""
        limit = until.timestamp()
        made = [commit for commit in self.behind(tips) if self._at[commit] <= limit]
        return sorted(made, key=lambda commit: -self._at[commit])  # stable: a child stays before its parent

    def behind(self, tips: Sequence[str]) -> dict[str, None]:
        """The tips and what they descend from, each child before its parent."""
        waiting, found = [*tips], dict.fromkeys(tips)
        for commit in waiting:
            new = [parent for parent in self._parents[commit] if parent not in found]
            found |= dict.fromkeys(new)
            waiting += new
        return found


class Reader:
    """Reads what commits hold, and never what is too large."""

    def __init__(self, repository: Repository, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._repository, self._requests, self._answers = repository, requests, answers

    def status(self, commit: str) -> Status:
        """The status in the commit. Raises CannotEvaluate with the code of what is there in its place."""
        kind, size, blob = self._info(f"{commit}:{NAME}")
        if kind != "blob":
            raise self._other(commit) or CannotEvaluate("UNREADABLE", f"{NAME} cannot be read from the hub's repository")
        if size > MAX_BYTES:
            raise CannotEvaluate("TOO_LARGE", f"{NAME} has {size:,} bytes, and at most {MAX_BYTES:,} are read")
        self._ask(f"contents {blob}")
        self._answers.readline()
        content = self._answers.read(size + 1)[:-1]
        try:
            return parse(content)
        except CannotEvaluate as error:
            raise self._other(commit, content) or error from None

    def _info(self, name: str) -> tuple[str, int, str]:
        self._ask(f"info {name}")
        *_, kind, size = answer = self._answers.readline().decode(errors="replace").split()
        return (kind, int(size), answer[0]) if kind in ("blob", "tree") else ("", 0, "")

    def _ask(self, request: str) -> None:
        self._requests.write(f"{request}\n".encode())
        self._requests.flush()

    def _other(self, commit: str, content: bytes = b"") -> CannotEvaluate | None:
        """What is there in place of a status."""
        entry = self._repository.run("ls-tree", commit, "--", NAME)
        if not entry:
            return CannotEvaluate("NO_STATUS", f"the branch has no file {NAME}")
        if kind := KINDS.get(entry.split()[0]):
            return CannotEvaluate("NO_FILE", f"{NAME} is {kind}, which is not followed")
        with suppress(ValueError):
            value = from_json(content)
            if not isinstance(value, dict) or not isinstance(value.get("format"), int):
                return CannotEvaluate("NO_STATUS", f"{NAME} is JSON without the number of a format, as no factory writes it")
        return None


@contextmanager
def reader(repository: Repository) -> Iterator[Reader]:
    """A reader of the repository's commits."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["git", "cat-file", "--batch-command"], env=repository.environment, **pipes) as process:
        try:
            yield Reader(repository, process.stdin, process.stdout)
        finally:
            process.kill()
