"""The rules of a union: which side's piece stays, and what of both goes into one."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from .union_pieces import COMMENT, COMMENTS, Path, Piece, Triple, triples, unquoted

# What the project changed of these stays, whatever a release says.
_PROJECTS = {"build-system", "exclude-newer", "required-version"}
_INDEPENDENT = {"hooks", "repos", "schedule"}  # lists of which each item works without the others
_WIDE = 100
_LAYOUT = "layout: what you laid out anew is as the release has it"
_VARIABLE = re.compile(r"\bFACTORY_[A-Z]")  # in a release's value, which leaves it to the project's platform
_ZONE = re.compile(r"\byours\b", re.IGNORECASE)  # in a comment above what the release leaves to the project


class ConflictError(Exception):
    """The two changes contradict each other."""


class Union:
    """The union of what the project and the release made of one file, each a tree of pieces.

    `settled` has what a rule decided: a place, or a value there, of which the result may say less or more than both sides.
    With `parts`, what the project added to a table makes sense where the release removed the rest of it.
    """

    def __init__(self, sides: Sequence[Piece], parts: bool) -> None:
        self.notes: list[str] = []
        self.settled: set[tuple[Path, str | None]] = set()
        self._parts = parts
        base, ours, theirs = sides
        self._base, self._ours = Counter(base.comments), Counter(ours.comments)
        self._offered = {piece.names["requirement"]: piece for piece in theirs.walk() if "requirement" in piece.names}
        self._dynamic = any(piece.path == ("dynamic",) for piece in ours.walk())  # of which not all build backends know
        pieces = self._pieces(base, ours, theirs, ())
        self.text = replace(theirs, body=pieces, raw=None).text().removeprefix("\n") + "\n"

    def _pieces(self, base: Piece | None, ours: Piece, theirs: Piece | None, path: Path) -> list[Piece]:
        """The pieces of both sides in the release's order, each of the project's own after the one that it followed."""
        found = triples(*(side.pieces if side else [] for side in (base, ours, theirs)))
        if theirs and base and _is_reordered(found, base.pieces, ours.pieces):
            raise ConflictError
        result: list[Piece] = []
        own: dict[Piece, Piece] = {}
        partners: dict[Piece, Piece] = {}
        for b, o, t in found:
            merged = self._merged(b, o, t, path)
            if merged and t:
                result.append(merged)
            if merged and o:
                (partners if t else own)[o] = merged
        _insert(own, partners, ours.pieces, result)
        return result

    def _merged(self, b: Piece | None, o: Piece | None, t: Piece | None, path: Path) -> Piece | None:
        """What becomes of one piece, which may be missing on each side."""
        path = (*path, *next(piece.path for piece in (o, t, b) if piece))
        if any(piece and piece.is_comment for piece in (o, t)):
            return self._comment(b, o, t)
        if not o:
            return self._without_ours(b, t, path)
        lead = self._lead(b, o, t)
        if not t:
            return self._without_theirs(b, replace(o, lead=lead), path)
        return replace(self._both(b, o, t, path), gap=t.gap, lead=lead)

    def _lead(self, b: Piece | None, o: Piece, t: Piece | None) -> tuple[str, ...]:
        """The comments above a piece. One that another piece has instead is neither the project's own nor removed by it."""
        old, own, new = (piece.lead if piece else () for piece in (b, o, t))
        kept = (line for line in new if line not in old or line in own or not self._is_gone(line))
        return (*kept, *(line for line in own if line not in (*old, *new) and self._is_own(line)))

    def _comment(self, b: Piece | None, o: Piece | None, t: Piece | None) -> Piece | None:
        if t:
            return t if o or not b or not self._is_gone(t.names["comment"]) else None
        return o if o and not b and self._is_own(o.names["comment"]) else None

    def _is_own(self, line: str) -> bool:
        return self._ours[line] > self._base[line]

    def _is_gone(self, line: str) -> bool:
        return self._ours[line] < self._base[line]

    def _without_ours(self, b: Piece | None, t: Piece | None, path: Path) -> Piece | None:
        if b and (offered := self._offered.get(b.names.get("requirement", ""))) and not t:
            self._note(path, b, f"you removed it; the release's own dependencies have {offered.body}")
        if not (b and t):
            return t
        if self._parts and t.pieces and not t.flow and "key" in t.names:  # of a table, what the release added
            pieces = self._pieces(b, Piece(body=[]), t, path)
            if not all(piece.is_comment for piece in pieces):
                return replace(t, body=pieces, raw=None)
        elif b.content != t.content:
            self._note(path, t, "you removed it, and the release changed it: it stays removed")
        self._settle(path, t)
        return None

    def _without_theirs(self, b: Piece | None, o: Piece, path: Path) -> Piece | None:
        if not b:
            return o
        if o.content == b.content and (o.path or not o.lead):
            self._see_layout(b, o)
            self._drop(o, path)
            return None
        if self._parts and o.pieces and "key" in o.names:
            return self._added_to_removed(b, o, path)
        if o.pieces and not o.path and not _INDEPENDENT & {*path[-1:]}:
            raise ConflictError
        self._settle(path, o)
        if offered := self._offered.get(o.names.get("requirement", "")):
            self._note(path, o, f"stays beside the release's {offered.body}")
        elif o.path or o.pieces:
            self._note(path, o, "the release no longer has it; it stays, as you changed it")
        return o

    def _added_to_removed(self, b: Piece, o: Piece, path: Path) -> Piece | None:
        """Of a table or list that the release no longer has, what the project added."""
        noted = len(self.notes)
        pieces = self._pieces(b, o, None, path)
        if all(piece.is_comment for piece in pieces):
            self._drop(o, path)
            return None
        del self.notes[noted:]
        kept = ", ".join(" ".join(piece.text().split()) for piece in pieces)
        self._note(path, o, f"the release no longer has it; what you added stays: {kept}")
        return replace(o, body=pieces, raw=None)

    def _drop(self, o: Piece, path: Path) -> None:
        for line in o.comments:
            if self._is_own(line):
                self._note(path, o, f"the release no longer has it, and so not its comment {line}")
                self.settled.add((COMMENT, line))

    def _both(self, b: Piece | None, o: Piece, t: Piece, path: Path) -> Piece:
        is_bound = path == ("build-system",) and self._dynamic
        if o.content == t.content or (b and o.content == b.content and not is_bound):
            self._see_layout(b, o)
            return t
        strange = [line for piece in o.pieces for line in piece.comments if not self._is_own(line)]
        if b and t.content == b.content and set(strange) <= set(b.comments):
            return o
        if isinstance(o.body, str) or isinstance(t.body, str):
            return self._values(b, o, t, path)
        is_list = not any(piece.path or piece.pieces for piece in t.pieces)
        if _PROJECTS & {*path[-1:]} or (is_list and self._is_variable(b, t)):
            return self._kept(o, t, path)
        return self._lists(b, o, t, path)

    def _kept(self, o: Piece, t: Piece, path: Path) -> Piece:
        text = t.text().removeprefix(t.open).removesuffix(t.close)
        self._note(path, None, f"yours stays; the release has {' '.join(text.split())}")
        self._settle(path, t)
        self._settle(path, o)
        return o

    def _is_variable(self, b: Piece | None, t: Piece) -> bool:
        return bool(_VARIABLE.search(t.text()) and not (b and _VARIABLE.search(b.text())))

    def _lists(self, b: Piece | None, o: Piece, t: Piece, path: Path) -> Piece:
        pieces = self._pieces(b, o, t, path)
        if o.flow != t.flow:  # one on a line, the other with an item a line
            pieces = [replace(piece, open="- ", gap=max(1, piece.gap), raw=None) for piece in pieces]
            return replace(o if t.flow else t, body=pieces, raw=None)
        opening = _chosen(b, o, t, "open") or t.open
        union = replace(t, open=opening, body=pieces, close=self._close(b, o, t, path), raw=None)
        if t.flow and b and o.indent != b.indent:
            union.indent = o.indent
        if t.flow and self._parts and len(union.text()) > _WIDE:
            return replace(union, body=[replace(piece, gap=1) for piece in pieces])
        return union

    def _values(self, b: Piece | None, o: Piece, t: Piece, path: Path) -> Piece:
        """Of two values that both sides changed, or changes of what is beside the value."""
        value, close = _chosen(b, o, t, "body"), None
        if value is None:
            value = self._decided(b, o, t, path)
            self.settled.add((path, None))
            close = t.close if value is t.body else None
        if close is None:
            close = self._close(b, o, t, path)
        frame = o if isinstance(value, list) else t
        return replace(frame, open=_chosen(b, o, frame, "open") or frame.open, body=value, close=close, raw=None)

    def _close(self, b: Piece | None, o: Piece, t: Piece, path: Path) -> str:
        """The comment beside a value."""
        close = _chosen(b, o, t, "close")
        if close is not None:
            return str(close)
        if b and b.close and o.close.startswith(b.close):
            close = t.close + o.close.removeprefix(b.close)
        else:
            close = o.close
            self._note(path, None, f"your comment stays; the release has {t.close.strip() or 'none'}")
        sides = (piece.close for piece in (b, o, t) if piece)
        self.settled |= {(COMMENT, text.strip()) for text in (*sides, close)}
        return close

    def _decided(self, b: Piece | None, o: Piece, t: Piece, path: Path) -> "str | list[Piece]":
        """The value where both sides changed it, if a rule knows it."""
        if isinstance(o.body, str) and isinstance(t.body, str):
            if "@" in o.body and o.body.partition("@")[0] == t.body.partition("@")[0]:
                self._note(path, None, f"the release's {t.body} replaces your {o.body}")
                self.settled.add((COMMENT, o.close.strip()))
                return t.body
            old = unquoted(b.body) if b and isinstance(b.body, str) else ""
            parts = re.split(rf"(?<![\w.-]){re.escape(old)}(?![\w.-])", t.body) if old else []
            if b and len(parts) == 2 and re.fullmatch(r"[\w./-]+", unquoted(o.body)):
                self._note(path, None, f"your {o.body} replaces {b.body} in the release's {t.body}")
                return unquoted(o.body).join(parts)
        if {*path[:1]} & {"project"} or _PROJECTS & {*path[-1:]} or self._is_variable(b, t):
            return self._kept(o, t, path).body
        raise ConflictError

    def _see_layout(self, b: Piece | None, o: Piece) -> None:
        """Note what says the same as in the old release, laid out anew."""
        if b and o.content == b.content and o.text() != b.text() and _LAYOUT not in self.notes:
            self.notes.append(_LAYOUT)

    def _note(self, path: Path, piece: Piece | None, text: str) -> None:
        names = {} if piece is None or "key" in piece.names else piece.names
        which = [*names.values()][:1]
        self.notes.append(": ".join((".".join(path), *which, text)))

    def _settle(self, path: Path, piece: Piece) -> None:
        """Let the result say, or not say, all that is in a piece."""
        for comment in COMMENTS.findall("\n".join((*piece.lead, piece.text()))):
            self.settled.add((COMMENT, comment.strip()))
        if not piece.pieces:
            self.settled.add((path, piece.names.get("value")))
        for inner in piece.pieces:
            self._settle((*path, *inner.path), inner)


