"""The target, and the type of problem: binary classification, multiclass, regression or forecasting."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from ..config import NUMBERS
from ..errors import FactoryError
from .dates import TEMPORAL
from .profile import Column
from .source import KINDS
from .type_inference import NUMERIC

USER_CHOICE = "set by hand"
MAX_CLASSES = 100
MAX_CODES = 20
MIN_ROWS = 50  # for training and test
MIN_CLASS_ROWS = 5
YES = {"true", "yes", "y", "t", "on", "1", "1.0"}


@dataclass(frozen=True)
class Target:
    """The column to predict, the type of problem and the reason; `counts` are the rows of each class, by its text."""

    column: Column
    problem: str
    why: str
    counts: dict[str, int]
    positive: str | None = None

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def is_number(self) -> bool:
        """Whether a number is predicted, rather than a class."""
        return self.problem in NUMBERS

    @property
    def is_forecast(self) -> bool:
        """Whether the numbers of series are predicted that come next."""
        return self.problem == "forecasting"

    @property
    def rows(self) -> int:
        """The number of rows with a value."""
        return self.column.rows - self.column.missing

    @property
    def share_positive(self) -> float | None:
        """Among the rows with a value; None where there is no positive class."""
        return self.counts[self.positive] / self.rows if self.positive is not None else None


def baseline_of(problem: str) -> str:
    """What is predicted without a model."""
    return "the value of a season before" if problem == "forecasting" else "a constant prediction"


def infer_problem(values: pl.LazyFrame, column: Column, problem: str | None) -> Target:
    """The column as the target. Raises FactoryError where no model can be trained to predict it."""
    check_outcomes(column)
    counts = _counts(values, column.name) if column.different <= 2 * MAX_CLASSES else {}
    problem, why = (problem, USER_CHOICE) if problem else _inferred(column, counts)
    _check_problem(column, problem, counts)
    if problem in NUMBERS:
        return Target(column, problem, why, {})
    rare = [text for text, count in counts.items() if count < MIN_CLASS_ROWS]
    if rare:
        raise FactoryError(
            f"{column.name}: class {rare[0]!r} has {counts[rare[0]]} of {column.rows - column.missing:,} rows, "
            f"at least {MIN_CLASS_ROWS} are needed: remove these rows, or merge the class with another"
        )
    return Target(column, problem, why, counts, _positive(counts) if problem == "classification" else None)


def check_outcomes(column: Column) -> None:
    """Raise FactoryError where nothing can be learnt of its values."""
    name, rows = column.name, column.rows - column.missing
    if column.kind not in KINDS:
        raise FactoryError(f"{name}: {column.format.note}")
    if not rows:
        raise FactoryError(f"{name}: the target has no value in any of the {column.rows:,} rows")
    if column.kind in TEMPORAL:
        raise FactoryError(f"{name}: a {column.kind.lower()} cannot be the target: predict a number or a class")
    if column.different == 1:
        raise FactoryError(f"{name}: the target has the same value in all rows: there is nothing to predict")
    if rows < MIN_ROWS:
        raise FactoryError(f"{name}: {rows} rows have a value, at least {MIN_ROWS} are needed to train and test")


def _inferred(column: Column, counts: dict[str, int]) -> tuple[str, str]:
    """The type of problem, and the reason."""
    if len(counts) == 2:
        return "classification", "two values"
    if column.kind == "String":
        return "multiclass", f"{len(counts)} classes"
    codes = sorted(int(text) for text in counts) if column.kind == "Int64" and len(counts) <= MAX_CODES else []
    if codes and codes == list(range(codes[0], codes[-1] + 1)) and codes[0] in (0, 1):
        return "multiclass", f"integers {codes[0]} to {codes[-1]}"
    return "regression", "a number"


def _check_problem(column: Column, problem: str, counts: dict[str, int]) -> None:
    name, values = column.name, f"about {column.different:,}"
    if problem in NUMBERS and column.kind not in NUMERIC:
        raise FactoryError(f"{name}: {problem} needs a numeric target, this one is {column.kind}")
    if problem == "classification" and len(counts) != 2:
        raise FactoryError(f"{name}: classification needs 2 distinct values, there are {len(counts) or values}")
    if problem == "multiclass" and 0 < len(counts) <= 2:
        raise FactoryError(f"{name}: multiclass needs 3 to {MAX_CLASSES} classes, there are {len(counts)}")
    if problem == "multiclass" and not 0 < len(counts) <= MAX_CLASSES:
        raise FactoryError(
            f"{name}: multiclass needs 3 to {MAX_CLASSES} classes, there are {len(counts) or values} distinct values: free text or a number?"
        )


def _counts(values: pl.LazyFrame, name: str) -> dict[str, int]:
    """Rows of each value, by its text, in the values' order."""
    known = values.select(pl.col(name).alias("value")).drop_nulls()
    counts = known.group_by("value").len().sort("value").collect(engine="streaming")
    return {_text(value): int(count) for value, count in counts.rows()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _positive(counts: dict[str, int]) -> str:
    """The positive class: yes or true, or else the rarer value."""
    return next((text for text in counts if text.lower() in YES), min(counts, key=lambda text: counts[text]))
