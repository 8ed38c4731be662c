"""Update one clone to the release and propose it: a process of its own, which may be ended. The request is JSON on stdin.

No code of the project runs: it is merged as text, and uv.lock is made apart from it.
"""

import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

HOOKS = Path(__file__).resolve().parents[1]
[SOURCE] = (HOOKS.parent / "template/src").iterdir()
sys.path[:0] = [str(HOOKS), str(SOURCE)]

from factory import platforms
from factory.errors import FactoryError
from factory.platforms.base import TOKEN
from factory.update import preconditions, proposal
from factory.update.update import update
from factory.workspace import git, pull_request
from factory.workspace.process import run

from waves import locking
from waves.model import public

POLL_SECONDS = 0.2


def main() -> dict[str, Any]:
    """What became of it, for the parent."""
    request = json.load(sys.stdin)
    threading.Thread(target=_end_with, args=(request["parent"],), daemon=True).start()
    os.chdir(request["folder"])
    before, push = str(git.commit()), request["push"]
    remote, previous = pull_request.previous(proposal.BRANCH) if push else ("", None)
    _check_template(request["source"])
    done = update(None, request["release"])
    _refuse_links()
    if not done.conflicts and (problem := _lock()):
        done = replace(done, attention=[*done.attention, problem])
    became = {"conflicts": dict(done.conflicts), "attention": list(done.attention), "pending": list(done.pending)}
    if not push:
        return became
    text = proposal.text(done, request["by"])
    commit = proposal.commit(done)
    platform = platforms.of_address(request["url"], {TOKEN: request["token"]}, request["servers"])
    ends = proposal.BRANCH, request["base"]
    show = partial(platform.open_pull_request, *ends, proposal.title(done), text, done.exit_code != 0) if platform else str
    url = pull_request.propose(remote, proposal.BRANCH, before, commit, previous, show)
    return became | {"commit": git.remote_head(remote, proposal.BRANCH), "url": url or None}


def _end_with(parent: int) -> None:
    """End this process with all that it has started, which is a session, once that one was killed: the next run begins anew."""
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.killpg(0, signal.SIGTERM)  # by which Git removes its locks


def _refuse_links() -> None:
    """Links are text here (core.symlinks); one that the update has changed would lead elsewhere. Raises FactoryError."""
    for line in run("git", "diff", "--cached", "--raw", "--no-renames", "HEAD").splitlines():
        about, _, path = line.partition("\t")
        if "120000" in about.split()[0] + about.split()[1]:
            raise FactoryError(f"{path}: is a symbolic link that the release would change: update this project by hand")


def _check_template(source: str) -> None:
    """Refuse another template than the one that was looked at, whatever the server has shown then. Raises FactoryError."""
    if public(preconditions.parse(git.show("HEAD", f"./{preconditions.ANSWERS}"))["_src_path"]) != source:
        raise FactoryError(f"its template is another one now, not {source}: run it again")


def _lock() -> str | None:
    """Renew uv.lock; why not, if it cannot be."""
    try:
        locking.renew()
    except (FactoryError, AttributeError, TypeError) as error:  # a table of pyproject.toml that is something else
        return f"uv.lock: was not renewed: {error}: run `uv lock` on the branch"
    return None


if __name__ == "__main__":
    try:
        answer = main()
    except (FactoryError, OSError) as error:
        answer = {"error": str(error)}
    except Exception as error:  # noqa: BLE001 # what a stranger's files make of this code is the state of that project
        answer = {"error": f"cannot be merged: {type(error).__name__}: {error}"}
    json.dump(answer, sys.stdout)
