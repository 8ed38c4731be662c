"""What the target asks: which of two, which of several, or how much."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from ..errors import FactoryError
from .profile import TEMPORAL, Column
from .source import KINDS
from .type_inference import NUMERIC, TRUTH, typed

CLASSES = 100
CODES = 20
ROWS = 50
"""The least that can be split into rows to learn from and rows to test on."""
CLASS_ROWS = 5
YES = {word for words in TRUTH for word in words[:1]} | {"1", "1.0"}


@dataclass(frozen=True)
class Question:
    """The target, what kind of problem it is, and why; `counts` are the rows of each class, by its text."""

    target: Column
    problem: str
    why: str
    counts: dict[str, int]
    positive: str | None = None

    @property
    def rows(self) -> int:
        """How many have an outcome."""
        return self.target.rows - self.target.missing


def ask(table: pl.LazyFrame, target: Column, problem: str | None) -> Question:
    """The question that the column puts. Raises FactoryError where it puts none that a model could answer."""
    name, rows = target.name, target.rows - target.missing
    if target.kind not in KINDS:
        raise FactoryError(f"{name}: {target.spelled.note}")
    if not rows:
        raise FactoryError(f"{name}: the target is missing in all {target.rows} rows")
    if target.kind in TEMPORAL:
        raise FactoryError(f"{name}: a {target.kind.lower()} is no target: predict a number or a class")
    if target.different == 1:
        raise FactoryError(f"{name}: the target is the same in all rows: there is nothing to predict")
    if rows < ROWS:
        raise FactoryError(f"{name}: {rows} rows have an outcome: at least {ROWS} are needed to learn and to test")
    counts = _counts(table, target) if target.different <= 2 * CLASSES else {}
    problem, why = (problem, "as you said") if problem else _guessed(target, counts)
    _refuse_unfit(target, problem, counts)
    if problem == "regression":
        return Question(target, problem, why, {})
    few = [kind for kind, count in counts.items() if count < CLASS_ROWS]
    if few:
        raise FactoryError(
            f"{name}: {few[0]!r} stands in {counts[few[0]]} of {rows} rows, and at least {CLASS_ROWS} are needed: "
            "remove such rows, or join the class with another"
        )
    return Question(target, problem, why, counts, _positive(counts) if problem == "classification" else None)


def _guessed(target: Column, counts: dict[str, int]) -> tuple[str, str]:
    if len(counts) == 2:
        return "classification", "two values"
    if target.kind == "String":
        return "multiclass", f"{len(counts)} classes"
    numbers = sorted(int(text) for text in counts) if target.kind == "Int64" and len(counts) <= CODES else []
    if numbers and numbers == list(range(numbers[0], numbers[-1] + 1)) and numbers[0] in (0, 1):
        return "multiclass", f"codes from {numbers[0]} to {numbers[-1]}"
    return "regression", "a number"


def _refuse_unfit(target: Column, problem: str, counts: dict[str, int]) -> None:
    name, values = target.name, f"about {target.different} different"
    if problem == "regression" and target.kind not in NUMERIC:
        raise FactoryError(f"{name}: a regression needs a number, and this is {target.kind}")
    if problem == "classification" and len(counts) != 2:
        raise FactoryError(f"{name}: a classification needs two values, and there are {len(counts) or values}")
    if problem == "multiclass" and 0 < len(counts) <= 2:
        raise FactoryError(f"{name}: a multiclass needs 3 to {CLASSES} classes, and there are {len(counts)}")
    if problem == "multiclass" and not 0 < len(counts) <= CLASSES:
        raise FactoryError(
            f"{name}: {target.rows} rows with {len(counts) or values} values are free text or a number, not 3 to {CLASSES} classes"
        )


def _counts(table: pl.LazyFrame, target: Column) -> dict[str, int]:
    """Rows of each value, by its text, in the values' order."""
    values = typed(table, {target.name: target.spelled}).drop_nulls().rename({target.name: "value"})
    counted = values.group_by("value").len().sort("value").collect(engine="streaming")
    return {_text(value): int(count) for value, count in counted.rows()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _positive(counts: dict[str, int]) -> str:
    """The value that counts as true: a yes, else the rarer one."""
    return next((text for text in counts if text.lower() in YES), min(counts, key=lambda text: counts[text]))
