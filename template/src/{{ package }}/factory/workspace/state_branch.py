"""A branch beside the history, in place of a cache that ends: what one run leaves for the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import FactoryError
from . import git
from .process import run

ATTEMPTS = 4  # while others write beside, and a last one


@dataclass(frozen=True)
class StateBranch:
    """The branch, and the message of its commit."""

    name: str
    message: str

    def head(self) -> tuple[str, str | None]:
        """The remote, and the commit that the branch is at there. Raises FactoryError."""
        remote = git.remote_name()
        if remote is None:
            raise FactoryError("there is no Git remote: add one with `git remote add origin URL`")
        return remote, git.remote_head(remote, self.name)

    def write(
        self, remote: str, head: str | None, files: Mapping[str, Path], add: bool = False, chain: bool = False
    ) -> str:
        """Put these files on the branch, if it is still at `head`; its commit. Raises FactoryError.

        With `add` those stay that are there. The branch has one commit; with `chain` it has one more each time.
        """
        entries = _entries(head) if head and add else {}
        for name, path in files.items():
            entries[name] = f"100644 blob {run('git', 'hash-object', '-w', '--no-filters', str(path))}\t{name}"
        tree = run("git", "mktree", stdin="".join(f"{entry}\n" for entry in entries.values()))
        if head and run("git", "rev-parse", f"{head}^{{tree}}") == tree:
            return head
        parents = ("-p", head) if head and chain else ()
        commit = run("git", "commit-tree", tree, *parents, "-m", self.message)
        git.push(remote, f"{commit}:refs/heads/{self.name}", replaces=head or "")
        return commit

    def put(self, files: Mapping[str, Path], add: bool = False, chain: bool = False) -> str:
        """The same at whatever the branch is at, again if somebody else has just written. Raises FactoryError."""
        remote, head = self.head()
        for _ in range(ATTEMPTS):
            try:
                return self.write(remote, head, files, add, chain)
            except FactoryError:
                before, (remote, head) = head, self.head()
                if head == before:
                    raise
        return self.write(remote, head, files, add, chain)


def names(head: str) -> list[str]:
    """The files in the commit of such a branch."""
    return [*_entries(head)]


def _entries(head: str) -> dict[str, str]:
    lines = run("git", "ls-tree", "--full-tree", head).splitlines()
    return {line.partition("\t")[2]: line for line in lines}
