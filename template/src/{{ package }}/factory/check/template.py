"""Compare the template's files with its release."""

from collections.abc import Collection
from pathlib import Path

from .. import errors
from ..errors import FactoryError
from ..update import vendored
from ..workspace import commits, git
from .checks import Result

NAME = "template"
CODE = "TEMPLATE_EDITED"


def compare(files: Collection[Path]) -> tuple[Result | None, list[Path]]:
    """The result, or None where none of the files is the template's; and the files but for those that are as released."""
    try:
        released, accepted, edited = vendored.released(), vendored.accepted(), vendored.edited()
    except FactoryError as error:
        return Result(NAME, False, str(error)), list(files)
    others = [file for file in files if file not in released or file in accepted or file in edited]
    if not any(file in released or vendored.is_machinery(file) for file in files):
        return None, others
    release = f"release {vendored.answers().get('_commit', '')}".strip()
    if edited:
        lines = (f"{CODE}: {_problem(path, released.get(path), release)}" for path in edited)
        return Result(NAME, False, f"not as in {release}", "\n".join(lines)), others
    but = f", but for what PATCHES lists: {errors.listed(sorted(map(str, accepted)))}" if accepted else ""
    return Result(NAME, True, f"as in {release}{but}"), others


def _problem(path: Path, digest: str | None, release: str) -> str:
    accept = f"accept it with `uv run factory check --accept {path}`"
    if digest is None and path.exists():
        if path.suffix == ".patch" and path.with_suffix("").exists():
            return (
                f"{path} holds a fix that an update could not merge: make it again and accept that, or drop it; "
                "then delete the patch"
            )
        return f"{path} is not part of {release}: move it out of {path.parent}, or {accept}"
    what = f"differs from {release}" if path.exists() else f"is missing; {release} has it"
    commit = _commit(path, digest)
    return f"{path} {what}: {f'restore it with `git checkout {commit} -- {path}`, or ' if commit else ''}{accept}"


def _commit(path: Path, digest: str | None) -> str | None:
    """The newest commit with the file as released."""
    for commit in commits.of_file(path.as_posix()):
        content = git.show(commit, f"./{path.as_posix()}")
        if content is not None and digest in (None, vendored.digest(content.encode())):
            return commit
    return None
