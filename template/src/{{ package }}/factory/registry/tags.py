"""The tags model/v1, model/v2, … as Git stores them; what they say is for validity.py to judge."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ..workspace import commits, git

PREFIX = "model/v"
HEADER = re.compile(rb"object ([0-9a-f]+)\ntype commit\ntag (.+)\ntagger .* (\d{1,11}) [+-]\d{4}\n\n")
SIGNATURE = re.compile(rb"^-----BEGIN (?:SSH SIGNATURE|PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE)-----", re.MULTILINE)

NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Tag:
    """A ref, and the parts of the tag that it names; without a header where it names none, as after some CI checkouts."""

    number: int
    object: str
    header: str = ""  # the name that the tag itself has
    commit: str = ""
    at: datetime = NEVER
    content: bytes = b""  # all that a signature is of
    signature: str = ""

    @property
    def name(self) -> str:
        """The name of the ref."""
        return f"{PREFIX}{self.number}"

    @property
    def message(self) -> str:
        """The text that somebody gave it."""
        return self.content.partition(b"\n\n")[2].decode(errors="replace")


def refs() -> list[tuple[int, str]]:
    """Number and object of each version's tag here, in order."""
    return sorted(
        (int(name.removeprefix(PREFIX)), tag)
        for name, tag, _ in git.tags(f"{PREFIX}*")
        if re.fullmatch(rf"{PREFIX}[1-9]\d*", name)
    )


def read(refs: Iterable[tuple[int, str]]) -> list[Tag]:
    """The tags of these numbers and objects."""
    refs = list(refs)
    found = commits.contents([tag for _, tag in refs])
    return [_parse(number, tag, raw or b"") for (number, tag), raw in zip(refs, found, strict=True)]


def _parse(number: int, tag: str, raw: bytes) -> Tag:
    header = HEADER.match(raw)
    if header is None:
        return Tag(number, tag)
    end = max((match.start() for match in SIGNATURE.finditer(raw)), default=len(raw))  # the last, as Git reads it
    commit, name, seconds = (part.decode(errors="replace") for part in header.groups())
    at = datetime.fromtimestamp(int(seconds), UTC)
    return Tag(number, tag, name, commit, at, raw[:end], raw[end:].decode(errors="replace"))
