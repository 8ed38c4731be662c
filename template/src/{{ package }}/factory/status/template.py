"""The release of the template that the project is of, against the newest."""

import os

from .. import platforms
from ..errors import CannotEvaluate, FactoryError
from ..update import vendored
from ..workspace.process import run
from . import releases
from .parts import Template
from .reasons import Reasons, long, short

NEXT = "`uv run factory update` brings the next one, once the template has a tag for it"
SECONDS = 30  # for the template's repository to answer
ALONE = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
}
"""Git asks nobody, and runs no program for an address."""


def template(reasons: Reasons) -> Template:
    """Source and release, and how many releases are newer."""
    answers = reasons.of("template", vendored.answers) or {}
    reasons.unknown.pop("template", None)
    source, release = answers.get("_src_path"), answers.get("_commit")
    for key, value in {"source": source, "release": release}.items():
        if not value:
            reasons.add(f"template.{key}", "NOT_RECORDED", f"{vendored.ANSWERS} does not name it")
    newer = reasons.of("template.newest", lambda: _newer(source, release))
    if newer is None:
        reasons.unknown["template.behind"] = reasons.unknown["template.newest"]
    newest, behind = newer or (None, None)
    return Template(source=source and long(source), release=release and short(release), newest=newest, behind=behind)


def _newer(source: str | None, release: str | None) -> tuple[str, int]:
    """The newest release, and how many there are after this one. Raises CannotEvaluate."""
    own = releases.parse(release or "")
    if not source or own is None:
        raise CannotEvaluate("NO_RELEASE", f"{release or 'what the project is of'} is not a release: {NEXT}")
    return releases.newer(own, _tags(source))


def _tags(source: str) -> list[str]:
    command = ("git", "ls-remote", "--tags", "--refs", "--", releases.git_address(source))
    try:
        lines = run(*command, env=platforms.git_env(os.environ | ALONE), seconds=SECONDS).splitlines()
    except FactoryError as error:
        raise CannotEvaluate("UNREACHABLE", f"the template cannot be asked: {error}") from error
    return [line.rpartition("refs/tags/")[2] for line in lines]
