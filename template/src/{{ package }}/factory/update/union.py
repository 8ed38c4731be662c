"""The union of two changes of a file: what the project changed, and what a release did. Pure functions: no file is read.

Accepted only if the result is valid and says all that both sides added, and nothing that one of them removed.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml.error import YAMLError

from . import union_toml, union_yaml
from .union_pieces import COMMENT, COMMENTS, Path, Piece, item
from .union_rules import ConflictError, Union

_LINE_FILES = re.compile(r"\.(git|docker|dvc)?ignore|\.gitattributes|CODEOWNERS|(requirements|constraints|apt).*\.txt")

_LABELS = ("id", "name", "repo", "uses")

Fact = tuple[Path, str, Path]  # place, value, and the names of the items that it is in


@dataclass(frozen=True)
class Merged:
    """The text of the union, and what a person should know of it, in a line each."""

    text: str
    notes: list[str]


def merge(path: str, base: str, ours: str, theirs: str) -> Merged | None:
    """The release's file with the project's changes; None if they contradict each other, or for another kind of file.

    `base` is as the old release rendered it, `ours` the project's, `theirs` as the new release renders it.
    """
    plain = _plain(base), _plain(ours), _plain(theirs)
    if plain[1] in (plain[0], plain[2]):
        return Merged(_laid_out(plain[2], base, ours, theirs), [])
    if base == theirs:
        return Merged(ours, [])
    name = PurePosixPath(path).name
    try:
        if name == "pyproject.toml":
            plain = union_toml.renamed(*plain)
        if name.endswith(".toml"):
            merged = _union(plain, union_toml.parse, union_toml.data, parts=True)
        elif name.endswith((".yaml", ".yml")):
            merged = _union(plain, union_yaml.parse, union_yaml.data)
        elif _LINE_FILES.fullmatch(name):
            merged = _union(plain, _lines, _filled)
        else:
            return None
    except (ConflictError, ValueError, YAMLError):
        return None
    return Merged(_laid_out(merged.text, base, ours, theirs), merged.notes)


def _union(
    sides: tuple[str, str, str], parse: Callable[[str], Piece], data: Callable[[str], Any], parts: bool = False
) -> Merged:
    base, ours, theirs = (_said(side, data) for side in sides)
    union = Union([parse(side) for side in sides], parts)
    if any(not _is_settled(fact, union) for fact in _amiss(base, ours, theirs, _said(union.text, data))):
        raise ConflictError
    return Merged(union.text, union.notes)


def _is_settled(fact: Fact, union: Union) -> bool:
    path, value, _ = fact
    return any(path[: len(place)] == place and known in (None, value) for place, known in union.settled)


def _said(text: str, data: Callable[[str], Any]) -> Counter[Fact]:
    """What a text says, each with its place, and the comments."""
    comments = ((COMMENT, comment.strip(), ()) for comment in COMMENTS.findall(text))
    return Counter([*_facts(data(text)), *comments])


def _facts(value: Any, path: Path = (), items: Path = ()) -> Iterator[Fact]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _facts(inner, (*path, str(key)), items)
    elif isinstance(value, list):
        for inner in value:
            names = [
                str(inner[name]).partition("@")[0] for name in _LABELS if isinstance(inner, dict) and name in inner
            ]
            yield from _facts(inner, path, (*items, *names[:1]))
    else:
        yield path, str(value), items


def _amiss(base: Counter[Fact], ours: Counter[Fact], theirs: Counter[Fact], result: Counter[Fact]) -> Iterator[Fact]:
    """What the result says too rarely or too often. Both sides may have made the same change, or each one of its own."""
    for fact in base | ours | theirs | result:
        few, many = sorted((ours[fact] - base[fact], theirs[fact] - base[fact]))
        least = base[fact] + (many if few >= 0 else few + many)
        most = base[fact] + (few if many <= 0 else few + many)
        if not least <= result[fact] <= most:
            yield fact


def _lines(text: str) -> Piece:
    pieces: list[Piece] = []
    gap = 1
    for line in text.split("\n"):
        if line.strip():
            pieces.append(replace(item(line, line), gap=gap))
        gap = 1 if line.strip() else gap + 1
    return Piece(body=pieces)


def _filled(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _plain(text: str) -> str:
    """Without the mark of UTF-8 and the line ends of Windows; with a line end at the end."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").rstrip("\n") + "\n"


def _laid_out(text: str, base: str, ours: str, theirs: str) -> str:
    """The text with the project's mark of UTF-8 and line ends, and an end like that of the side which changed it."""
    end = ours if ours.endswith("\n") != base.endswith("\n") else theirs
    text = text if end.endswith("\n") else text.rstrip("\n")
    text = text.replace("\n", "\r\n") if "\r\n" in ours else text
    return "\ufeff" * ours.startswith("\ufeff") + text
