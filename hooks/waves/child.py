"""Update one clone to the release and propose it: a process of its own, which may be ended. The request is JSON on stdin.

No code of the project runs: it is merged as text, and uv.lock is made apart from it.
"""

import json
import os
import re
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HOOKS = Path(__file__).resolve().parents[1]
[SOURCE] = (HOOKS.parent / "template/src").iterdir()
sys.path[:0] = [str(HOOKS), str(SOURCE)]

from factory import platforms
from factory.errors import FactoryError
from factory.platforms.base import TOKEN
from factory.update import proposal
from factory.update.update import update
from factory.workspace import git, pull_request
from factory.workspace.process import run

LOCKED = ("pyproject.toml", "uv.lock", "uv.toml")
PASSED_ON = re.compile(
    r"HOME|LANG|LC_\w+|PATH|SSL_CERT_\w+|SYSTEMROOT|TE?MP|TMPDIR|XDG_\w+|(HTTPS?|ALL|NO)_PROXY"
    r"|UV_((DEFAULT|EXTRA)_INDEX|(EXTRA_)?INDEX_URL|FIND_LINKS|HTTP_\w+|NATIVE_TLS|OFFLINE|SYSTEM_CERTS)",
    re.IGNORECASE,
)
"""What uv may know: not the passwords of indexes by their names, which the project could give to others."""
SAFE = {
    "GIT_ALLOW_PROTOCOL": "https:ssh",
    "UV_KEYRING_PROVIDER": "disabled",
    "UV_PYTHON_DOWNLOADS": "never",  # pyproject.toml may name a mirror
}


def main() -> dict[str, Any]:
    """What became of it, for the parent."""
    request = json.load(sys.stdin)
    os.chdir(request["folder"])
    before, push = str(git.commit()), request["push"]
    remote, previous = pull_request.previous(proposal.BRANCH) if push else ("", None)
    done = update(None, request["release"])
    _refuse_links()
    if not done.conflicts and (problem := _lock()):
        done = replace(done, attention=[*done.attention, problem])
    said = {"conflicts": dict(done.conflicts), "attention": list(done.attention), "pending": list(done.pending)}
    if not push:
        return said
    text = proposal.text(done, request["by"])
    commit = proposal.commit(done)
    platform = platforms.of_address(request["url"], {TOKEN: request["token"]}, request["servers"])
    ends = proposal.BRANCH, request["base"]
    show = partial(platform.open_pull_request, *ends, proposal.title(done), text, done.exit_code != 0) if platform else str
    url = pull_request.propose(remote, proposal.BRANCH, before, commit, previous, show)
    return said | {"commit": git.remote_head(remote, proposal.BRANCH), "url": url or None}


def _refuse_links() -> None:
    """Links are text here (core.symlinks); one that the update has changed would lead elsewhere. Raises FactoryError."""
    for line in run("git", "diff", "--cached", "--raw", "--no-renames", "HEAD").splitlines():
        about, _, path = line.partition("\t")
        if "120000" in about.split()[0] + about.split()[1]:
            raise FactoryError(f"{path}: is a symbolic link that the release would change: update this project by hand")


def _lock() -> str | None:
    """Renew uv.lock; why not, if it cannot be.

    uv would start the project's Python and its build backend: it gets copies of what it may read, and builds nothing.
    """
    uv = os.environ.get("UV", "uv")
    env = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)} | SAFE
    with TemporaryDirectory() as folder:
        env["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR") or run(uv, "cache", "dir", cwd=Path(folder))
        for name in filter(os.path.isfile, LOCKED):
            shutil.copy(name, folder)
        try:
            run(uv, "lock", "--quiet", "--no-build", cwd=Path(folder), env=env)
        except FactoryError as error:
            return f"uv.lock: was not renewed: {error}: run `uv lock` on the branch"
        shutil.copy(Path(folder, "uv.lock"), "uv.lock")
    return None


if __name__ == "__main__":
    try:
        answer = main()
    except (FactoryError, OSError) as error:
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout)
