"""What releases ask of files that are yours: done where they still hold a release's text, named until then."""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..workspace import git, migration
from .preconditions import ANSWERS

DECLINE = 'to decline one of these, add its ID to pyproject.toml: `declined = ["ID"]` below `[tool.factory]`'


@dataclass(frozen=True)
class Change:
    """What a release asks for: done once every file has `present`, none has `absent`; with neither, once all exist."""

    id: str
    release: str
    do: str
    why: str
    files: list[str]
    replace: Sequence[Mapping[str, Any]] = ()
    present: str | None = None
    absent: str | None = None

    def __str__(self) -> str:
        return f"{self.id}: {', '.join(self.left)}: {self.do}, because {self.why}"

    @property
    def left(self) -> list[str]:
        """The files that are not yet as the release wants them."""
        if self.present is None and self.absent is None:
            return [name for name in self.files if not Path(name).exists()]
        return [path.as_posix() for path in self._paths() if not self._is_done(_read(path).replace("\r\n", "\n"))]

    def _is_done(self, text: str) -> bool:
        if self.absent and re.search(self.absent, text, re.MULTILINE):
            return False
        return not self.present or bool(re.search(self.present, text, re.MULTILINE))

    def apply(self) -> list[Path]:
        """Replace a release's own text; the files that this changed."""
        return [path for path in self._paths() if self._apply(path)]

    def _apply(self, path: Path) -> bool:
        before = after = _read(path)
        for pair in self.replace:
            after = _replaced(after, **pair)
        if after != before:
            path.write_bytes(after.encode("utf-8", "surrogateescape"))
        return after != before

    def _paths(self) -> list[Path]:
        return [path for name in self.files for path in Path().glob(name) if path.is_file()]


def apply(before: str) -> list[str]:
    """Do what the releases after `before` ask for, where the text is still a release's; what was done in which file."""
    wanted = [change for change in _undone() if _version(change.release) > _version(before)]
    done = [f"{path}: done for you: {change.do}" for change in wanted for path in change.apply()]
    return [*done, *migration.migrate()]


def pending() -> list[Change]:
    """What releases since the project's first ask for, and is neither done nor declined."""
    undone = _undone()
    first = _version(_first_release()) if undone else ()
    return [*(change for change in undone if _version(change.release) > first), *_lost_schedules()]


def _undone() -> list[Change]:
    """The changes of this project's release, in their order."""
    declined = _declined()
    return [
        change
        for file in sorted(Path().glob("src/*/factory/changes.yaml"))
        for release, entries in yaml.safe_load(_text(file)).items()
        for id, entry in entries.items()
        if id not in declined and (change := Change(id, release, **entry)).left
    ]


def _lost_schedules() -> Iterator[Change]:
    """Schedules of workflows that are no longer there: a change cannot say it, as it concerns one file at a time."""
    schedules = [] if "schedules" in _declined() else sorted(Path(".github/workflows").glob("schedule-*.yaml"))
    for path in schedules:
        for name in re.findall(r"^ +uses: \./(\S+\.ya?ml)\b", _read(path), re.MULTILINE):
            if not Path(name).exists():
                why = f"it calls {name}, which is missing, and each start fails"
                yield Change("schedules", "", "delete it", why, [path.as_posix()], absent=re.escape(name))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8").replace("<package>", file.parents[1].name)


def _first_release() -> str:
    """The release that the project began with, or "" where the history lacks it."""
    found = re.search(r"^_commit: *(\S+)", git.first(ANSWERS) or "", re.MULTILINE)
    return found[1] if found else ""


def _version(name: str) -> tuple[int, ...]:
    """Of a tag, or of what `git describe` says between two; nothing of a bare commit, which is before every release."""
    found = re.match(r"v?(\d+(?:\.\d+)+)", name)
    return tuple(map(int, found[1].split("."))) if found else ()


def _declined() -> list[str]:
    try:
        project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # a conflict is being resolved
        return []
    return list(project.get("tool", {}).get("factory", {}).get("declined", []))


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _replaced(text: str, old: str, new: str, sha256: Sequence[str] = ()) -> str:
    """The text with whole lines replaced, if they are there once; the file's line ends stay."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    plain = text.replace("\r\n", "\n")
    found = list(re.finditer(f"^{old}$", plain, re.MULTILINE))
    if len(found) != 1 or plain.replace("\n", line_end) != text:
        return text
    [match] = found
    if sha256 and hashlib.sha256(match[0].encode("utf-8", "surrogateescape")).hexdigest() not in sha256:
        return text
    return (plain[: match.start()] + match.expand(new) + plain[match.end() :]).replace("\n", line_end)
