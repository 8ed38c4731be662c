"""Rows against the contract: types first, then every rule, with all that is wrong in one message."""

from functools import cache
from math import isfinite
from typing import Any

import dataframely as dy
import polars as pl

from ..errors import Breach, ContractViolation
from ..tables.chunks import Rows, collected, height
from .parsing import shown, typed

Plain = tuple[bool, Any, Any, int | None, int | None]
LIMITS = ("|nullability", "|min", "|max", "|min_length", "|max_length", "|nan", "|inf")


def conform(rows: pl.DataFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    """The same rows with the contract's columns, order and types, every rule checked.

    Text is parsed (a CSV file has nothing else) and numbers change width; a value that such a
    change would alter is a violation. Raises ContractViolation.
    """
    rows = typed(rows, schema)
    check(rows, schema)
    return rows


def frame(rows: list[tuple[Any, ...]], schema: type[dy.Schema]) -> pl.DataFrame:
    """Rows of the contract's Python types, in its order, as a table."""
    return pl.DataFrame(rows, {name: column.dtype for name, column in schema.columns().items()}, orient="row")


def check(rows: Rows, schema: type[dy.Schema]) -> None:
    """Refuse rows of the contract's types that break a rule. Raises ContractViolation."""
    # each expression costs a single row as much as the model: plain limits are quicker to see in Python
    row = only_row(rows) if isinstance(rows, pl.DataFrame) and rows.height == 1 else None
    in_limits = row is not None and keeps_limits(row, schema)
    broken = broken_rules(rows, schema, limits(schema) if in_limits else frozenset())
    if broken:
        raise ContractViolation([breach(rows, rule, schema) for rule in broken])


def only_row(rows: pl.DataFrame) -> tuple[Any, ...] | None:
    """The values of the one row; None where Python has none for a time."""
    try:
        return rows.row(0)
    except (ValueError, pl.exceptions.PanicException):
        return None


def keeps_limits(row: tuple[Any, ...], schema: type[dy.Schema]) -> bool:
    """Whether each value of a row of the contract's types is within the plain limits of its column."""
    return all(map(_in_limits, row, _plain(schema)))


def broken_rules(rows: Rows, schema: type[dy.Schema], kept: frozenset[str]) -> list[str]:
    """The names of the rules that a row breaks, without those that are known to be kept."""
    verdicts = _verdicts(schema, kept)
    said = collected(rows.select(verdicts)).row(0, named=True) if verdicts else {}
    return [name for name, holds in said.items() if not holds]


def check_invariants(rows: Rows, invariants: dict[str, pl.Expr]) -> None:
    """Refuse a delivery that breaks an invariant, or for which one has no answer."""
    broken = [name for name, expression in invariants.items() if collected(rows.select(expression)).item() is not True]
    if broken:
        raise ContractViolation([Breach("not so", name) for name in broken])


@cache
def _plain(schema: type[dy.Schema]) -> list[Plain]:
    """Of each column whether null will do, the least and the greatest value, and the least and the greatest length."""
    names = ("nullable", "min", "max", "min_length", "max_length")
    columns = schema.columns().values()
    return [tuple(getattr(column, name, None) for name in names) for column in columns]  # type: ignore[misc]


@cache
def rules(schema: type[dy.Schema]) -> dict[str, pl.Expr]:
    """Every rule, by its name."""
    # dataframely builds these anew at each validation, which costs ten times the scoring of a row
    return {name: rule.expr for name, rule in schema._validation_rules(with_cast=False).items()}


@cache
def limits(schema: type[dy.Schema]) -> frozenset[str]:
    """The names of the rules that are plain limits of one column."""
    return frozenset(name for name in rules(schema) if name.endswith(LIMITS))


@cache
def _verdicts(schema: type[dy.Schema], kept: frozenset[str]) -> list[pl.Expr]:
    return [rule.all().alias(name) for name, rule in rules(schema).items() if name not in kept]


def _in_limits(value: Any, limits: Plain) -> bool:
    nullable, low, high, shortest, longest = limits
    if value is None:
        return nullable
    if isinstance(value, float) and not isfinite(value):
        return False
    if isinstance(value, (str, bytes, list)):
        low, high = shortest, longest
        value = len(value.encode() if isinstance(value, str) else value)
    return (low is None or value >= low) and (high is None or value <= high)


def breach(rows: Rows, rule: str, schema: type[dy.Schema]) -> Breach:
    """What is wrong with the rows that break the rule."""
    expression = rules(schema)[rule]
    column, _, kind = rule.partition("|")
    involved = [column] if kind else list(dict.fromkeys(expression.meta.root_names()))
    bad = collected(rows.with_row_index("").filter(~expression).select("", *involved))
    limit = getattr(schema.columns().get(column), kind, None) if kind else None
    stated = f"{kind} {limit}" if limit is not None and not isinstance(limit, bool) else kind
    return Breach(column, stated, bad.item(0, ""), f"{bad.height} of {height(rows)} rows, e.g. {_example(bad)}")


def _example(bad: pl.DataFrame) -> str:
    return ", ".join(f"{name} = {shown(bad[name])}" for name in bad.columns[1:])
