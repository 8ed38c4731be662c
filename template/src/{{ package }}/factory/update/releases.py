"""The two releases between which an update leads, rendered by Copier for the project's answers."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .. import platforms
from ..errors import FactoryError
from ..workspace import git
from ..workspace.process import run
from . import preconditions
from .preconditions import ANSWERS

COPIER = "copier>=9.19,<9.20"  # private interfaces are used: see copier_internals.py
WAIT = timedelta(days=7)  # as for other packages: by then broken releases are usually withdrawn
RENDERER = Path(__file__).with_name("copier_internals.py")
RENDERING = {
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "status.showUntrackedFiles": "normal",
}
"""Git's settings with which Copier gets the template as it is."""
NOBODY = {f"GIT_{who}_{what}": "factory" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@dataclass(frozen=True)
class Releases:
    """The names of both releases, and folders with their files as an update sees them.

    That is without the person's files, and with seeds as the older release has them.
    """

    before: str
    after: str
    old: Path
    new: Path

    def commit(self) -> tuple[str, str]:
        """Both as commits of this repository but of no branch, the newer one after the older."""
        old = _commit(self.old, f"Release {self.before} of the template")
        return old, _commit(self.new, f"Update the template to {self.after}", "-p", old)


@contextmanager
def render(answers: dict[str, Any], release: str | None, data: Mapping[str, str]) -> Iterator[Releases]:
    """Render the project's release and the newer one for the same answers, but for `data`. Raises FactoryError."""
    with TemporaryDirectory() as folder:
        prefix = run("git", "rev-parse", "--show-prefix")
        old, new = (Path(folder, name, prefix) for name in ("old", "new"))
        names = _run_copier(
            source=answers["_src_path"],
            release=release,
            answers=answers,
            then=preconditions.answers_of_release(answers),
            data=dict(data),
            folders={"old": str(old), "new": str(new)},
        )
        preconditions.check_answers(answers, preconditions.parse((new / ANSWERS).read_text(encoding="utf-8")), data)
        preconditions.check_package(new)
        (old / ANSWERS).write_text(
            git.show("HEAD", f"./{ANSWERS}") or "", encoding="utf-8", newline="\n"
        )  # Copier's file
        yield Releases(names["before"], names["after"], old, new)


@contextmanager
def render_fresh(answers: dict[str, Any]) -> Iterator[Path]:
    """What a project gets that begins with this one's release. Raises FactoryError."""
    with TemporaryDirectory() as folder:
        fresh = Path(folder, "fresh")
        release = answers["_commit"]
        _run_copier(source=answers["_src_path"], release=release, answers=answers, folders={"fresh": str(fresh)})
        yield fresh


def _run_copier(**request: Any) -> dict[str, str]:
    age = f"--exclude-newer={datetime.now(UTC) - WAIT:%Y-%m-%d}"  # `uv tool` ignores the one in pyproject.toml
    command = (
        os.environ.get("UV", "uv"),
        "tool",
        "run",
        "--quiet",
        age,
        "--from",
        COPIER,
        "python",
        "-I",
        str(RENDERER),
    )
    env = platforms.with_git_config(RENDERING, platforms.git_env())
    answer: dict[str, str] = json.loads(run(*command, env=env, stdin=json.dumps(request)))
    if "error" in answer:
        raise FactoryError(f"nothing was changed: {answer['error']}")
    return answer


def _commit(folder: Path, message: str, *parent: str) -> str:
    prefix = run("git", "rev-parse", "--show-prefix")
    top = str(folder).removesuffix(prefix.rstrip("/"))
    where = {"GIT_DIR": run("git", "rev-parse", "--absolute-git-dir"), "GIT_WORK_TREE": top}
    with TemporaryDirectory() as temporary:
        env = os.environ | where | NOBODY | {"GIT_INDEX_FILE": f"{temporary}/index"}
        run("git", "add", "--all", "--force", ".", cwd=folder, env=env)
        tree = run("git", "write-tree", env=env)
        return run("git", "commit-tree", tree, *parent, "-m", message, env=env)
