"""The role of each column, inferred from what it holds: id, time, feature or left out; and leaks of the target."""

import re
from dataclasses import dataclass

import numpy as np

from ..training import leakage
from .dates import is_row_time
from .profile import Column, numbers
from .source import KINDS
from .target import Target

ALMOST = 0.995
CELLS, LEAST_ROWS = 4_000_000, 2_000
"""Cells that are searched for leaks at most, and rows at least."""
IDENTIFIES = re.compile(r"(?i)(^|[\W_])(id|uuid|guid|key|number|nr|no|code|ref)$|.[a-z]id$")
NUMBERS_ROWS = re.compile(r"(?i)^(|unnamed: ?0|index|row_?names?|rows?|row_?(nr|number|id)|column_?1)$")
WORDS = (
    r"sex|gender|race|ethnic\w*|relig\w*|national\w*|citizen\w*|marit\w*|age|disab\w*|pregnan\w*|native\w*|foreign\w*"
)
PERSONAL = re.compile(rf"(?i)(^|[\W_])({WORDS})($|[\W_])")
GROUPS, CATEGORIES = 12, 200


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
    """A column that tells a model nothing, a key, a time or a feature; `left` are the roles of those to its left."""
    return _useless(column, left) or _useful(column)


def is_free_text(column: Column) -> bool:
    """Whether its texts are too many to be categories."""
    present = column.rows - column.missing
    return column.kind == "String" and not (0 < len(column.values) <= min(CATEGORIES, max(2, present / 5)))


def leaks(columns: list[Column], target: Target) -> dict[str, str]:
    """The columns that predict the target of unseen rows almost perfectly, with the reason to leave each out."""
    outcomes = numbers(target.column)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(~np.isnan(outcomes)))
    rows = rows[: max(CELLS // max(len(columns), 1), LEAST_ROWS)]
    codes = np.unique(outcomes[rows], return_inverse=True)[1]
    truth = outcomes[rows] if target.problem == "regression" else codes.astype(np.float64)
    reasons = {}
    for column in columns:
        power = leakage.predictive_power(numbers(column)[rows], truth, target.problem)
        if power > ALMOST:
            reasons[column.name] = f"alone tells {target.name} ({power:.4f} of 1): known only afterwards?"
    return reasons


def _useless(column: Column, left: list[ColumnRole]) -> ColumnRole | None:
    """A column that tells a model nothing."""
    twin = next((role.name for role in left if role.role == "feature" and _same(role.column, column)), None)
    free_text = is_free_text(column)
    reasons = {
        column.format.note: column.kind not in KINDS,
        "always empty": column.missing == column.rows,
        f"always {column.sample.drop_nulls().first()!s}": column.different == 1 and not column.missing,
        f"the same as {twin}": twin is not None,
        "numbers the rows": bool(NUMBERS_ROWS.match(column.name)) and column.unique,
        f"text: {column.format.note}": free_text and bool(column.format.note),
        f"free text: {column.different} different values in {column.rows} rows": free_text and not _is_key(column),
    }
    why = next((reason for reason, holds in reasons.items() if holds), None)
    return ColumnRole(column, "out", why) if why else None


def _useful(column: Column) -> ColumnRole:
    """A key, a time or a feature."""
    if _is_key(column):
        return ColumnRole(column, "id", "identifies the row")
    if is_row_time(column.name, column.kind, column.missing):
        return ColumnRole(column, "time", "tells new rows from old")
    personal = bool(PERSONAL.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name)))
    groups = column.kind == "Bool" or 0 < len(column.values) <= GROUPS
    return ColumnRole(column, "feature", "looks personal" if personal else column.format.note, personal and groups)


def _is_key(column: Column) -> bool:
    """Whether it names a row: a word of its own in each, or a number whose name says so."""
    if not column.unique:
        return False
    if column.kind == "Int64":
        return bool(IDENTIFIES.search(column.name))
    return not column.format.note and not column.sample.str.contains(r"\s").any()


def _same(one: Column, other: Column) -> bool:
    """Whether they hold the same; what differs most is compared first, since a wide table has many pairs."""
    return (
        one.low == other.low
        and one.high == other.high
        and one.different == other.different
        and (one.kind, one.missing, one.values) == (other.kind, other.missing, other.values)
        and one.sample.equals(other.sample)
    )
