"""What the factory asks of Git."""

from pathlib import Path

from .errors import FactoryError
from .shell import run


def author() -> str:
    """Who Git says is at work, as `Name <address>`. Raises FactoryError where it does not know."""
    try:
        return run("git", "var", "GIT_AUTHOR_IDENT").rpartition(" ")[0].rpartition(" ")[0]
    except FactoryError as error:
        raise FactoryError(
            'Git does not know who you are: git config --global user.name "…" and user.email "…"'
        ) from error


def commit() -> str | None:
    """The commit that is checked out, or None before the first."""
    try:
        return run("git", "rev-parse", "--verify", "HEAD")
    except FactoryError:
        return None


def uncommitted(*paths: str) -> bool:
    """Whether tracked files under the paths differ from the commit."""
    return bool(run("git", "status", "--porcelain", "--untracked-files=no", "--", *paths))


def init() -> None:
    """Make the current folder a repository, or complete what is there of one."""
    if commit() is None:
        for lock in Path(".git").rglob("*.lock"):
            lock.unlink(missing_ok=True)  # of a Git that was killed; before the first commit nobody else is at work
    run("git", "init", "--initial-branch=main")


def commit_all(message: str) -> None:
    """Commit everything that is not ignored."""
    run("git", "add", "--all")
    run("git", "commit", "--no-verify", "--message", message)
