"""A pipeline's changes as a pull request, and its failures as an issue."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from ..errors import FactoryError
from ..gate import compare
from ..platforms.base import Platform
from ..registry import versions
from ..update import proposal
from ..update.update import Update
from ..workspace import git, pull_request
from ..workspace.process import dvc, run
from ..workspace.pull_request import require_platform
from ..workspace.state_branch import StateBranch
from . import summary
from .summary import Problem

RETRAIN = "factory/retrain"
VERDICT = StateBranch("factory/gate", "The gate's verdict on the last retraining [skip ci]")
MARKER = "<!-- factory: retraining -->"
TITLE = "Retraining needs attention"
MERGED = 'Merging this promotes nothing: then run `uv run factory promote -m "why"` on the merged commit.'
FAILED = "Retraining produced no model to propose; the champion is unchanged. Each run updates this issue: close it once fixed."


def propose_retraining(problems: list[Problem]) -> str:
    """Open a pull request with the retrained model, or an issue if retraining failed. Raises FactoryError."""
    try:
        return _propose_retraining(problems)
    finally:
        _keep_verdict()


def _propose_retraining(problems: list[Problem]) -> str:
    platform = require_platform()
    report = f"{MARKER}\n{summary.write(problems)}\n{FAILED if problems else MERGED}"
    text = platform.render_comment(report)
    if problems:
        return f"See {platform.open_issue(MARKER, TITLE, text)}"
    if not git.changes():
        return "Nothing new: this is the model on main"
    if _already_open():
        return f"Nothing new: the pull request of {RETRAIN} proposes this model"
    dvc("push", "--run-cache")
    commit = partial(pull_request.commit, RETRAIN, "Retrain the model")
    return f"See {_open(platform, RETRAIN, 'Retrain the model', text, commit)}"


def _keep_verdict() -> None:
    """Keep the gate's verdict for the status, which can do without."""
    if compare.JSON.exists():
        try:
            VERDICT.put({compare.JSON.name: compare.JSON})
        except FactoryError as error:
            click.echo(f"! Not kept on the branch {VERDICT.name}: {error}", err=True)


def propose_update(update: Update) -> str:
    """Open a pull request with the template's update and a new uv.lock; its address. Raises FactoryError."""
    platform = require_platform()
    if not update.conflicts:
        run(os.environ.get("UV", "uv"), "lock", "--quiet")
    text = proposal.text(update, f"Opened by [this run]({platform.run_url}).")
    commit = partial(proposal.commit, update)
    return _open(platform, proposal.BRANCH, proposal.title(update), text, commit, draft=update.exit_code != 0)


def _open(
    platform: Platform, branch: str, title: str, text: str, commit: Callable[[], object], draft: bool = False
) -> str:
    """Commit all changes to the branch, push it, and open or update its pull request. Raises FactoryError.

    An existing branch is replaced, unless somebody else has committed to it.
    """
    base = platform.branch
    remote, previous = pull_request.previous(branch)
    before = git.commit()
    commit()
    show = partial(platform.open_pull_request, branch, base, title, text, draft)
    return pull_request.propose(remote, branch, str(before), str(git.commit()), previous, show)


def _already_open() -> bool:
    """Whether the branch already proposes this model, on top of this commit."""
    remote = git.remote_name()
    head = git.remote_head(remote, RETRAIN) if remote else None
    lock = git.show(head, "dvc.lock") if head else None
    if head is None or lock is None or run("git", "rev-parse", f"{head}~1") != git.commit():
        return False
    return versions.model_md5(lock) == versions.model_md5(Path("dvc.lock").read_text(encoding="utf-8"))
