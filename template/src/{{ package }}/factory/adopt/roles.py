"""The role of each column, inferred from its contents: id, time, feature or excluded."""

import re
from dataclasses import dataclass, replace

from ..tables.names import count_rows, is_index
from .dates import is_row_time
from .number_formats import TOO_LONG
from .personal import kind
from .profile import Column
from .sensitive import is_about_people, is_age, is_sensitive
from .source import KINDS

IDENTIFIES = re.compile(r"(?i)(^|[\W_])(id|uuid|guid|key|number|nr|no|code|ref)$|[a-z]id$")
NUMBERS_ROWS = re.compile(r"(?i)^(index|level_0|rows?|row_?(nr|number|id)|column_?1)$")
NOT_A_KEY = r"\s|%|\p{Sc}"
"""What no key has: blanks, as of text, and signs of amounts."""
MAX_CATEGORIES = 200
PERSONAL_DATA, OF_A_PERSON = "may be personal data", "personal data: "
NUMBER_OF_ROW = "numbers the rows"
MEASURED = "measured"
"""The role of a column in the contract that no model uses, by whose groups it is judged."""
GROUP, KNOWN_AHEAD = "group", "known-ahead"
"""The roles of columns that only forecasts have: they name a series, or are known for the times that are forecast."""


@dataclass(frozen=True)
class ColumnRole:
    """What a column is used as, and the reason for it."""

    column: Column
    role: str
    why: str = ""
    sensitive: bool = False

    @property
    def name(self) -> str:
        return self.column.name


def infer_role(column: Column, left: list[ColumnRole]) -> ColumnRole:
    """The role by what the column holds; `left` are the roles of the columns to its left."""
    role, personal = _useless(column, left) or _useful(column), kind(column)
    if personal is None:
        return role
    if role.role == "id":
        return replace(role, why=f"{role.why}; {OF_A_PERSON}{personal}")
    return ColumnRole(column, "excluded", f"{OF_A_PERSON}{personal}")


def is_free_text(column: Column) -> bool:
    """Whether it has too many distinct texts to be a category."""
    present = column.rows - column.missing
    return column.kind == "String" and not (0 < len(column.values) <= min(MAX_CATEGORIES, max(2, present / 5)))


def _useless(column: Column, left: list[ColumnRole]) -> ColumnRole | None:
    """The column as excluded, if a model can learn nothing from it."""
    twin = next((role.name for role in left if role.role == "feature" and _same(role.column, column)), None)
    free_text = is_free_text(column)
    reasons = {
        column.format.note: column.kind not in KINDS,
        "always empty": column.missing == column.rows,
        f"always {column.sample.drop_nulls().first()!s}": column.different == 1 and not column.missing,
        f"the same as {twin}": twin is not None,
        NUMBER_OF_ROW: _numbers_rows(column),
        f"{TOO_LONG}: an identifier?": not _is_key(column) and _is_too_long(column),
        f"text: {column.format.note}": free_text and bool(column.format.note),
        f"free text: {column.different:,} distinct values in {column.rows:,} rows": free_text and not _is_key(column),
    }
    why = next((reason for reason, holds in reasons.items() if holds), None)
    return ColumnRole(column, "excluded", why) if why else None


def _numbers_rows(column: Column) -> bool:
    """Whether it is a row number: whole numbers that a tool wrote, also of only some rows, or one after the other."""
    if is_index(column.name):
        return column.unique or (column.kind == "Int64" and not column.missing and count_rows(column.sample))
    if NUMBERS_ROWS.match(column.name):
        return column.unique
    return not _is_key(column) and _counts_on(column)


def _counts_on(column: Column) -> bool:
    """Whether each row has the number after that of the row before it, from 0 or 1 on."""
    from_start = column.kind == "Int64" and column.unique and column.low in (0, 1)
    return from_start and column.high - column.low == column.rows - 1 and column.sample.is_sorted()


def _useful(column: Column) -> ColumnRole:
    """A key, a time or a feature."""
    if _is_key(column):
        return ColumnRole(column, "id", "identifies the row")
    if is_row_time(column.name, column.kind, column.missing):
        return ColumnRole(column, "time", "the newest rows are the test set")
    sensitive = is_sensitive(column)
    personal = sensitive or (is_about_people(column.name) and (column.kind == "String" or is_age(column.name)))
    why = PERSONAL_DATA if personal else column.format.note or column.format.remark
    return ColumnRole(column, "feature", why, sensitive)


def _is_key(column: Column) -> bool:
    """Whether it identifies a row: unique words, or unique integers under a name such as id or number."""
    if not column.unique:
        return False
    if column.kind == "Int64":
        return bool(IDENTIFIES.search(column.name))
    return not column.format.note and not column.sample.str.contains(NOT_A_KEY).any()


def _is_too_long(column: Column) -> bool:
    """Whether it has whole numbers that a model would not distinguish, since it computes with 53 bits."""
    return column.kind == "Int64" and column.low is not None and max(abs(column.low), abs(column.high)) > 2**53


def _same(one: Column, other: Column) -> bool:
    """Whether their values are the same; cheap comparisons first, since a wide table has many pairs."""
    return (
        one.low == other.low
        and one.high == other.high
        and one.different == other.different
        and (one.kind, one.missing, one.values) == (other.kind, other.missing, other.values)
        and one.sample.equals(other.sample)
    )
