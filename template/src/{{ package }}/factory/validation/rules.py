"""Validate rows against the contract: types first, then every rule; all violations in one message."""

from functools import cache
from math import isfinite
from typing import Any

import dataframely as dy
import polars as pl

from ..errors import BrokenInvariant, ContractViolation, Violation
from ..tables.chunks import Rows, collect, height
from .dataframely_internals import BOUNDS, validation_rules
from .expectations import measured
from .parsing import cast, dtypes, first_value

PROBLEMS = {
    "nullability": "nullability (no value)",
    "nan": "NaN",
    "inf": "infinite",
}  # users' tests match `: nullability`
Bounds = tuple[bool, Any, Any, int | None, int | None]


def validate(rows: pl.DataFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    """The same rows with the contract's columns, order and types, after checking every rule.

    Text is parsed (a CSV file has nothing else) and numbers are cast; a value that this would
    change is a violation. Raises ContractViolation.
    """
    rows = cast(rows, schema)
    check(rows, schema)
    return rows


def frame(rows: list[tuple[Any, ...]], schema: type[dy.Schema]) -> pl.DataFrame:
    """Rows of the contract's Python types, in its order, as a table."""
    return pl.DataFrame(rows, dtypes(schema), orient="row")


def check(rows: Rows, schema: type[dy.Schema]) -> None:
    """Refuse rows of the contract's types that violate a rule. Raises ContractViolation."""
    # for a single row each expression takes as long as the model: plain bounds are faster in Python
    row = single_row(rows) if isinstance(rows, pl.DataFrame) and rows.height == 1 else None
    in_bounds = row is not None and within_bounds(row, schema)
    violated = violated_rules(rows, schema, bound_rules(schema) if in_bounds else frozenset())
    if violated:
        raise ContractViolation([violation(rows, rule, schema) for rule in violated])


def single_row(rows: pl.DataFrame) -> tuple[Any, ...] | None:
    """The values of the only row; None where Python cannot represent a time."""
    try:
        return rows.row(0)
    except (ValueError, pl.exceptions.PanicException):
        return None


def within_bounds(row: tuple[Any, ...], schema: type[dy.Schema]) -> bool:
    """Whether each value of a row of the contract's types is within the plain bounds of its column."""
    return all(map(_in_bounds, row, _bounds(schema)))


def violated_rules(rows: Rows, schema: type[dy.Schema], kept: frozenset[str]) -> list[str]:
    """The names of the rules that are violated, without those known to hold."""
    checks = _checks(schema, kept)
    results = collect(rows.select(checks)).row(0, named=True) if checks else {}
    return [name for name, holds in results.items() if not holds]


def check_invariants(rows: Rows, invariants: dict[str, pl.Expr]) -> None:
    """Refuse a delivery that violates an invariant, or for which one cannot be evaluated."""
    results = collect(rows.select(expression.alias(name) for name, expression in invariants.items()))
    broken = [name for name in invariants if [value is True for value in results[name]] != [True]]
    if broken:
        raise ContractViolation([BrokenInvariant(name, measured(invariants[name], rows)) for name in broken])


@cache
def rules(schema: type[dy.Schema]) -> dict[str, pl.Expr]:
    """Every rule, by its name."""
    return validation_rules(schema)


@cache
def bound_rules(schema: type[dy.Schema]) -> frozenset[str]:
    """The names of the rules that are plain bounds of one column."""
    return frozenset(name for name in rules(schema) if name.endswith(BOUNDS))


def columns_of(rule: str, schema: type[dy.Schema]) -> list[str]:
    """The columns that the rule looks at."""
    column, _, kind = rule.partition("|")
    return [column] if kind else list(dict.fromkeys(rules(schema)[rule].meta.root_names()))


def violation(rows: Rows, rule: str, schema: type[dy.Schema]) -> Violation:
    """The violation of the rule by the rows."""
    expression = rules(schema)[rule]
    subject, what = problem(rule, schema)
    bad = collect(rows.with_row_index("").filter(~expression).select("", *columns_of(rule, schema)))
    example = "" if rule.endswith("|nullability") else _example(bad)
    return Violation(subject, what, bad.item(0, ""), bad.height, height(rows), example)


def problem(rule: str, schema: type[dy.Schema]) -> tuple[str, str]:
    """The column, or the name of a rule between columns, and what is wrong where it does not hold."""
    column, _, kind = rule.partition("|")
    bound = getattr(schema.columns().get(column), kind, None) if kind else None
    return column, _problem(kind, bound)


@cache
def _bounds(schema: type[dy.Schema]) -> list[Bounds]:
    """Of each column: nullable, minimum and maximum, and minimum and maximum length."""
    names = ("nullable", "min", "max", "min_length", "max_length")
    columns = schema.columns().values()
    return [tuple(getattr(column, name, None) for name in names) for column in columns]  # type: ignore[misc]


@cache
def _checks(schema: type[dy.Schema], kept: frozenset[str]) -> list[pl.Expr]:
    return [rule.all().alias(name) for name, rule in rules(schema).items() if name not in kept]


def _in_bounds(value: Any, bounds: Bounds) -> bool:
    nullable, low, high, shortest, longest = bounds
    if value is None:
        return nullable
    if isinstance(value, float) and not isfinite(value):
        return False
    if isinstance(value, (str, bytes, list)):
        low, high = shortest, longest
        value = len(value.encode() if isinstance(value, str) else value)
    return (low is None or value >= low) and (high is None or value <= high)


def _problem(kind: str, bound: Any) -> str:
    """The rule of a column, as what is wrong with the value."""
    if bound is None or isinstance(bound, bool):
        return PROBLEMS.get(kind, kind)
    side = {"min": "below", "max": "above", "min_exclusive": "not above", "max_exclusive": "not below"}
    return f"{side.get(kind.removesuffix('_length'), '')} {kind} {bound}".lstrip()


def _example(bad: pl.DataFrame) -> str:
    return ", ".join(f"{name} = {first_value(bad[name])}" for name in bad.columns[1:])
