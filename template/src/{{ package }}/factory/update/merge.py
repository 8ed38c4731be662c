"""The release's changes in the project's files: Git merges them, and what it cannot is settled by the kind of file."""

import ast
import difflib
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml.error import YAMLError

from ..errors import FactoryError
from ..platforms import with_git_config
from ..workspace import git, migration
from ..workspace.process import GIT_SETTINGS, run
from . import union, union_yaml, vendored
from .releases import Releases

MACHINERY = re.compile(r"src/[^/]+/factory/|tests/factory/")
PARSERS: dict[str, Callable[[str], Any]] = {
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".yaml": union_yaml.data,
    ".yml": union_yaml.data,
}
BETWEEN = "\x01"  # a line that no text has
SHARED = ("pyproject.toml", ".gitignore")  # which are never the project's alone
BOTH = "has your changes and the release's"
COMMON = 0.5  # of the lines; a file that shares fewer with its release is the project's own


@dataclass
class Outcome:
    """What became of files that both sides have changed, a line for each."""

    conflicts: dict[str, str] = field(default_factory=dict)  # by file
    attention: dict[str, str] = field(default_factory=dict)  # by file
    done: list[str] = field(default_factory=list)
    own: list[Path] = field(default_factory=list)  # what the project has in place of the release's files


def merge(releases: Releases) -> Outcome:
    """Merge what lies between the releases into the project's files, and settle what Git cannot. Raises FactoryError."""
    outcome = Outcome()
    aside = _set_aside(releases, outcome)
    old, new = releases.commit()
    edited, changed = git.differing(old, "HEAD"), git.differing(old, new)
    if changed:
        try:
            run("git", "cherry-pick", "--no-commit", "--strategy-option=find-renames=60%", new)
        except FactoryError:
            if not git.unmerged():
                raise
    conflicts = git.unmerged()
    for path, blobs in sorted(conflicts.items()):
        _settle(path, blobs, outcome)
    for path in sorted(edited & changed - conflicts.keys()):
        _review(path, releases, outcome)
    for path, content in aside.items():
        _put_beside(path, content, outcome)
    return outcome


def _set_aside(releases: Releases, outcome: Outcome) -> dict[str, bytes]:
    """Take from the releases what is the project's own: a new file, what is not a file any more, or what it calls its own."""
    aside = {}
    owned = {path for path, what in vendored.accepted().items() if what == vendored.OWN}
    for file in [file for file in releases.new.rglob("*") if file.is_file()]:
        path = file.relative_to(releases.new)
        old = releases.old / path
        added = not old.exists() and path.is_file() and path.read_bytes() != file.read_bytes()
        replaced = os.path.lexists(path) and (path.is_symlink() or not path.is_file())
        blocked = [str(folder) for folder in path.parents if folder.is_symlink() or folder.is_file()]
        if blocked or replaced or ((added or path in owned) and not MACHINERY.match(path.as_posix())):
            is_changed = not old.exists() or old.read_bytes() != file.read_bytes()
            if is_changed and blocked:
                outcome.attention[str(path)] = f"{blocked[0]} is not a folder in the project: not delivered"
            elif is_changed:
                aside[path.as_posix()] = file.read_bytes()
            file.unlink()
            old.unlink(missing_ok=True)
    return aside


def _settle(path: str, blobs: Mapping[int, str], outcome: Outcome) -> None:
    """What becomes of a file with a conflict, by what Git has of it (see `git.unmerged`)."""
    if 2 not in blobs:
        if 1 not in blobs:  # both have moved it, the release to here
            _take(path, blobs)
            return
        run("git", "rm", "--cached", "--quiet", "--", path)
        Path(path).unlink(missing_ok=True)
        if 3 in blobs and vendored.accepted().get(Path(path)) != vendored.MISSING:
            outcome.attention[path] = (
                "you deleted or moved it, and the release changed it: not delivered; nothing to do if you meant it"
            )
    elif blobs.keys() == {2}:
        run("git", "add", "--", path)
        outcome.attention[path] = "you moved it here and the release to another place: keep one of them"
    elif MACHINERY.match(path):
        _settle_machinery(path, blobs, outcome)
    elif 3 not in blobs:
        run("git", "add", "--", path)
        outcome.attention[path] = "kept, as it was edited since generation; the template no longer has it"
    elif _is_own(path, blobs):
        run("git", "checkout", "--quiet", "--ours", "--", path)
        run("git", "add", "--", path)
        _put_beside(path, _content(blobs[3]), outcome)
    elif not _unite(path, [_text(blobs[stage]) if stage in blobs else "" for stage in (1, 2, 3)], outcome):
        outcome.conflicts[path] = "conflict: edit the marked lines"


