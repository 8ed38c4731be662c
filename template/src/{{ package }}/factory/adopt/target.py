"""The target, and which kind of problem it poses: one of two, one of several, or how much."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from ..errors import FactoryError
from .dates import TEMPORAL
from .profile import Column
from .source import KINDS
from .type_inference import BOOLEANS, NUMERIC

MAX_CLASSES = 100
MAX_CODES = 20
MIN_ROWS = 50  # that can be split into rows to learn from and rows to test on
MIN_CLASS_ROWS = 5
YES = {true for true, _ in BOOLEANS} | {"1", "1.0"}


@dataclass(frozen=True)
class Target:
    """The column to predict, what kind of problem it is, and why; `counts` are the rows of each class, by its text."""

    column: Column
    problem: str
    why: str
    counts: dict[str, int]
    positive: str | None = None

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def rows(self) -> int:
        """How many have an outcome."""
        return self.column.rows - self.column.missing

    @property
    def share_positive(self) -> float | None:
        """Of the rows that have an outcome; None where there is none that counts as true."""
        return self.counts[self.positive] / self.rows if self.positive is not None else None


def infer_problem(values: pl.LazyFrame, column: Column, problem: str | None) -> Target:
    """The column as the target. Raises FactoryError where it poses no problem that a model could solve."""
    _check_outcomes(column)
    counts = _counts(values, column.name) if column.different <= 2 * MAX_CLASSES else {}
    problem, why = (problem, "as you said") if problem else _inferred(column, counts)
    _check_problem(column, problem, counts)
    if problem == "regression":
        return Target(column, problem, why, {})
    rare = [text for text, count in counts.items() if count < MIN_CLASS_ROWS]
    if rare:
        raise FactoryError(
            f"{column.name}: {rare[0]!r} stands in {counts[rare[0]]} of {column.rows - column.missing} rows, "
            f"and at least {MIN_CLASS_ROWS} are needed: remove such rows, or join the class with another"
        )
    return Target(column, problem, why, counts, _positive(counts) if problem == "classification" else None)


def _check_outcomes(column: Column) -> None:
    name, rows = column.name, column.rows - column.missing
    if column.kind not in KINDS:
        raise FactoryError(f"{name}: {column.format.note}")
    if not rows:
        raise FactoryError(f"{name}: the target is missing in all {column.rows} rows")
    if column.kind in TEMPORAL:
        raise FactoryError(f"{name}: a {column.kind.lower()} is no target: predict a number or a class")
    if column.different == 1:
        raise FactoryError(f"{name}: the target is the same in all rows: there is nothing to predict")
    if rows < MIN_ROWS:
        raise FactoryError(f"{name}: {rows} rows have an outcome: at least {MIN_ROWS} are needed to learn and to test")


def _inferred(column: Column, counts: dict[str, int]) -> tuple[str, str]:
    """The kind of problem, and why."""
    if len(counts) == 2:
        return "classification", "two values"
    if column.kind == "String":
        return "multiclass", f"{len(counts)} classes"
    codes = sorted(int(text) for text in counts) if column.kind == "Int64" and len(counts) <= MAX_CODES else []
    if codes and codes == list(range(codes[0], codes[-1] + 1)) and codes[0] in (0, 1):
        return "multiclass", f"codes from {codes[0]} to {codes[-1]}"
    return "regression", "a number"


def _check_problem(column: Column, problem: str, counts: dict[str, int]) -> None:
    name, values = column.name, f"about {column.different} different"
    if problem == "regression" and column.kind not in NUMERIC:
        raise FactoryError(f"{name}: a regression needs a number, and this is {column.kind}")
    if problem == "classification" and len(counts) != 2:
        raise FactoryError(f"{name}: a classification needs two values, and there are {len(counts) or values}")
    if problem == "multiclass" and 0 < len(counts) <= 2:
        raise FactoryError(f"{name}: a multiclass needs 3 to {MAX_CLASSES} classes, and there are {len(counts)}")
    if problem == "multiclass" and not 0 < len(counts) <= MAX_CLASSES:
        raise FactoryError(
            f"{name}: {column.rows} rows with {len(counts) or values} values are free text or a number, not 3 to {MAX_CLASSES} classes"
        )


def _counts(values: pl.LazyFrame, name: str) -> dict[str, int]:
    """Rows of each value, by its text, in the values' order."""
    known = values.select(pl.col(name).alias("value")).drop_nulls()
    counts = known.group_by("value").len().sort("value").collect(engine="streaming")
    return {_text(value): int(count) for value, count in counts.rows()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _positive(counts: dict[str, int]) -> str:
    """The value that counts as true: a yes, else the rarer one."""
    return next((text for text in counts if text.lower() in YES), min(counts, key=lambda text: counts[text]))
