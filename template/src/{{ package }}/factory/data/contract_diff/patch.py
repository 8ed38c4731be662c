"""Changes of contract.py as a patch: edits at positions of its syntax tree, so that the rest stays byte for byte."""

import ast
import difflib
from collections import defaultdict
from datetime import date, datetime

import dataframely as dy

from ...errors import FactoryError

Node = ast.expr | ast.stmt | ast.keyword
COLLECTIONS = (ast.List, ast.Tuple, ast.Set)
IGNORED = '"""Columns that a delivery may have and nothing uses, each with the reason."""'


class ManualEdit(FactoryError):
    """A change that cannot be made automatically; the message is the change."""


class ContractEditor:
    """The changes of a contract; each raises ManualEdit where it cannot be made automatically."""

    def __init__(self, content: bytes, schema: type[dy.Schema]) -> None:
        self.source = SourceEditor(content, [cls.__name__ for cls in schema.__mro__])
        self._ignored: list[str] = []

    def limit(self, column: str, kind: str, value: float | date) -> None:
        """Set `min`, `max` or a length."""
        limit = _keyword(self._call(column, f"{kind}={value}"), kind)
        if limit is None or not _is_literal(limit.value):
            raise ManualEdit(f"{kind}={value}")
        self.source.replace(limit.value, self._date(limit.value, value) if isinstance(value, date) else f"{value}")

    def nullable(self, column: str) -> None:
        """Allow missing values."""
        self.source.set_keyword(self._call(column, "nullable=True"), "nullable", "True")

    def retype(self, column: str, name: str) -> None:
        """Set another type, by its name in dataframely."""
        call = self._call(column, f"type {name}")
        if not isinstance(call.func, ast.Attribute) or _keyword(call, "is_in"):
            raise ManualEdit(f"type {name}")
        self.source.replace(call.func, f"{self.source.text(call.func.value)}.{name}")

    def categories(self, column: str, values: list[str]) -> None:
        """Add values, to the column's own list or to the constant that it names."""
        items = [quoted(value) for value in values]
        change = f"more categories: {', '.join(items)}"
        call = self._call(column, change)
        argument = _keyword(call, "categories")
        collection = call.args[0] if call.args else argument.value if argument else None
        if isinstance(collection, ast.Name):
            collection = self.source.constant(collection.id)
        if not isinstance(collection, COLLECTIONS):
            raise ManualEdit(change)
        self.source.add_items(collection, items)

    def ignore(self, columns: list[str], reason: str) -> None:
        """Add columns that a delivery may have and nothing uses."""
        items = [f"{quoted(name)}: {quoted(reason)}" for name in columns]
        ignored = self.source.constant("IGNORED")
        if ignored is None:
            self._ignored += items
        elif isinstance(ignored, ast.Dict):
            self.source.add_items(ignored, items)
        else:
            raise ManualEdit(f"IGNORED with {', '.join(items)}")

    def result(self) -> bytes:
        """The source with all changes made."""
        if self._ignored:
            lines = "".join(f"    {item},\n" for item in self._ignored)
            self.source.append(f"\nIGNORED = {{\n{lines}}}\n{IGNORED}\n")
            self._ignored = []
        return self.source.result()

    def _call(self, column: str, change: str) -> ast.Call:
        call = self.source.column(column)
        if call is None or not isinstance(getattr(dy, f"{_name(call.func)}", None), type):
            raise ManualEdit(change)
        return call

    def _date(self, limit: ast.expr, value: date) -> str:
        """The date in the notation and time zone of the earlier limit."""
        if not isinstance(limit, ast.Call):
            raise ManualEdit(f"{value}")
        zone = "".join(f", {self.source.text(argument)}" for argument in limit.keywords if argument.arg == "tzinfo")
        return f"{self.source.text(limit.func)}({value.year}, {value.month}, {value.day}{zone})"


