"""Changes that a pipeline made, as a pull request; and what it could not do, as an issue."""

import os
from contextlib import suppress
from pathlib import Path

from .. import platforms
from ..errors import FactoryError
from ..platforms.base import Forge
from ..registry import versions
from ..workspace import git
from ..workspace.process import dvc, run
from . import summary
from .summary import Problem
from .template_update import Update

RETRAIN = "factory/retrain"
UPDATE = "factory/template-update"
MARKER = "<!-- factory: retraining -->"
TITLE = "Retraining needs a person"


def retrained(found: list[Problem]) -> str:
    """What came of a retraining: a pull request with the new model, an issue, or nothing new. Raises FactoryError."""
    here = platform()
    text = f"{MARKER}\n{summary.write(found)}"
    if found:
        return f"See {here.issue(MARKER, TITLE, text)}"
    if not git.changes():
        return "Nothing new: main has this model already"
    if _proposed_already():
        return f"Nothing new since the branch {RETRAIN} was proposed"
    dvc("push", "--run-cache")
    return f"See {propose(here, RETRAIN, 'Retrain the model', text)}"


def updated(done: Update) -> str:
    """The address of the pull request with the template's update, locked anew. Raises FactoryError."""
    here = platform()
    if not done.conflicts:
        run(os.environ.get("UV", "uv"), "lock", "--quiet")
    said = "\n".join(f"- {line}" for line in done.lines())
    text = f"The template went on from {done.before} to {done.after}.\n\n{said}\n\nMade by [this run]({here.run}).\n"
    return propose(here, UPDATE, f"Update the template to {done.after}", text, draft=done.exit_code != 0)


def platform() -> Forge:
    """Where pull requests are. Raises FactoryError outside a pipeline."""
    here = platforms.here()
    if here is None:
        raise FactoryError("this is no pipeline of GitHub, GitLab or Azure DevOps: commit, push and open it yourself")
    return here


def propose(here: Forge, branch: str, title: str, text: str, draft: bool = False) -> str:
    """Commit all changes to the branch, push it, and open or update its pull request. Raises FactoryError.

    A branch that is there already is replaced, unless somebody else has committed to it.
    """
    base, remote = here.branch, git.remote_name()
    if remote is None:
        raise FactoryError("there is no Git remote to push to")
    before = git.remote_head(remote, branch)
    if before and git.committer(before) != git.committer():
        raise FactoryError(f"somebody has worked on {branch}: merge it, or close its pull request and delete it")
    run("git", "checkout", "--quiet", "-B", branch)
    git.commit_all(title)
    if before and _content(before) == _content("HEAD"):
        return here.propose(branch, base, title, text, draft)  # whose approvals a push would dismiss
    git.push(remote, f"HEAD:refs/heads/{branch}", replaces=before or "")
    try:
        return here.propose(branch, base, title, text, draft)
    except FactoryError:
        with suppress(FactoryError):  # or the next run would find the branch and think that it was proposed
            git.push(remote, f"{before or ''}:refs/heads/{branch}", replaces=git.commit())
        raise


def _content(commit: str) -> str:
    """Of what commit it is the next, and its files."""
    return run("git", "rev-parse", f"{commit}~1", f"{commit}^{{tree}}")


def _proposed_already() -> bool:
    """Whether the branch holds this model, on top of this commit."""
    remote = git.remote_name()
    before = git.remote_head(remote, RETRAIN) if remote else None
    lock = git.show(before, "dvc.lock") if before else None
    if before is None or lock is None or run("git", "rev-parse", f"{before}~1") != git.commit():
        return False
    return versions.model_md5(lock) == versions.model_md5(Path("dvc.lock").read_text(encoding="utf-8"))
