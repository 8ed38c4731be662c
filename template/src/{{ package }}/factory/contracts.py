"""Rows against the contract: types first, then every rule, with all that is wrong in one message."""

from functools import cache
from math import isfinite
from typing import Any

import dataframely as dy
import polars as pl

from .errors import ContractViolation

MAX_LISTED = 8
FORMATS: dict[Any, list[str]] = {
    pl.Date: ["%Y-%m-%d"],
    pl.Time: ["%H:%M:%S%.f"],
    pl.Datetime: ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d"],
}
"""ISO 8601 alone, since any other date can be read in two ways."""
ZONED = "%Y-%m-%dT%H:%M:%S%.f%#z"
LIMITS = ("|nullability", "|min", "|max", "|min_length", "|max_length", "|nan", "|inf")


def conform(rows: pl.DataFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    """The same rows with the contract's columns, order and types, every rule checked.

    Text is parsed (a CSV file has nothing else) and numbers change width; a value that such a
    change would alter is a violation. Raises ContractViolation.
    """
    if rows.schema != _dtypes(schema):
        rows = _cast(rows, schema)
    broken = _broken_rules(rows, schema)
    if broken:
        raise ContractViolation(_listed([_describe(rows, rule, schema) for rule in broken]))
    return rows


def check_invariants(rows: pl.DataFrame, invariants: dict[str, pl.Expr]) -> None:
    """Refuse a delivery that breaks an invariant, or for which one has no answer."""
    broken = [name for name, expression in invariants.items() if rows.select(expression).item() is not True]
    if broken:
        raise ContractViolation(_listed([f"not so: {name}" for name in broken]))


@cache
def _dtypes(schema: type[dy.Schema]) -> pl.Schema:
    return pl.Schema({name: column.dtype for name, column in schema.columns().items()})


@cache
def _columns(schema: type[dy.Schema]) -> list[dy.Column]:
    return list(schema.columns().values())


@cache
def _rules(schema: type[dy.Schema]) -> dict[str, pl.Expr]:
    # dataframely builds these anew at each validation, which costs ten times the scoring of a row
    return {name: rule.expr for name, rule in schema._validation_rules(with_cast=False).items()}


@cache
def _verdicts(schema: type[dy.Schema], beyond_limits: bool) -> list[pl.Expr]:
    rules = _rules(schema).items()
    return [rule.all().alias(name) for name, rule in rules if not (beyond_limits and name.endswith(LIMITS))]


def _broken_rules(rows: pl.DataFrame, schema: type[dy.Schema]) -> list[str]:
    # each expression costs a single row as much as the model: plain limits are quicker to see in Python
    beyond_limits = rows.height == 1 and all(map(_in_limits, rows.row(0), _columns(schema)))
    verdicts = rows.select(_verdicts(schema, beyond_limits))
    return [name for name, kept in verdicts.row(0, named=True).items() if not kept] if verdicts.width else []


def _in_limits(value: Any, column: dy.Column) -> bool:
    if value is None:
        return column.nullable
    low, high = getattr(column, "min", None), getattr(column, "max", None)
    if isinstance(value, float) and not isfinite(value):
        return False
    if isinstance(value, str):
        value, low, high = len(value.encode()), getattr(column, "min_length", None), getattr(column, "max_length", None)
    return (low is None or value >= low) and (high is None or value <= high)


def _describe(rows: pl.DataFrame, rule: str, schema: type[dy.Schema]) -> str:
    expression = _rules(schema)[rule]
    column, _, kind = rule.partition("|")
    involved = [column] if kind else list(dict.fromkeys(expression.meta.root_names()))
    bad = rows.filter(~expression).select(involved)
    limit = getattr(schema.columns().get(column), kind, None) if kind else None
    stated = f"{column}: {kind}" if kind else column
    stated += f" {limit}" if limit is not None and not isinstance(limit, bool) else ""
    return f"{stated}, {bad.height} of {rows.height} rows, e.g. {_example(bad)}"


def _example(bad: pl.DataFrame) -> str:
    values = [f"{name} = {value!s:.40}" for name, value in bad.row(0, named=True).items()]
    return ", ".join(values)


def _listed(problems: list[str]) -> str:
    more = len(problems) - MAX_LISTED
    return "; ".join(problems[:MAX_LISTED]) + (f"; and {more} more" if more > 0 else "")


def _cast(rows: pl.DataFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    wanted = _dtypes(schema)
    problems = [f"{name}: column missing" for name in wanted if name not in rows.columns]
    problems += [f"{name}: column not in the contract" for name in rows.columns if name not in wanted]
    present = {name: dtype for name, dtype in wanted.items() if name in rows.columns}
    cast = rows.select(_parsed(name, rows.schema[name], dtype) for name, dtype in present.items())
    problems += [problem for name in present if (problem := _altered(rows[name], cast[name])) is not None]
    if problems:
        raise ContractViolation(_listed(problems))
    return cast


def _parsed(name: str, found: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    value = pl.col(name)
    if found == pl.String and wanted.base_type() in FORMATS:
        formats = [ZONED] if getattr(wanted, "time_zone", None) else FORMATS[wanted.base_type()]
        text = value.str.replace(" ", "T", literal=True)
        return pl.coalesce(text.str.strptime(wanted, format, strict=False) for format in formats)  # type: ignore[arg-type]
    if found == pl.String and wanted == pl.Boolean:
        return value.str.to_lowercase().replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=wanted
        )
    return value.cast(wanted, strict=False) if _may_cast(found, wanted) else pl.lit(None, wanted).alias(name)


def _may_cast(found: pl.DataType, wanted: pl.DataType) -> bool:
    return (
        found == wanted
        or found == pl.Null
        or (found == pl.String and not wanted.is_nested())
        or (found.is_numeric() and wanted.is_numeric())
        or (isinstance(found, pl.Datetime) and isinstance(wanted, pl.Datetime) and found.time_zone == wanted.time_zone)
        or (isinstance(found, pl.Enum | pl.Categorical) and isinstance(wanted, pl.Enum | pl.String))
    )


def _altered(before: pl.Series, after: pl.Series) -> str | None:
    if before.dtype == after.dtype:
        return None
    if not _may_cast(before.dtype, after.dtype):
        return f"{before.name}: type is {before.dtype}, not {after.dtype}"
    lost = before.is_not_null() & after.is_null()
    if before.dtype.is_numeric() or before.dtype.is_temporal():
        lost |= (after.cast(before.dtype, strict=False) != before).fill_null(False)
    if not lost.any():
        return None
    example = before.filter(lost)[0]
    return f"{before.name}: not {_named(after.dtype)}, {lost.sum()} of {len(before)} rows, e.g. {example!s:.40}"


def _named(dtype: pl.DataType) -> str:
    return f"one of {', '.join(dtype.categories)}" if isinstance(dtype, pl.Enum) else str(dtype)