def _unite(path: str, texts: Sequence[str], outcome: Outcome) -> bool:
    """Whether both changes go together by the file's format; then they are in it.

    The texts are the older release's, the project's and the newer release's.
    """
    merged = _both_added(texts) if path.endswith(".py") else union.merge(path, *texts)
    if merged is None and Path(path).suffix not in (".py", *PARSERS):
        merged = _neighbours(texts)
    if merged is None:
        return False
    _write(Path(path), merged.text)
    run("git", "add", "--", path)
    notes = (note.encode("utf-8", "replace").decode() for note in merged.notes)
    outcome.done += [f"{path}: {BOTH}", *(f"{path}: {note}" for note in notes)]
    return True


def _neighbours(texts: Sequence[str]) -> union.Merged | None:
    """The merge where a changed line next to one that the other side changed does not conflict."""
    merged, conflicts = _merge_lines([text.replace("\n", f"\n{BETWEEN}\n") for text in texts])
    return None if conflicts else union.Merged(merged.replace(f"{BETWEEN}\n", ""), [])


def _both_added(texts: Sequence[str]) -> union.Merged | None:
    """The union of Python modules where both sides added to the same place; the release's lines come first."""
    hunk = r"^<{7} .*\n((?:.*\n)*?)\|{7} .*\n={7}\n((?:.*\n)*?)>{7} .*\n"  # with nothing between | and =
    text = re.sub(hunk, r"\2\1", _merge_lines(texts, "--diff3")[0], flags=re.MULTILINE)
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    is_marked = re.search(r"^<{7} ", text, flags=re.MULTILINE)  # in a docstring
    return None if is_marked else union.Merged(text, [])


def _settle_machinery(path: str, blobs: Mapping[int, str], outcome: Outcome) -> None:
    """The release's file comes, and the person's change goes where the code has gone, or into a patch."""
    place = migration.new_place(path)
    moved = f"has moved to {place}, which " if place else ""
    if place and _carry(blobs, Path(place)):
        outcome.done.append(f"{path}: has moved to {place}, which has your change")
    elif place or 3 in blobs:
        patch = Path(f"{place or path}.patch")
        _write(patch, _diff(blobs, place or path))
        run("git", "add", "--force", "--", str(patch))
        outcome.attention[path] = (
            f"{moved}is as released, because your fix conflicts with it; your fix is in {patch}: "
            "make it again if it is still needed, then delete the patch"
        )
    else:
        run("git", "add", "--", path)
        outcome.attention[path] = "kept, as it was edited since generation; the template no longer has it"
        return
    _take(path, blobs)


def _carry(blobs: Mapping[int, str], place: Path) -> bool:
    """Make the person's change in the file that now holds the content, unless it conflicts with the release's."""
    if not place.is_file() or 1 not in blobs:
        return False
    merged, conflicts = _merge_lines([_text(blobs[1]), _text(blobs[2]), place.read_text(encoding="utf-8")])
    if conflicts:
        return False
    _write(place, merged)
    run("git", "add", "--", str(place))
    return True


def _merge_lines(texts: Sequence[str], *options: str) -> tuple[str, int]:
    """The merge of an older text and what two sides made of it, and how many conflicts are marked in it."""
    with TemporaryDirectory() as folder:
        base, ours, theirs = (Path(folder, name) for name in ("base", "ours", "theirs"))
        for file, text in zip((base, ours, theirs), texts, strict=True):
            _write(file, text.replace("\r\n", "\n"))
        command = ("git", "merge-file", "--stdout", "--quiet", *options, *map(str, (ours, base, theirs)))
        done = subprocess.run(command, capture_output=True, check=False)
    return _decoded(done.stdout), done.returncode