class SourceEditor:
    """The bytes of contract.py, the positions of its columns, and the pending edits."""

    def __init__(self, content: bytes, classes: list[str]) -> None:
        self.content = content
        self.tree = ast.parse(content)
        self.newline = "\r\n" if b"\r\n" in content else "\n"
        text = content.removeprefix(b"\xef\xbb\xbf")
        bom = len(content) - len(text)
        self._line_starts = [bom, *(bom + at + 1 for at, byte in enumerate(text) if byte == 0x0A)]
        self._edits: list[tuple[int, int, str]] = []
        self._keywords: dict[ast.Call, dict[str, str]] = defaultdict(dict)
        self._items: dict[ast.expr, list[str]] = defaultdict(list)
        defined = [node for node in self.tree.body if isinstance(node, ast.ClassDef)]
        self._classes = [node for name in classes for node in defined if node.name == name]

    def column(self, name: str) -> ast.Call | None:
        """The call that declares a column."""
        for statement in (statement for cls in self._classes for statement in cls.body):
            call = getattr(statement, "value", None)
            if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(call, ast.Call):
                alias = _keyword(call, "alias")
                if name == (getattr(alias.value, "value", None) if alias else _target(statement)):
                    return call
        return None

    def constant(self, name: str) -> ast.expr | None:
        """The value that the module assigns to the name, if it does so once."""
        bound = [node for node in self.tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        values = [node.value for node in bound if _target(node) == name]
        return values[0] if len(values) == 1 else None

    def text(self, node: Node) -> str:
        """The source of the node."""
        start, end = self._span(node)
        return self.content[start:end].decode()

    def replace(self, node: Node, text: str) -> None:
        """Replace the node by the text."""
        self._edits.append((*self._span(node), text))

    def append(self, text: str) -> None:
        """Add text at the end of the file."""
        gap = "" if self.content.endswith(b"\n") else self.newline
        end = len(self.content)
        self._edits.append((end, end, gap + text.replace("\n", self.newline)))

    def set_keyword(self, call: ast.Call, name: str, text: str) -> None:
        """Set a keyword argument of the call."""
        argument = _keyword(call, name)
        if argument:
            self.replace(argument.value, text)
        else:
            self._keywords[call][name] = text

    def add_items(self, collection: ast.expr, items: list[str]) -> None:
        """Add items to a list, tuple, set or dictionary, without duplicates."""
        added = self._items[collection]
        added += [item for item in items if item not in added]

    def result(self) -> bytes:
        """The source with all edits made."""
        edits = [*self._edits, *map(self._insert_keywords, self._keywords), *map(self._insert_items, self._items)]
        content = self.content
        for start, end, text in sorted(edits, reverse=True):
            content = content[:start] + text.encode() + content[end:]
        return content

    def _span(self, node: Node) -> tuple[int, int]:
        """Start and end of the node, in bytes."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self._line_starts[node.lineno - 1] + node.col_offset,
            self._line_starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _insert_keywords(self, call: ast.Call) -> tuple[int, int, str]:
        text = ", ".join(f"{name}={value}" for name, value in self._keywords[call].items())
        if call.args:
            after = self._span(call.args[-1])[1]
            return after, after, f", {text}"
        if call.keywords:
            before = self._span(call.keywords[0])[0]
            return before, before, f"{text}, "
        end = self._span(call)[1] - 1
        return end, end, text

    def _insert_items(self, collection: ast.expr) -> tuple[int, int, str]:
        old: list[ast.expr] = collection.values if isinstance(collection, ast.Dict) else collection.elts  # type: ignore[attr-defined]
        if not old:
            end = self._span(collection)[1] - 1
            return end, end, ", ".join(self._items[collection])
        own_line = old[-1].lineno != collection.lineno and old[-1].lineno != (old[-2] if old[1:] else collection).lineno
        first = collection.keys[-1] if isinstance(collection, ast.Dict) else old[-1]
        indent = " " * first.col_offset if first else ""
        between = f",{self.newline}{indent}" if own_line else ", "
        end = self._span(old[-1])[1]
        return end, end, "".join(between + item for item in self._items[collection])


def unified_diff(before: bytes, after: bytes, path: str) -> str:
    """The difference as `git apply` and `patch -p1` take it."""
    old, new = (_lines(content.decode()) for content in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def quoted(text: str) -> str:
    """The text as Python writes it, in double quotes where it can."""
    literal = repr("'" + text)
    return f'"{literal[2:]}' if literal.startswith('"') else repr(text)


def _lines(text: str) -> list[str]:
    """Lines with their newlines; str.splitlines would split at other characters too."""
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]


def _target(statement: ast.Assign | ast.AnnAssign) -> str | None:
    """The only name that the statement assigns."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None


def _keyword(call: ast.Call, name: str) -> ast.keyword | None:
    """The keyword argument of that name."""
    return next((argument for argument in call.keywords if argument.arg == name), None)


def _name(function: ast.expr) -> str | None:
    return getattr(function, "attr", getattr(function, "id", None))


def _is_literal(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return _name(value.func) in (date.__name__, datetime.__name__) and all(map(_is_literal, value.args))
    return isinstance(value.operand if isinstance(value, ast.UnaryOp) else value, ast.Constant)
