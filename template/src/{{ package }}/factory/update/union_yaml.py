"""The pieces of a YAML file: its keys and the items of its lists."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .union_pieces import Piece, apart, item, names_of


def parse(text: str) -> Piece:
    """The file as a tree. The text must be one valid YAML document, a mapping or a list."""
    node = YAML(typ="safe", pure=True).compose(text)
    lines = text.removesuffix("\n").split("\n")
    begin = next((i + 1 for i, line in enumerate(lines) if line.startswith("---")), 0)
    return Piece("\n".join(lines[:begin]), _Reader(lines).pieces(node, begin, len(lines)))


def data(text: str) -> Any:
    """What the file says. Raises for a key that is there twice."""
    return YAML().load(text)


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def pieces(self, node: Node, begin: int, stop: int) -> list[Piece]:
        """The keys or items of a node, which has the lines from `begin` to `stop`."""
        if isinstance(node, MappingNode) and not node.flow_style:
            rows = [key.start_mark.line for key, _ in node.value]
            column = node.value[0][0].start_mark.column
        elif isinstance(node, SequenceNode) and not node.flow_style:
            column = self._margin(next(row for row in range(begin, stop) if self.lines[row].lstrip().startswith("-")))
            dash = re.compile(" " * column + r"-(\s|$)")
            rows = [row for row in range(begin, stop) if dash.match(self.lines[row])]
        else:
            raise ValueError("neither a mapping nor a list")
        found: list[Piece] = []
        for value, (before, row, end) in zip(node.value, self._spans(rows, column, begin, stop), strict=True):
            comments, lead, gap = apart(before)
            piece = self._item(value, row, end, column) if isinstance(value, Node) else self._key(value, row, end)
            piece.lead, piece.gap = lead, gap
            found += [*comments, piece]
            begin = end
        return found + apart([line.strip() for line in self.lines[begin:stop]] + [""])[0]

    def _spans(self, rows: list[int], column: int, begin: int, stop: int) -> Iterator[tuple[list[str], int, int]]:
        """For each piece: the lines of comment before it, its first line and the line after its last."""
        for row, end in zip(rows, [*rows[1:], stop], strict=True):
            while end > row + 1 and self._is_between(self.lines[end - 1], column):
                end -= 1
            yield [line.strip() for line in self.lines[begin:row]], row, end
            begin = end

    def _is_between(self, line: str, column: int) -> bool:
        text = line.strip()
        return not text or (text.startswith("#") and len(line) - len(line.lstrip()) <= column)

    def _margin(self, row: int) -> int:
        return len(self.lines[row]) - len(self.lines[row].lstrip())

    def _cut(self, row: int, column: int, end: int, margin: int) -> str:
        """The text from a place to the line `end`, moved to the left."""
        rest = (line[margin:] if line[:margin].strip() == "" else line for line in self.lines[row + 1 : end])
        return "\n".join((self.lines[row][column:], *rest)).rstrip("\n")

    def _key(self, pair: tuple[Node, Node], row: int, end: int) -> Piece:
        key, value = pair
        margin = key.start_mark.column
        if not isinstance(key, ScalarNode) or self.lines[row][margin:].startswith("?"):
            raise ValueError("a key that is not a word")
        piece = self._value(value, row, end, margin, key.end_mark)
        piece.path, piece.names = (key.value,), {"key": key.value}
        return piece

    def _item(self, value: Node, row: int, end: int, margin: int) -> Piece:
        if isinstance(value, MappingNode) and not value.flow_style and value.start_mark.line >= row:
            first = value.value[0][0].start_mark
            begin = row if first.line == row else row + 1
            inner = self.pieces(value, begin, end)
            text = self._cut(row, margin, end, margin)
            return Piece("-", inner, names=names_of(inner), indent=first.column - margin, raw=text)
        text = self._cut(row, margin + 1, end, margin).lstrip()
        if isinstance(value, ScalarNode) and value.start_mark.line == value.end_mark.line == row:
            close = self.lines[row][value.end_mark.column :]
            piece = replace(item(text[: len(text) - len(close)], value.value), open="- ", close=close)
        else:
            piece = replace(item(text, text), open="- ")
        piece.raw = piece.text()
        return piece

    def _value(self, value: Node, row: int, end: int, margin: int, after: Any) -> Piece:
        text = self._cut(row, margin, end, margin)
        start, stop = value.start_mark, value.end_mark
        is_alias = (start.line, start.column) < (after.line, after.column)
        if isinstance(value, (MappingNode, SequenceNode)) and not value.flow_style and value.value and not is_alias:
            inner = self.pieces(value, row + 1, end)
            first = next(i for i in range(row + 1, end) if not self._is_between(self.lines[i], 10**9))
            opening = self.lines[row][margin:]
            return Piece(opening, inner, indent=self._margin(first) - margin, raw=text)
        at = self.lines[row].index(":", after.column) + 1
        at += len(self.lines[row][at:]) - len(self.lines[row][at:].lstrip())
        opening, rest = self.lines[row][margin:at], text[at - margin :]
        on_line = not is_alias and start.line == stop.line == row and stop.column > at
        close = self.lines[row][stop.column :] if on_line else ""
        piece = Piece(opening, rest[: len(rest) - len(close)], close, raw=text)
        if on_line and isinstance(value, SequenceNode) and value.value and text.count("\n") == 0:
            piece.flow, piece.body = True, [self._flow_item(child, row) for child in value.value]
        return piece

    def _flow_item(self, node: Node, row: int) -> Piece:
        text = self.lines[row][node.start_mark.column : node.end_mark.column]
        return replace(item(text, node.value if isinstance(node, ScalarNode) else text), gap=0)
