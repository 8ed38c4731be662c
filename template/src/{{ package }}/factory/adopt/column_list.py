"""The columns of a proposal as people read them: the doubtful ones first, and none hidden."""

import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby

from tabulate import tabulate

from ..evaluation.formatting import share
from .dates import TEMPORAL
from .profile import Column
from .questions import Question
from .roles import NUMBER_OF_ROW, ColumnRole
from .target import USER_CHOICE
from .type_inference import NUMERIC

WIDTH = 100  # of a terminal that does not say
MAX_COLUMNS = 20  # each in a line
MAX_NAME, MAX_VALUES, MAX_CONTENTS = 32, 24, 48
KIND_NAMES = {"Int64": "integer", "Float64": "number", "Bool": "yes/no", "String": "text"}
HEADERS = ("?", "column", "type", "role", "values", "reason")
PROFILE_HEADERS = ("column", "type", "missing", "different", "values")
CERTAIN = (USER_CHOICE, NUMBER_OF_ROW, "always", "the same as", "identifies")
"""The beginnings of reasons that need no second look."""
NUMBERED = re.compile(r"(.*?)(\d+)")
RUN = 3  # names with successive numbers that are written as a range


def summary(roles: list[ColumnRole], asked: list[Question], where: str) -> str:
    """The columns to look at in a line each, with the numbers of the questions; of a wide table the others by name."""
    if len(roles) <= MAX_COLUMNS:
        return table(roles, asked)
    doubtful = {name for question in asked for name in question.columns}
    shown = [role for role in roles if role.name in doubtful or _is_looked_at(role)]
    rest = [role for role in roles if role not in shown]
    lines = [f"{len(rest):,} more columns, about which there is no question; {where}"] if rest else []
    for name in dict.fromkeys(role.role for role in rest):
        names = [role.name for role in rest if role.role == name]
        lines += textwrap.wrap(f"{name} ({len(names):,}): {', '.join(ranges(names))}", width(), subsequent_indent="  ")
    return "\n".join([table(shown, asked), *lines])


def table(roles: list[ColumnRole], asked: list[Question]) -> str:
    """Each column with the number of the first question about it, its role and the reason, as wide as the terminal."""
    numbers: dict[str, int] = {}
    for number, question in enumerate(asked, start=1):
        for name in question.columns:
            numbers.setdefault(name, number)
    ordered = sorted(roles, key=lambda role: (role.role != "target", numbers.get(role.name, len(asked) + 1)))
    rows = [_row(role, numbers) for role in ordered]
    titles = [f"{title}  " for title in HEADERS]  # as wide as tabulate makes them
    *fixed, values, reason = (max(map(len, cells)) for cells in zip(titles, *rows, strict=True))
    free = max(width() - sum(fixed) - 2 * (len(HEADERS) - 1), MAX_VALUES)
    values = min(values, max(min(MAX_VALUES, free * 2 // 5), free - reason))
    return tabulate(
        [(*row[:4], cut(row[4], values), cut(row[5], free - values)) for row in rows], HEADERS, disable_numparse=True
    )


def contents(columns: Iterable[Column], hidden: frozenset[str]) -> str:
    """Of each column type, missing and different values, and what they are."""
    rows = [
        (
            cut(column.name, MAX_NAME),
            kind_name(column),
            share(column.share_missing) if column.missing else "",
            f"{column.different:,}",
            "personal data" if column.name in hidden else cut(_contents(column, missing=False), MAX_CONTENTS),
        )
        for column in columns
    ]
    return tabulate(rows, PROFILE_HEADERS, disable_numparse=True)


def ranges(names: list[str]) -> Iterator[str]:
    """The names, of several with successive numbers the first and the last."""

    def run(place: tuple[int, str]) -> tuple[str, int]:
        found = NUMBERED.fullmatch(place[1])
        return (found[1], int(found[2]) - place[0]) if found else (place[1], 0)

    for _, group in groupby(enumerate(names), run):
        same = [name for _, name in group]
        yield from [f"{same[0]} to {same[-1]}"] if len(same) >= RUN else same


def width() -> int:
    """Of the terminal, in characters."""
    return max(shutil.get_terminal_size((WIDTH, 0)).columns, 60)


def cut(text: str, most: int) -> str:
    """The text, in at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def kind_name(column: Column) -> str:
    """The type in words."""
    return "category" if column.values and column.kind == "String" else KIND_NAMES.get(column.kind, column.kind.lower())


def _contents(column: Column, *, missing: bool = True) -> str:
    parts = []
    if column.kind in (*NUMERIC, *TEMPORAL) and column.low is not None:
        low, high = (f"{end:.6g}" if isinstance(end, float) else str(end) for end in (column.low, column.high))
        parts.append(f"{low} to {high}")
    elif column.values:
        more = len(column.values) - 4
        parts.append(", ".join(column.values[:4]) + (f" and {more} more" if more > 0 else ""))
    elif column.kind == "Bool" and (known := column.sample.count()):
        parts.append(f"{100 * column.sample.sum() / known:.3g}% yes")
    if missing and column.missing:
        parts.append(f"{100 * column.missing / column.rows:.3g}% missing")
    return "; ".join(parts)


def _is_looked_at(role: ColumnRole) -> bool:
    if role.role == "excluded":
        return not role.why.startswith(CERTAIN)
    return role.role in ("target", "id", "time") or role.why == USER_CHOICE or role.sensitive


def _row(role: ColumnRole, numbers: dict[str, int]) -> tuple[str, ...]:
    shown = "sensitive" if role.sensitive and role.role == "feature" else role.role
    number = f"{numbers[role.name]}" if role.name in numbers else ""
    return (number, cut(role.name, MAX_NAME), kind_name(role.column), shown, _contents(role.column), role.why)
