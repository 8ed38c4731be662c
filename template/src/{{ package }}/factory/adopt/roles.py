"""Columns that alone tell the target, and so are hardly known before it."""

import re
from dataclasses import dataclass

import numpy as np

from ..training import leakage
from .profile import TEMPORAL, Column, numbers
from .source import KINDS
from .target import Question

ALMOST = 0.995
CELLS = 4_000_000
LEAST = 2_000
"""Cells that are looked at, and rows at least."""


def leaks(columns: list[Column], question: Question) -> dict[str, str]:
    """The columns that tell the target of unseen rows almost perfectly, with the reason to leave each out."""
    target = numbers(question.target)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(~np.isnan(target)))
    rows = rows[: max(CELLS // max(len(columns), 1), LEAST)]
    codes = np.unique(target[rows], return_inverse=True)[1]
    truth = target[rows] if question.problem == "regression" else codes.astype(np.float64)
    told = {}
    for column in columns:
        power = leakage.predictive_power(numbers(column)[rows], truth, question.problem)
        if power > ALMOST:
            told[column.name] = f"alone tells {question.target.name} ({power:.4f} of 1): known only afterwards?"
    return told


IDENTIFIES = re.compile(r"(?i)(^|[\W_])(id|uuid|guid|key|number|nr|no|code|ref)$|.[a-z]id$")
NUMBERS_ROWS = re.compile(r"(?i)^(|unnamed: ?0|index|row_?names?|rows?|row_?(nr|number|id)|column_?1)$")
WORDS = (
    r"sex|gender|race|ethnic\w*|relig\w*|national\w*|citizen\w*|marit\w*|age|disab\w*|pregnan\w*|native\w*|foreign\w*"
)
PERSONAL = re.compile(rf"(?i)(^|[\W_])({WORDS})($|[\W_])")
BORN = re.compile(r"(?i)birth|born|dob")
GROUPS, CATEGORIES = 12, 200


@dataclass(frozen=True)
class Choice:
    """A column's part and the reason for it."""

    column: Column
    role: str
    why: str = ""
    sensitive: bool = False

    @property
    def name(self) -> str:
        return self.column.name


def looks(column: Column, before: list[Choice]) -> Choice:
    """A column that tells a model nothing, a key, a time or a feature; `before` are the choices of those to its left."""
    return _useless(column, before) or _useful(column)


def _useless(column: Column, before: list[Choice]) -> Choice | None:
    """A column that tells a model nothing."""
    name = column.name
    twin = next((choice.name for choice in before if choice.role == "feature" and _same(choice.column, column)), None)
    reasons = {
        column.spelled.note: column.kind not in KINDS,
        "always empty": column.missing == column.rows,
        f"always {column.sample.drop_nulls().first()!s}": column.different == 1 and not column.missing,
        f"the same as {twin}": twin is not None,
        "numbers the rows": bool(NUMBERS_ROWS.match(name)) and column.unique,
        f"text: {column.spelled.note}": is_free_text(column) and bool(column.spelled.note),
        f"free text: {column.different} different values in {column.rows} rows": is_free_text(column)
        and not _is_key(column),
    }
    why = next((reason for reason, holds in reasons.items() if holds), None)
    return Choice(column, "out", why) if why else None


def _useful(column: Column) -> Choice:
    """A key, a time or a feature."""
    if _is_key(column):
        return Choice(column, "id", "identifies the row")
    if column.kind in TEMPORAL[:2] and not column.missing and not BORN.search(column.name):
        return Choice(column, "time", "tells new rows from old")
    personal = bool(PERSONAL.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name)))
    groups = column.kind == "Bool" or 0 < len(column.values) <= GROUPS
    return Choice(column, "feature", "looks personal" if personal else column.spelled.note, personal and groups)


def _is_key(column: Column) -> bool:
    """Whether it names a row: a word of its own in each, or a number that says so."""
    if not column.unique:
        return False
    if column.kind == "Int64":
        return bool(IDENTIFIES.search(column.name))
    return not column.spelled.note and not column.sample.str.contains(r"\s").any()


def is_free_text(column: Column) -> bool:
    """Whether its texts are too many to be categories."""
    known = column.rows - column.missing
    return column.kind == "String" and not (0 < len(column.values) <= min(CATEGORIES, max(2, known / 5)))


def _same(one: Column, other: Column) -> bool:
    """Whether they hold the same; what differs most is asked first, since a wide table has many pairs."""
    return (
        one.low == other.low
        and one.high == other.high
        and one.different == other.different
        and (one.kind, one.missing, one.values) == (other.kind, other.missing, other.values)
        and one.sample.equals(other.sample)
    )
