"""Changes that a pipeline made, as a pull request; and what it could not do, as an issue."""

import os
from contextlib import suppress
from pathlib import Path

from .. import platforms
from ..errors import FactoryError
from ..platforms.base import Platform
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


def propose_retraining(problems: list[Problem]) -> str:
    """What came of a retraining: a pull request with the new model, an issue, or nothing new. Raises FactoryError."""
    platform = require_platform()
    text = platform.render_comment(f"{MARKER}\n{summary.write(problems)}")
    if problems:
        return f"See {platform.open_issue(MARKER, TITLE, text)}"
    if not git.changes():
        return "Nothing new: main has this model already"
    if _already_open():
        return f"Nothing new since the branch {RETRAIN} was proposed"
    dvc("push", "--run-cache")
    return f"See {open_pull_request(platform, RETRAIN, 'Retrain the model', text)}"


def propose_update(update: Update) -> str:
    """The address of the pull request with the template's update, locked anew. Raises FactoryError."""
    platform = require_platform()
    if not update.conflicts:
        run(os.environ.get("UV", "uv"), "lock", "--quiet")
    lines = "\n".join(f"- {line}" for line in update.lines())
    text = f"The template went on from {update.before} to {update.after}.\n\n{lines}\n\n"
    text += f"Made by [this run]({platform.run_url}).\n"
    title = f"Update the template to {update.after}"
    return open_pull_request(platform, UPDATE, title, text, draft=update.exit_code != 0)


def require_platform() -> Platform:
    """Where pull requests are. Raises FactoryError outside a pipeline."""
    platform = platforms.detect()
    if platform is None:
        raise FactoryError("this is no pipeline of GitHub, GitLab or Azure DevOps: commit, push and open it yourself")
    return platform


def open_pull_request(platform: Platform, branch: str, title: str, text: str, draft: bool = False) -> str:
    """Commit all changes to the branch, push it, and open or update its pull request. Raises FactoryError.

    A branch that is there already is replaced, unless somebody else has committed to it.
    """
    base, remote = platform.branch, git.remote_name()
    if remote is None:
        raise FactoryError("there is no Git remote to push to")
    previous = git.remote_head(remote, branch)
    if previous and git.committer(previous) != git.committer():
        raise FactoryError(f"somebody has worked on {branch}: merge it, or close its pull request and delete it")
    run("git", "checkout", "--quiet", "-B", branch)
    git.commit_all(title)
    if previous and _parent_and_tree(previous) == _parent_and_tree("HEAD"):  # a push would dismiss its approvals
        return platform.open_pull_request(branch, base, title, text, draft)
    git.push(remote, f"HEAD:refs/heads/{branch}", replaces=previous or "")
    try:
        return platform.open_pull_request(branch, base, title, text, draft)
    except FactoryError:
        with suppress(FactoryError):  # or the next run would find the branch and think that it was proposed
            git.push(remote, f"{previous or ''}:refs/heads/{branch}", replaces=git.commit())
        raise


def _parent_and_tree(commit: str) -> str:
    return run("git", "rev-parse", f"{commit}~1", f"{commit}^{{tree}}")


def _already_open() -> bool:
    """Whether the branch holds this model, on top of this commit."""
    remote = git.remote_name()
    head = git.remote_head(remote, RETRAIN) if remote else None
    lock = git.show(head, "dvc.lock") if head else None
    if head is None or lock is None or run("git", "rev-parse", f"{head}~1") != git.commit():
        return False
    return versions.model_md5(lock) == versions.model_md5(Path("dvc.lock").read_text(encoding="utf-8"))
