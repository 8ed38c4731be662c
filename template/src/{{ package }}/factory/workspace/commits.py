"""Commits as Git stores them: whom they name, what is signed, and which of them brought something to a file."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from ..errors import CannotEvaluate
from . import git
from .process import run, run_bytes

HEADER = re.compile(rb"[^\n]+(?:\n [^\n]*)*")  # with the lines that go on with it
PERSON = re.compile(rb"^(?:author|committer) .*?<([^<>]*)>", re.MULTILINE)
SIGNATURE = re.compile(rb"gpgsig(?:-sha256)? ")


@dataclass(frozen=True)
class Commit:
    """A commit: the addresses of author and committer, which are whatever who made it likes, and its signature."""

    name: str
    addresses: frozenset[str]
    content: bytes  # all that the signature is of
    signature: str


def read(name: str) -> Commit:
    """The commit. Raises FactoryError."""
    head, _, message = run_bytes("git", "cat-file", "commit", name).partition(b"\n\n")
    headers = HEADER.findall(head)
    kept = [header for header in headers if not SIGNATURE.match(header)]
    signatures = [
        SIGNATURE.sub(b"", header, count=1).replace(b"\n ", b"\n") for header in headers if header not in kept
    ]
    content = b"\n".join(kept)
    addresses = frozenset(address.decode(errors="replace").lower() for address in PERSON.findall(content))
    signature = b"\n".join(signatures).decode(errors="replace")
    return Commit(name, addresses, content + b"\n\n" + message, signature)


def contents(names: Sequence[str]) -> list[bytes | None]:
    """What each of the names is in Git, such as COMMIT:PATH, all in one call; None where there is no such object."""
    output = run_bytes("git", "cat-file", "--batch", stdin="".join(f"{name}\n" for name in names)) if names else b""
    found: list[bytes | None] = []
    for _ in names:
        head, _, output = output.partition(b"\n")
        size = None if head.endswith(b" missing") else int(head.split()[-1])
        found.append(None if size is None else output[:size])
        output = output if size is None else output[size + 1 :]
    return found


def last_changed(path: str) -> str | None:
    """When a commit last changed the file, in ISO 8601, or None where none has it."""
    return (run("git", "log", "--max-count=1", "--format=%cI", "--", path) or None) if git.commit() else None


def of_file(path: str) -> list[str]:
    """The commits that changed the file, newest first, in short."""
    return run("git", "log", "--format=%h", "--", path).splitlines() if git.commit() else []


def changing(path: str, tags: str) -> list[str]:
    """The commits that changed the file, oldest first, of the branch here and of these tags, also of what they merged."""
    options = ("--full-history", "--reverse", "--format=%H", "HEAD", f"--tags={tags}")
    return run("git", "log", *options, "--", path).splitlines() if git.commit() else []


def refs(pattern: str) -> list[tuple[str, str]]:
    """Name and commit of each ref, the oldest first."""
    lines = run("git", "for-each-ref", "--sort=creatordate", "--format=%(refname) %(objectname)", pattern).splitlines()
    return [(name, commit) for name, commit in map(str.split, lines)]


def origins(commit: str, path: str, has: Callable[[str], bool]) -> list[str]:
    """The commits that brought to the file what it has in the commit, while no parent of theirs had it.

    Raises CannotEvaluate where the history does not show them.
    """
    if git.is_shallow():
        raise CannotEvaluate("COMMIT_INCOMPLETE", "the history is cut off: fetch the whole (`git fetch --unshallow`)")
    lines = run("git", "rev-list", "--parents", "--full-history", "--simplify-merges", commit, "--", path).splitlines()
    parents = {name: others for name, *others in map(str.split, lines)}

    @cache
    def having(name: str) -> bool:
        return has(git.show(name, path) or "")

    found, seen, left = [], set(), [name for name in list(parents)[:1] if having(name)]
    while left:
        name = left.pop()
        before = [parent for parent in parents[name] if having(parent)]
        found += [] if before else [name]
        left += [parent for parent in before if parent not in seen]
        seen.update(before)
    if not found:
        raise CannotEvaluate("COMMIT_INCOMPLETE", f"no commit before {commit[:8]} brought to {path} what is looked for")
    return found
