"""The data dictionary, docs/data-dictionary.md: what each column of the contract is, for people who have not read contract.py."""

import inspect
from collections.abc import Iterator
from typing import Any

import dataframely as dy
import polars as pl

from ... import contract
from .. import PACKAGE
from ..config import Params
from ..paths import DICTIONARY
from ..tables import whole
from ..validation import parsing, rules, times, unseen
from . import markdown
from .formatting import cell, share

COMMAND = "uv run factory contract --dictionary"
ABOUT = f"""\
`{COMMAND}` writes this page from `src/{PACKAGE}/contract.py` and `params.yaml`: a meaning is a column's `description` there,
and a change here is lost."""
SHOWN = 12  # categories
TYPES = {
    pl.Boolean: "yes or no",
    pl.Date: "date",
    pl.Datetime: "date and time",
    pl.Time: "time of day",
    pl.Duration: "duration",
    pl.Enum: "category",
    pl.String: "text",
}
HEADERS = ("column", "role", "type", "unit", "meaning", "values", "written as", "missing", "personal data")
OPTIONAL = {"role", "unit", "meaning", "written as", "personal data"}
"""Headers that a table has only where a column fills them."""
ELSEWHERE = {"missing", "pii", "unit", "unseen", "unseen_limit"}
"""Keys of the metadata that have a place of their own."""
ENDS = (("min", "from {}"), ("min_exclusive", "above {}"), ("max", "to {}"), ("max_exclusive", "below {}"))
LENGTHS = (("min_length", "from {}"), ("max_length", "to {}"))


def render(params: Params) -> str:
    """The page, of contract.py and the roles in params.yaml."""
    row, labelled = contract.Row, contract.LabelledRow
    entries = [_entry(name, column, params) for name, column in labelled.columns().items()]
    names = [name for name in HEADERS if name not in OPTIONAL or any(entry[name] for entry in entries)]
    parts = [
        "# Data dictionary",
        ABOUT,
        *(markdown.text(line) for line in _about(row, labelled)),
        markdown.table([[entry[name] for name in names] for entry in entries], names),
        *_section("Rules between columns", _rules()),
        *_section("What a whole delivery holds", map(markdown.code, contract.DELIVERY)),
        *_section("Columns that nothing uses", _ignored()),
    ]
    return "\n\n".join(parts) + "\n"


def write(params: Params) -> None:
    """Write the page."""
    DICTIONARY.parent.mkdir(exist_ok=True)
    with whole(DICTIONARY) as page:
        page.write_text(render(params), encoding="utf-8")


def _about(*schemas: type[dy.Schema]) -> Iterator[str]:
    for schema in schemas:
        if text := inspect.getdoc(schema):
            yield f"{schema.__name__}: {text.partition(chr(10) * 2)[0]}"


def _entry(name: str, column: dy.Column, params: Params) -> dict[str, str]:
    formats = parsing.formats(column)
    return {
        "column": markdown.code(name),
        "role": _role(name, params),
        "type": _type(column.dtype),
        "unit": ", ".join(filter(None, _texts(formats.get("unit")))),
        "meaning": column.description or "",
        "values": "; ".join(_values(column)),
        "written as": "; ".join(_written(column)),
        "missing": _missing(column),
        "personal data": formats.get("pii", ""),
    }


def _role(name: str, params: Params) -> str:
    data = params.data
    roles = {"target": name == data.target, "id": name == data.id, "time": name in data.times}
    return ", ".join([role for role, is_one in roles.items() if is_one] + ["sensitive"] * (name in data.sensitive))


def _type(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "whole number" if dtype.is_integer() else "number"
    return TYPES.get(dtype.base_type(), f"{dtype}")


def _values(column: dy.Column) -> Iterator[str]:
    """The limits and categories."""
    allowed = column.dtype.categories.to_list() if isinstance(column.dtype, pl.Enum) else getattr(column, "is_in", None)
    if allowed is not None:
        shown = ", ".join(markdown.code(value) for value in [*allowed][:SHOWN])
        yield f"{shown} and {len(allowed) - SHOWN} more" if len(allowed) > SHOWN else shown
    if unseen.is_accepted(column):
        policy = unseen.taken_as(column)
        taken = "missing" if policy is None else markdown.code(policy)
        yield f"others count as {taken}, at most {share(unseen.limit(column))} of a delivery"
    for before, ends in (("", ENDS), ("characters: ", LENGTHS)):
        given = [(form, getattr(column, name, None)) for name, form in ends]
        if limits := [form.format(cell(value)) for form, value in given if value is not None]:
            yield f"{before}{' '.join(limits)}"
    if pattern := getattr(column, "regex", None):
        yield f"pattern {markdown.code(pattern)}"
    if column.unique:
        yield "no two rows have the same"


def _written(column: dy.Column) -> Iterator[str]:
    """How a text file has the values, where that is not the usual way."""
    if explained := times.explain(column):
        yield explained
    for key, value in parsing.formats(column).items():
        if key not in ELSEWHERE and not (explained and key == "format"):
            yield f"{key} {' or '.join(markdown.code(text) if text else 'none' for text in _texts(value))}"


def _missing(column: dy.Column) -> str:
    if not column.nullable:
        return "never"
    own = parsing.formats(column).get("missing", ())
    words = [word for word in dict.fromkeys([*(parsing.missing() or ()), *own]) if word]
    return f"allowed{': ' * bool(words)}{', '.join(map(markdown.code, words))}"


def _texts(value: Any) -> list[str]:
    return [f"{each}" for each in value] if isinstance(value, list | tuple) else [] if value is None else [f"{value}"]


def _rules() -> Iterator[str]:
    return (markdown.code(name) for name in rules.rules(contract.LabelledRow) if "|" not in name)


def _ignored() -> Iterator[str]:
    return (f"{markdown.code(name)}: {why}" for name, why in parsing.ignored().items())


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    if items := [f"- {markdown.text(line)}" for line in lines]:
        yield f"## {title}"
        yield "\n".join(items)
