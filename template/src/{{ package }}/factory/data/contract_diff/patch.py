"""A contract's source, edited where its syntax tree says, so that the rest stays byte for byte."""

import ast
import difflib
from collections import defaultdict
from datetime import date, datetime
from keyword import iskeyword

import dataframely as dy

from ...errors import FactoryError

Node = ast.expr | ast.stmt | ast.keyword


class Source:
    """The bytes of contract.py, where its columns stand in it, and the edits that are to be made."""

    def __init__(self, content: bytes, classes: list[str]) -> None:
        self.content = content
        self.tree = ast.parse(content)
        self.newline = "\r\n" if b"\r\n" in content else "\n"
        bare = content.removeprefix(b"\xef\xbb\xbf")
        self._starts = [len(content) - len(bare)]
        self._starts += [len(content) - len(bare) + at + 1 for at, byte in enumerate(bare) if byte == 0x0A]
        self._edits: list[tuple[int, int, str]] = []
        self._keywords: dict[ast.Call, dict[str, str]] = defaultdict(dict)
        self._items: dict[ast.expr, list[str]] = defaultdict(list)
        self.classes = [
            node for name in classes for node in self.tree.body if isinstance(node, ast.ClassDef) and node.name == name
        ]

    def column(self, name: str) -> tuple[ast.Assign | ast.AnnAssign, ast.Call] | None:
        """The statement and the call that declare a column."""
        for statement in (statement for found in self.classes for statement in found.body):
            call = getattr(statement, "value", None)
            if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(call, ast.Call):
                alias = keyword(call, "alias")
                declared = getattr(alias.value, "value", None) if alias else target(statement)
                if declared == name:
                    return statement, call
        return None

    def constant(self, name: str) -> ast.expr | None:
        """What a name is bound to, once, in the module."""
        bound = [node for node in self.tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        values = [node.value for node in bound if target(node) == name]
        return values[0] if len(values) == 1 else None

    def span(self, node: Node) -> tuple[int, int]:
        """Where the node begins and ends, in bytes."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def text(self, node: Node) -> str:
        """The node as it is written."""
        start, end = self.span(node)
        return self.content[start:end].decode()

    def replace(self, node: Node, text: str) -> None:
        """Write something else in the place of the node."""
        self._edits.append((*self.span(node), text))

    def append(self, text: str) -> None:
        """Write a part at the end of the file."""
        gap = "" if self.content.endswith(b"\n") else self.newline
        end = len(self.content)
        self._edits.append((end, end, gap + text.replace("\n", self.newline)))

    def remove(self, statement: ast.stmt) -> bool:
        """Take the statement's lines out, if it has them for itself."""
        start, end = self.span(statement)
        start = self.content.rfind(b"\n", 0, start) + 1
        end = (self.content.find(b"\n", end) + 1) or len(self.content)
        rest = self.content[start : self.span(statement)[0]] + self.content[self.span(statement)[1] : end]
        if rest.partition(b"#")[0].strip():
            return False
        self._edits.append((start, end, ""))
        return True

    def set_keyword(self, call: ast.Call, name: str, text: str) -> None:
        """Give the call an argument by name, in the place of the one it has."""
        found = keyword(call, name)
        if found:
            self.replace(found.value, text)
        else:
            self._keywords[call][name] = text

    def add_items(self, collection: ast.expr, items: list[str]) -> None:
        """Write more at the end of a list, tuple, set or dictionary; none of them twice."""
        known = self._items[collection]
        known += [item for item in items if item not in known]

    def result(self) -> bytes:
        """The source with all edits made."""
        edits = [*self._edits, *map(self._insert_keywords, self._keywords), *map(self._insert_items, self._items)]
        content = self.content
        for start, end, text in sorted(edits, reverse=True):
            content = content[:start] + text.encode() + content[end:]
        return content

    def _insert_keywords(self, call: ast.Call) -> tuple[int, int, str]:
        text = ", ".join(f"{name}={value}" for name, value in self._keywords[call].items())
        if call.args:
            after = self.span(call.args[-1])[1]
            return after, after, f", {text}"
        if call.keywords:
            before = self.span(call.keywords[0])[0]
            return before, before, f"{text}, "
        end = self.span(call)[1] - 1
        return end, end, text

    def _insert_items(self, collection: ast.expr) -> tuple[int, int, str]:
        old: list[ast.expr] = collection.values if isinstance(collection, ast.Dict) else collection.elts  # type: ignore[attr-defined]
        if not old:
            end = self.span(collection)[1] - 1
            return end, end, ", ".join(self._items[collection])
        own_line = old[-1].lineno != collection.lineno and old[-1].lineno != (old[-2] if old[1:] else collection).lineno
        first = collection.keys[-1] if isinstance(collection, ast.Dict) else old[-1]
        indent = " " * first.col_offset if first else ""
        between = f",{self.newline}{indent}" if own_line else ", "
        end = self.span(old[-1])[1]
        return end, end, "".join(between + item for item in self._items[collection])


def target(statement: ast.Assign | ast.AnnAssign) -> str | None:
    """The one name that the statement binds."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None


def keyword(call: ast.Call, name: str) -> ast.keyword | None:
    """The argument that the call gives by that name."""
    return next((found for found in call.keywords if found.arg == name), None)


def unified(before: bytes, after: bytes, path: str) -> str:
    """The difference as `git apply` and `patch -p1` take it."""
    sides = [content.decode().split("\n") for content in (before, after)]
    lines = [[f"{line}\n" for line in side[:-1]] + [line for line in side[-1:] if line] for side in sides]
    found = difflib.unified_diff(lines[0], lines[1], f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found)


IGNORED = '"""Columns that a delivery may have and nobody uses, each with the reason."""'
COLLECTIONS = (ast.List, ast.Tuple, ast.Set)


class ByHand(FactoryError):
    """The source is written so that only a person can change it: the message says to what."""


class Amendment:
    """The changes of a contract, each refused with ByHand where it cannot be written."""

    def __init__(self, content: bytes, schema: type[dy.Schema]) -> None:
        self.source = Source(content, [found.__name__ for found in schema.__mro__])
        self._ignored: list[str] = []

    def limit(self, column: str, kind: str, value: float | date) -> None:
        """Another `min`, `max` or length."""
        _, call = self._column(column, f"{kind}={value}")
        found = keyword(call, kind)
        if found is None or not _is_literal(found.value):
            raise ByHand(f"{kind}={value}")
        self.source.replace(found.value, self._moment(found.value, value) if isinstance(value, date) else f"{value}")

    def nullable(self, column: str) -> None:
        """Let values be missing."""
        _, call = self._column(column, "nullable=True")
        self.source.set_keyword(call, "nullable", "True")

    def retype(self, column: str, name: str) -> None:
        """Another type, by its name in dataframely."""
        _, call = self._column(column, f"type {name}")
        if not isinstance(call.func, ast.Attribute) or keyword(call, "is_in"):
            raise ByHand(f"type {name}")
        self.source.replace(call.func, f"{self.source.text(call.func.value)}.{name}")

    def categories(self, column: str, values: list[str]) -> None:
        """More values, in the column's own list or in the constant that it names."""
        written = [quoted(value) for value in values]
        _, call = self._column(column, f"more categories: {', '.join(written)}")
        named = keyword(call, "categories")
        known = call.args[0] if call.args else named.value if named else None
        if isinstance(known, ast.Name):
            known = self.source.constant(known.id)
        if not isinstance(known, COLLECTIONS):
            raise ByHand(f"more categories: {', '.join(written)}")
        self.source.add_items(known, written)

    def remove(self, column: str) -> None:
        """A column less."""
        statement, _ = self._column(column, "remove it")
        body = next(found.body for found in self.source.classes if statement in found.body)
        if len(body) == 1 or not self.source.remove(statement):
            raise ByHand("remove it")

    def rename(self, column: str, new: str) -> None:
        """Another name, also where an expression of this file reads the column."""
        statement, call = self._column(column, f"name {quoted(new)}")
        is_attribute = any(
            isinstance(node, ast.Attribute) and node.attr == column for node in ast.walk(self.source.tree)
        )
        plain = new.isidentifier() and not iskeyword(new) and not new.startswith("_") and not hasattr(dy.Schema, new)
        if keyword(call, "alias") or is_attribute or not plain or target(statement) is None:
            self.source.set_keyword(call, "alias", quoted(new))
        else:
            name = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            self.source.replace(name, new)
        for node in ast.walk(self.source.tree):
            if isinstance(node, ast.Call) and _name(node.func) == "col":
                for read in node.args:
                    if isinstance(read, ast.Constant) and read.value == column:
                        self.source.replace(read, quoted(new))

    def ignore(self, columns: list[str], reason: str) -> None:
        """Columns that a delivery may have and nobody uses."""
        items = [f"{quoted(name)}: {quoted(reason)}" for name in columns]
        known = self.source.constant("IGNORED")
        if known is None:
            self._ignored += items
        elif isinstance(known, ast.Dict):
            self.source.add_items(known, items)
        else:
            raise ByHand(f"IGNORED with {', '.join(items)}")

    def result(self) -> bytes:
        """The source with all changes made."""
        if self._ignored:
            lines = "".join(f"    {item},\n" for item in self._ignored)
            self.source.append(f"\nIGNORED = {{\n{lines}}}\n{IGNORED}\n")
            self._ignored = []
        return self.source.result()

    def _column(self, column: str, wanted: str) -> tuple[ast.Assign | ast.AnnAssign, ast.Call]:
        found = self.source.column(column)
        if found is None or not isinstance(getattr(dy, f"{_name(found[1].func)}", None), type):
            raise ByHand(wanted)
        return found

    def _moment(self, written: ast.expr, value: date) -> str:
        """A day as the limit before it was written, in its time zone."""
        if not isinstance(written, ast.Call):
            raise ByHand(f"{value}")
        zone = "".join(f", {self.source.text(found)}" for found in written.keywords if found.arg == "tzinfo")
        return f"{self.source.text(written.func)}({value.year}, {value.month}, {value.day}{zone})"


def quoted(text: str) -> str:
    """The text as Python writes it, in double quotes where it can."""
    written = repr("'" + text)
    return f'"{written[2:]}' if written.startswith('"') else repr(text)


def _name(function: ast.expr) -> str | None:
    return getattr(function, "attr", getattr(function, "id", None))


def _is_literal(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return _name(value.func) in (date.__name__, datetime.__name__) and all(map(_is_literal, value.args))
    return isinstance(value.operand if isinstance(value, ast.UnaryOp) else value, ast.Constant)
