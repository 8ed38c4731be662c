"""The pieces of a TOML file: its tables, their keys, the items of arrays."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .union_pieces import Piece, apart, item, names_of, unquoted

_TOKEN = re.compile(
    r'"""(?:\\[\s\S]|[^\\])*?"{3,5}'
    r"|'''[\s\S]*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\s\S]"
)


def parse(text: str) -> Piece:
    """The file as a tree. The text must be valid TOML."""
    document = array = table = Piece(body=[])
    before: list[str] = []
    for tokens in _statements(text):
        line = "".join(tokens).strip()
        if not line or line.startswith("#"):
            before.append(line)
            continue
        is_table = line.startswith("[")
        piece = Piece(line, [], path=_path(line)) if is_table else _entry(tokens)
        is_inside = len(piece.path) > len(array.path) and piece.path[: len(array.path)] == array.path
        outside = array if is_inside else document
        comments, piece.lead, piece.gap = apart(before)
        (outside if is_table else table).pieces.extend([*comments, piece])
        table = piece if is_table else table
        array = piece if line.startswith("[[") else array
        piece.names = {} if array is piece else {"key": str(piece.path)}
        before = []
    document.pieces.extend(apart([*before, ""])[0])
    for piece in document.pieces:  # a table of an array is known by its place and one of its values
        if not piece.names:
            piece.names = {name: f"{piece.path} {value}" for name, value in names_of(piece.pieces).items()}
    return document


def data(text: str) -> Any:
    """What the file says."""
    return tomllib.loads(text)


def renamed(base: str, ours: str, theirs: str) -> tuple[str, str, str]:
    """The releases' pyproject.toml with the name that the project gave itself, which its dependencies repeat."""
    old, own = (data(text).get("project", {}).get("name", "") for text in (base, ours))
    if old and own:
        base, theirs = (re.sub(rf'"{re.escape(old)}(?=["\[])', f'"{own}', text) for text in (base, theirs))
    return base, ours, theirs


def _statements(text: str) -> Iterator[list[str]]:
    """The tokens of each key with its value, which may be of several lines, and of each other line."""
    tokens: list[str] = []
    depth = 0
    for match in _TOKEN.finditer(text):
        tokens.append(match[0])
        depth += (match[0] in "[{") - (match[0] in "]}")
        if match[0] == "\n" and not depth:
            yield tokens
            tokens = []


def _path(text: str) -> tuple[str, ...]:
    found: Any = tomllib.loads(text)
    path = []
    while found:
        [(key, found)] = found.items()
        found = found[0] if isinstance(found, list) else found
        path.append(key)
    return tuple(path)


def _entry(tokens: list[str]) -> Piece:
    at = tokens.index("=") + 1
    while tokens[at] in " \t":
        at += 1
    values = tokens[at:]
    while not values[-1].strip() or values[-1].startswith("#"):
        values.pop()
    opening, value = "".join(tokens[:at]), "".join(values)
    piece = Piece(opening, value, "".join(tokens[at + len(values) :]).rstrip(), path=_path(opening + "0"))
    piece.raw = piece.text()
    if value.startswith("["):
        piece.flow, piece.body = True, _items(values[1:-1])
        piece.indent = next((len(line) - len(line.lstrip()) for line in value.split("\n")[1:] if line.strip(" ]")), 4)
    return piece


def _items(tokens: list[str]) -> list[Piece]:
    """The items between the brackets of an array."""
    pieces: list[Piece] = []
    lead: list[str] = []
    text, depth, gap = "", 0, 0
    for token in [*tokens, ","]:
        if depth or not (token in ",\n" or token.startswith("#")):
            depth += (token in "[{") - (token in "]}")
            text += token
            continue
        if text.strip():
            pieces.append(replace(item(text.strip(), unquoted(text.strip())), lead=tuple(lead), gap=min(gap, 2)))
            text, lead, gap = "", [], 0
        if token.startswith("#") and pieces and not gap:
            pieces[-1].close += (text or " ") + token
            text = ""
        elif token.startswith("#"):
            lead.append(token)
        elif token == "\n" and not lead:
            gap += 1
    return pieces + apart([*lead, ""])[0]
