"""What of a release has not arrived in a project, though nothing that its people did stands against it."""

import re
from collections.abc import Iterator
from pathlib import Path

from conftest import CONFIG
from pathspec import GitIgnoreSpec

from .edits import ANSWERS, PYPROJECT
from .reading import facts, text

YOURS = re.compile(r"src/[^/]+/[^/]+\.py|tests/(?!__init__\.py)[^/]+\.py|(notebooks|docs|data)/.*")
SEEDS = GitIgnoreSpec.from_lines(CONFIG["_skip_if_exists"])


def _files(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in found if not name.startswith((".git/", ".venv/"))}


def missing(old: Path, new: Path, before: Path, after: Path) -> Iterator[str]:
    """Of each file that the release changed: it is as in the release, or was edited and has the release's lines."""
    for path in sorted((_files(old) | _files(new)) - {ANSWERS}):
        if YOURS.fullmatch(path) or (SEEDS.match_file(path) and ((before / path).exists() or (old / path).exists())):
            continue
        was, shall, mine, now = (_content(folder / path) for folder in (old, new, before, after))
        if was == shall or now == shall:
            continue
        untouched = mine == was and not (was is None and now)  # a new file may hold what people changed where it came from
        if untouched or (shall is not None and not _has(new / path, old / path, after / path)):
            yield path


def _has(new: Path, old: Path, after: Path) -> bool:
    """Whether a file that people edited says what the release added."""
    read = facts if new.name == PYPROJECT else _lines
    return after.is_file() and read(new) - read(old) <= read(after)


def _content(path: Path) -> bytes | None:
    return path.read_bytes().replace(b"\r\n", b"\n") if path.is_file() else None


def _lines(path: Path) -> set[str]:
    return {line.strip() for line in text(path).splitlines()}
