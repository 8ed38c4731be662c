"""A text as a tree of pieces (keys, items, comments), each with its own text, so that what is moved keeps its text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

_REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)(\[[^\]]*\])?\s*[<>=!~;@ ].*")
COMMENTS = re.compile(r"(?:^|(?<=\s))#.*", re.MULTILINE)
COMMENT = ("#",)  # the place of comments
_QUOTED = re.compile(r"""(["'])[^"'\\\n]*\1""")
_OF_ITEMS = ("id", "name", "repo", "uses", "stage", "job", "deployment", "module", "template", "task", "displayName")
_OF_OTHERS = ("package-ecosystem", "run", "script", "if", "sole")
_NAMES = ("content", "key", "value", "comment", *_OF_ITEMS, *_OF_OTHERS, "requirement")  # the most specific first

Path = tuple[str, ...]


@dataclass(eq=False)
class Piece:
    """A key with its value, a list's item, a table or a line; or a comment that belongs to none of them.

    Its own text is what opens it, its value or the pieces in it, and what closes it. `raw` is exactly this text as it was
    written, until a merge changes it. The lines of `lead` are the comments right above, `gap` the line breaks before.
    """

    open: str = ""
    body: "str | list[Piece]" = ""
    close: str = ""
    names: dict[str, str] = field(default_factory=dict)
    path: Path = ()
    lead: tuple[str, ...] = ()
    gap: int = 1
    indent: int = 0
    flow: bool = False
    raw: str | None = None

    @property
    def pieces(self) -> "list[Piece]":
        """The pieces in it."""
        return self.body if isinstance(self.body, list) else []

    @property
    def is_comment(self) -> bool:
        """Whether it is a comment that belongs to no other piece."""
        return "comment" in self.names

    @cached_property
    def content(self) -> tuple[object, ...]:
        """What it says, however it is laid out."""
        inner = self.body if isinstance(self.body, str) else tuple((*piece.lead, piece.content) for piece in self.body)
        if isinstance(inner, str) and _QUOTED.fullmatch(inner):
            inner = f'"{inner[1:-1]}"'
        elif isinstance(inner, str) and inner.startswith("{"):
            inner = re.sub(r"\s", "", inner).replace("'", '"')
        return (re.sub(r"[\s\"'-]", "", self.open), inner, self.close.strip())

    @cached_property
    def comments(self) -> list[str]:
        """The lines of comment in it and right above it."""
        own = [self.names["comment"]] if self.is_comment else []
        return [*self.lead, *own, *(comment for piece in self.pieces for comment in piece.comments)]

    def walk(self) -> "Iterator[Piece]":
        """It and all pieces in it."""
        yield self
        for piece in self.pieces:
            yield from piece.walk()

    def text(self) -> str:
        """Its own text."""
        if self.raw is not None:
            return self.raw
        if isinstance(self.body, str):
            return self.open + self.body + self.close
        return self.open + (self._flow() if self.flow else self._block()) + self.close

    def _block(self) -> str:
        text = ""
        for piece in self.pieces:
            lines = indented("\n".join((*piece.lead, piece.text())), self.indent)
            beside = self.open == "-" and not text and not piece.lead
            text += lines[1:] if beside else "\n" * max(1, piece.gap) + lines
        return text

    def _flow(self) -> str:
        """Its items on one line, or each on its own if one of them has a comment or is there already."""
        if not any(piece.gap or piece.lead or piece.close for piece in self.pieces):
            return "[" + ", ".join(str(piece.body) for piece in self.pieces) + "]"
        lines = ["["]
        for piece in self.pieces:
            comma = "" if piece.is_comment else ","
            rows = (*[""] * (piece.gap - 1), *piece.lead, f"{piece.body}{comma}{piece.close}")
            lines += [row and " " * self.indent + row for row in rows]
        return "\n".join([*lines, "]"])


Triple = tuple[Piece | None, Piece | None, Piece | None]


def apart(lines: list[str]) -> tuple[list[Piece], tuple[str, ...], int]:
    """Of the lines before a piece: comments with an empty line below, those right above it, the line breaks before these."""
    pieces: list[Piece] = []
    lead: list[str] = []
    gap = breaks = 1
    for line in lines:
        if line and not lead:
            gap = breaks
        if line:
            lead.append(line)
        else:
            pieces += [Piece(body=row, names={"comment": row}, gap=1, raw=row) for row in lead]
            if lead:
                pieces[-len(lead)].gap = gap
            breaks = 2 if lead else breaks + 1
            lead = []
    return pieces, tuple(lead), gap if lead else breaks


def item(text: str, value: str) -> Piece:
    """A list's item that is a single value."""
    names = {"value": value}
    if match := _REQUIREMENT.fullmatch(value):
        names["requirement"] = re.sub(r"[-_.]+", "-", match[1]).lower()
    return Piece(body=text, names=names)


def unquoted(value: str) -> str:
    """The value without its quotes."""
    return value.strip("\"' ")


def names_of(pieces: list[Piece]) -> dict[str, str]:
    """What identifies a mapping in a list: the values of its `id`, `name` and the like."""
    known = {piece.path[0]: piece for piece in pieces if len(piece.path) == 1 and piece.path[0] in _NAMES}
    names = {name: unquoted(_first(piece)).partition("@")[0] for name, piece in known.items()}
    return names or ({"sole": pieces[0].path[0]} if len(pieces) == 1 and pieces[0].path else {})


def _first(piece: Piece) -> str:
    return piece.body if isinstance(piece.body, str) else _first(piece.body[0]) if piece.body else ""


def triples(base: list[Piece], ours: list[Piece], theirs: list[Piece]) -> list[Triple]:
    """The same piece on each side, None where it is missing: those of `theirs` in their order, then the others."""
    in_ours, in_theirs, added = _pairs(base, ours), _pairs(base, theirs), _pairs(theirs, ours)
    in_base = {side: b for found in (in_ours, in_theirs) for b, side in found.items()}
    result: list[Triple] = []
    for t in theirs:
        b, o = in_base.get(t), added.get(t)
        o = in_ours.get(b) if b else o if o not in in_base else None
        if o and "requirement" in t.names and o.body not in (t.body, b and b.body) and not (b and b.body == t.body):
            b = o = None  # two bounds of one package hold beside each other
        result.append((b, o, t))
    used = {piece for triple in result for piece in triple}
    result += [(in_base.get(o), o, None) for o in ours if o not in used]
    return result + [(b, None, None) for b in base if b not in in_ours and b not in in_theirs]


def _pairs(left: list[Piece], right: list[Piece]) -> dict[Piece, Piece]:
    """Which piece of `left` is which of `right`, by the most specific name that both have."""
    found: dict[Piece, Piece] = {}
    free = list(right)
    for name in _NAMES:
        for piece in left:
            match = next((other for other in free if piece not in found and _is_same(piece, other, name)), None)
            if match:
                found[piece] = match
                free.remove(match)
    return found


def _is_same(left: Piece, right: Piece, name: str) -> bool:
    if left.is_comment or right.is_comment or name == "content":
        return left.is_comment == right.is_comment and (left.path, left.content) == (right.path, right.content)
    return left.path[:-1] == right.path[:-1] and left.names.get(name, 0) == right.names.get(name, 1)


def indented(text: str, by: int) -> str:
    """The text with each line that is not empty moved to the right."""
    return "\n".join(" " * by + line if line else line for line in text.split("\n"))
