"""The contract as code: a line for each column, with limits wider than the values seen, and invariants of a delivery."""

import keyword
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import count
from typing import Any

import dataframely as dy

from ..forecasting.rows import KNOWN_AHEAD
from ..validation import times, unseen
from ..validation.missing_words import COMMON_MISSING
from . import dates, personal
from .limits import limits
from .profile import Column
from .target import Target
from .time_parts import complete
from .type_inference import NUMERIC

MAX_INLINE_CATEGORIES = 8  # more of them become a constant
MAX_IDENTIFIER = 60  # characters
CONSTANTS = {"MISSING", "IGNORED", "DELIVERY", "SHEET"}
"""What else contract.py defines."""


@dataclass(frozen=True)
class ColumnCode:
    """A column of the contract: the attribute's name, its type, the type's arguments, and a comment."""

    column: Column
    attribute: str
    kind: str
    arguments: dict[str, Any]
    categories: list[str] | None = None
    constant: str | None = None  # that holds the categories if there are many
    comment: str = ""

    @property
    def code(self) -> str:
        """The right-hand side of the line."""
        categories = [self.constant or repr(self.categories)] if self.categories is not None else []
        arguments = [f"{name}={python_code(value)}" for name, value in self.arguments.items()]
        return f"dy.{self.kind}({', '.join(categories + arguments)})"

    @property
    def is_open(self) -> bool:
        """Whether categories that the table does not have are unknown."""
        return "unseen" in self.arguments.get("metadata", {})


def column_code(
    column: Column,
    taken: set[str],
    *,
    target: Target | None = None,
    is_key: bool = False,
    is_text: bool = False,
    optional: bool = False,
    is_ahead: bool = False,
    unseen_limit: float = unseen.LIMIT,
) -> ColumnCode:
    """The column's line in the contract; its attribute joins the `taken` names. A key has no categories, nor has text.

    Metadata marks what is known ahead of a forecast.
    """
    attribute = _identifier(column.name, taken)
    taken.add(attribute)
    if target and not target.is_number:
        kind, arguments, categories = _classes(target)
    else:
        has_categories = column.kind == "String" and not (is_key or is_text)
        kind, categories = ("Enum", complete(column.values)) if has_categories else (column.kind, None)
        arguments = limits(column, is_key, is_text) | column.format.options
        optional = optional or has_categories  # a category that the table does not have is unknown
        policy = {"unseen": unseen.UNKNOWN, "unseen_limit": unseen_limit}
        if metadata := (KNOWN_AHEAD if is_ahead else {}) | _metadata(column) | (policy if has_categories else {}):
            arguments["metadata"] = metadata
    nullable = {"nullable": True} if column.missing or optional else {}
    alias = {} if attribute == column.name else {"alias": column.name}
    constant = _constant(attribute, taken) if categories and len(categories) > MAX_INLINE_CATEGORIES else None
    return ColumnCode(column, attribute, kind, alias | nullable | arguments, categories, constant, _comment(column))


def python_code(value: Any) -> str:
    """The value as Python source."""
    if isinstance(value, datetime) and value.tzinfo:
        return f"{python_code(value.replace(tzinfo=None))[:-1]}, tzinfo=ZoneInfo({str(value.tzinfo)!r}))"
    if isinstance(value, datetime | date | time):
        return repr(value).removeprefix("datetime.").replace(", 0, 0)", ")")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(python_code, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{python_code(key)}: {python_code(each)}" for key, each in value.items()) + "}"
    return repr(value)


def _classes(target: Target) -> tuple[str, dict[str, Any], list[str] | None]:
    """The target of a classification: true or false, or one of its classes."""
    format = target.column.format
    own = {key: format.metadata[key] for key in ("case", "not_missing") if key in format.metadata}
    if target.problem == "multiclass":
        return "Enum", {"metadata": own} if own else {}, list(target.counts)
    if set(target.counts) == {"false", "true"} and not format.metadata:
        return "Bool", {}, None
    if format.kind == "Bool":
        return "Bool", {"metadata": format.metadata}, None
    other = next(text for text in target.counts if text != target.positive)
    return "Bool", {"metadata": {"true": [target.positive], "false": [other]} | own}, None


def _metadata(column: Column) -> dict[str, Any]:
    """The column's own formats, and what of a person it holds; texts that mean a missing value in any column are in MISSING."""
    own = [text for text in column.format.missing if text not in COMMON_MISSING]
    missing = [*column.format.metadata.get("missing", []), *own]
    pii = personal.kind(column)
    return column.format.metadata | ({"missing": missing} if missing else {}) | ({"pii": pii} if pii else {})


def _comment(column: Column) -> str:
    """The values on which the limits are based."""
    parts = []
    if column.kind in NUMERIC and column.low is not None:
        parts.append(f"seen {_short(column.low)} to {_short(column.high)}")
    elif column.kind in dates.TEMPORAL and column.low is not None:
        parts.append(f"seen {column.low!s:.10} to {column.high!s:.10}")
    if column.missing:
        parts.append(f"{max(0.1, 100 * column.share_missing):.3g}% missing")
    return ", ".join(
        [*parts, *filter(None, [times.explain(column.format.column()), column.format.remark, column.format.note])]
    )


def _short(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else f"{value:.6g}"


def _identifier(name: str, taken: set[str]) -> str:
    """A valid attribute of a schema: the column's own name, or one like it."""
    plain = unicodedata.normalize("NFKC", name)  # as Python reads an identifier
    if plain == name and name.isidentifier() and len(name) <= MAX_IDENTIFIER and _is_free(name, taken):
        return name
    letters = (letter if f"a{letter}".isidentifier() and letter != "_" else " " for letter in plain)
    words = unicodedata.normalize("NFKC", "_".join("".join(letters).split()).lower())[:MAX_IDENTIFIER].strip("_")
    stem = words if words.isidentifier() else f"column_{words}".strip("_")
    return next(each for each in _like(stem, f"{stem}_") if _is_free(each, taken))


def _constant(attribute: str, taken: set[str]) -> str:
    """The name of the constant with the categories, which joins the `taken` ones."""
    stem = attribute.strip("_").upper()
    name = next(each for each in _like(stem, f"{stem}_VALUES") if each not in taken | CONSTANTS)
    taken.add(name)
    return name


def _like(*stems: str) -> Iterator[str]:
    """The names to choose from, the nicest first."""
    yield from stems
    yield from (f"{stems[0]}_{number}" for number in count(2))


def _is_free(name: str, taken: set[str]) -> bool:
    return not (
        keyword.iskeyword(name)
        or keyword.issoftkeyword(name)
        or name[0] == "_"
        or hasattr(dy.Schema, name)
        or name in taken
    )