def _diff(blobs: Mapping[int, str], path: str) -> str:
    """The person's change of the file as a patch."""
    before = blobs.get(1) or run("git", "hash-object", "-w", "--stdin")
    diff = _decoded(_git("diff", "--no-ext-diff", "--no-textconv", before, blobs[2]))
    return diff.replace(f"a/{before}", f"a/{path}").replace(f"b/{blobs[2]}", f"b/{path}")


def _take(path: str, blobs: Mapping[int, str]) -> None:
    """The release's file, if it has one."""
    if 3 in blobs:
        Path(path).write_bytes(_content(blobs[3]))
        run("git", "add", "--", path)
    else:
        run("git", "rm", "--quiet", "--force", "--", path)


def _is_own(path: str, blobs: Mapping[int, str]) -> bool:
    """Whether the file has little in common with the older release's, or no lines."""
    if path in SHARED:
        return False
    base, ours = (_text(blobs[stage]) if stage in blobs else "" for stage in (1, 2))
    if "\0" in ours + base:
        return True
    return difflib.SequenceMatcher(None, base.splitlines(), ours.splitlines(), autojunk=False).ratio() < COMMON


def _review(path: str, releases: Releases, outcome: Outcome) -> None:
    """Report what Git has merged without a conflict; what then cannot be read any more stays as the project has it."""
    here, new = Path(path), releases.new / path
    if not here.exists():
        if new.exists():
            outcome.done.append(f"{path}: the release's changes are in the file that you moved it to")
        elif git.show("HEAD", f"./{path}") is not None:
            outcome.done.append(f"{path}: your changes are in the file that the release moved it to")
    elif not new.exists():
        return
    elif not _parses(path, here.read_text(encoding="utf-8", errors="replace")):
        _repair(path, releases, outcome)
    elif here.read_bytes() != new.read_bytes():
        outcome.done.append(f"{path}: {BOTH}")


def _repair(path: str, releases: Releases, outcome: Outcome) -> None:
    """Merge by the format what Git has merged by lines into something that cannot be read, or leave it as it was."""
    ours = _decoded(_git("show", f"HEAD:./{path}"))
    if not _parses(path, ours):
        return
    base, theirs = ((folder / path).read_text(encoding="utf-8") for folder in (releases.old, releases.new))
    if not _unite(path, [base, ours, theirs], outcome):
        run("git", "checkout", "--quiet", "HEAD", "--", path)
        beside = _beside(path, theirs.encode())
        outcome.conflicts[path] = f"is as it was, as the merged file could not be read: take over {beside}"


def _parses(path: str, text: str) -> bool:
    try:
        PARSERS.get(Path(path).suffix, str)(text)
    except (ValueError, YAMLError):
        return False
    return True


def _put_beside(path: str, content: bytes, outcome: Outcome) -> None:
    """The release's version of a file that is the project's own."""
    beside = _beside(path, content)
    outcome.own.append(Path(path))
    outcome.attention[path] = (
        f"is yours and stays; the release's version is {beside}: copy what you need, then delete {beside}"
    )


def _beside(path: str, content: bytes) -> str:
    Path(f"{path}.factory").write_bytes(content)
    run("git", "add", "--force", "--", f"{path}.factory")
    return f"{path}.factory"


def _text(blob: str) -> str:
    return _decoded(_content(blob))


def _content(blob: str) -> bytes:
    return _git("cat-file", "blob", blob)


def _git(*command: str) -> bytes:
    return subprocess.run(("git", *command), env=with_git_config(GIT_SETTINGS), capture_output=True, check=True).stdout


def _decoded(content: bytes) -> str:
    """The text with its line ends, and with what is not UTF-8, which `_write` writes back."""
    return content.decode("utf-8", "surrogateescape")


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")
