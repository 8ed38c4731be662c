"""Changes of contract.py, proposed in its source as a person would write them."""

import ast
from datetime import date, datetime
from keyword import iskeyword

import dataframely as dy

from ..errors import FactoryError
from .source import Source, keyword, target

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
