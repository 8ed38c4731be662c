"""A branch that is proposed for review: pushed, and its pull request opened where there is a platform."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .. import platforms
from ..errors import FactoryError
from ..platforms.base import Platform
from . import git
from .process import run

Open = Callable[[], str]


def require_platform() -> Platform:
    """The platform of this run. Raises FactoryError outside a pipeline."""
    platform = platforms.detect()
    if platform is None:
        raise FactoryError(
            "not in a pipeline of GitHub, GitLab or Azure DevOps: commit, push and open the pull request yourself"
        )
    return platform


def previous(branch: str) -> tuple[str, str | None]:
    """The remote, and the branch's commit there. Raises FactoryError where somebody else has committed to it."""
    remote = git.remote_name()
    if remote is None:
        raise FactoryError("there is no Git remote to push to: add one with `git remote add origin URL`")
    head = git.remote_head(remote, branch)
    if head and git.committer(head) != git.committer():
        raise FactoryError(
            f"somebody else has committed to {branch}: merge it, or close its pull request and delete the branch"
        )
    return remote, head


def commit(branch: str, message: str, apart: tuple[str, Callable[[list[Path]], list[Path]]] | None = None) -> None:
    """Commit all changes to the branch, which begins anew. `apart` has the message of a first commit, and chooses its files."""
    run("git", "add", "--all")  # conflicts too, or Git would not leave the branch
    run("git", "checkout", "--quiet", "-B", branch)
    if apart:
        first, choose = apart
        git.commit_only(first, choose(git.staged()))
    git.commit_all(message)


def propose(remote: str, branch: str, base: str, commit: str, before: str | None, show: Open) -> str:
    """Push the commit to the branch in place of `before`, and open or update its pull request; where it is. Raises FactoryError.

    `base` is the commit that it is made of. A branch with the same changes is left, since a push would dismiss its approvals.
    """
    if before and _trees(base, before) == _trees(base, commit):
        return show()
    git.push(remote, f"{commit}:refs/heads/{branch}", replaces=before or "")
    try:
        return show()
    except FactoryError:
        with suppress(FactoryError):  # or the next run would find the branch and take it for proposed
            git.push(remote, f"{before or ''}:refs/heads/{branch}", replaces=commit)
        raise


def _trees(base: str, commit: str) -> str:
    return run("git", "log", "--format=%T", f"{base}..{commit}")
