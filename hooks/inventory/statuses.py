"""The commits that are known of each project, and the statuses in them, read by one Git that stays open."""

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime

from factory.errors import CannotEvaluate
from factory.status.model import MAX_BYTES, NAME, Status, parse
from pydantic_core import from_json

from .repository import Repository

Process = subprocess.Popen[bytes]
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
        made = [commit for commit in self.behind(tips) if self._at.get(commit, limit + 1) <= limit]
        return sorted(made, key=lambda commit: -self._at[commit])  # stable: a child stays before its parent

    def behind(self, tips: Sequence[str]) -> dict[str, None]:
        """The tips and what they descend from, each child before its parent."""
        waiting, found = [*tips], dict.fromkeys(tips)
        for commit in waiting:
            new = [parent for parent in self._parents.get(commit, ()) if parent not in found]
            found |= dict.fromkeys(new)
            waiting += new
        return found


class Reader:
    """Reads what commits hold, and never what is too large."""

    def __init__(self, repository: Repository, sizes: Process, contents: Process) -> None:
        self._repository, self._sizes, self._contents = repository, sizes, contents

    def status(self, commit: str) -> Status:
        """The status in the commit. Raises CannotEvaluate with the code of what is there in its place."""
        *_, kind, size = self._answer(self._sizes, f"{commit}:{NAME}")
        if kind != "blob":
            raise self._other(commit) or CannotEvaluate("UNREADABLE", f"{NAME} cannot be read from the hub's repository")
        if int(size) > MAX_BYTES:
            raise CannotEvaluate("TOO_LARGE", f"{NAME} has {int(size):,} bytes, and at most {MAX_BYTES:,} are read")
        self._answer(self._contents, f"{commit}:{NAME}")
        content = self._contents.stdout.read(int(size) + 1)[:-1]
        if len(content) < int(size):
            raise self._repository.damaged("cat-file", "an object ends early")
        try:
            return parse(content)
        except CannotEvaluate as error:
            raise self._other(commit, content) or error from None

    def _answer(self, process: Process, name: str) -> list[str]:
        """The first line of what Git answers: object, type and size, or the name and what is wrong with it."""
        with suppress(BrokenPipeError):
            process.stdin.write(f"{name}\n".encode())
            process.stdin.flush()
        answer = process.stdout.readline().decode(errors="replace").split()
        if len(answer) < 2:
            raise self._repository.damaged("cat-file", "it has ended")
        return answer

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
    with ExitStack() as stack:
        processes = []
        for option in ("--batch-check", "--batch"):  # one command for both needs Git 2.36
            process = stack.enter_context(subprocess.Popen(["git", "cat-file", option], env=repository.environment, **pipes))
            stack.callback(process.kill)
            processes.append(process)
        yield Reader(repository, *processes)