def _chosen(b: Piece | None, o: Piece, t: Piece, part: str) -> Any:
    """What one side changed, or both alike; None if each changed it differently."""
    old, own, new = (getattr(piece, part) if piece else None for piece in (b, o, t))
    return new if own in (old, new) else own if new == old else None


def _is_reordered(found: list[Triple], base: list[Piece], ours: list[Piece]) -> bool:
    """Whether the project moved steps or the like, the order of which matters."""
    kept = sorted((base.index(b), ours.index(o)) for b, o, _ in found if b and o and o.pieces and not o.path)
    return any(left > right for (_, left), (_, right) in pairwise(kept))


def _insert(own: dict[Piece, Piece], partners: dict[Piece, Piece], ours: list[Piece], result: list[Piece]) -> None:
    """Put each piece that only the project has where it belongs: after what it followed, at the end if nothing followed it."""
    zones = [i + 1 for i, piece in enumerate(result) if any(_ZONE.search(line) for line in piece.comments)]
    last: Piece | None = None
    for i, piece in enumerate(ours):
        if piece in own:
            after = next((partners[other] for other in ours[i + 1 :] if other in partners), None)
            at = len(result) if not after else result.index(last) + 1 if last else result.index(after)
            result.insert(max(at, *zones, 0), own[piece])
        last = own.get(piece) or partners.get(piece) or last
