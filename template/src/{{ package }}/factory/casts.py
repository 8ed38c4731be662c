"""Rows brought to the contract's types, without altering a value."""

from functools import cache
from typing import Any

import dataframely as dy
import polars as pl

from .. import contract
from .errors import Breach, ContractViolation

FORMATS: dict[Any, list[str]] = {
    pl.Date: ["%Y-%m-%d"],
    pl.Time: ["%H:%M:%S%.f"],
    pl.Datetime: ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d"],
}
"""ISO 8601 alone, since any other date can be read in two ways."""
ZONED = "%Y-%m-%dT%H:%M:%S%.f%#z"


def typed(rows: pl.DataFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    """The same rows with the contract's columns, order and types; no rule is checked. Raises ContractViolation."""
    names, dtypes = _expected(schema)
    return (
        rows if rows.columns == names and rows.dtypes == dtypes else _cast(rows, dict(zip(names, dtypes, strict=True)))
    )


def shown(values: pl.Series) -> str:
    """The first of the values."""
    try:
        return f"{values[0]!s:.40}"
    except (ValueError, pl.exceptions.PanicException):
        return "a time beyond the years that Python knows"


@cache
def _expected(schema: type[dy.Schema]) -> tuple[list[str], list[pl.DataType]]:
    columns = schema.columns()
    return list(columns), [column.dtype for column in columns.values()]


def attempt(rows: pl.DataFrame, schema: type[dy.Schema]) -> tuple[pl.DataFrame, list[Breach]]:
    """The columns of both in the contract's types, null where a value cannot be brought to its type, and what is wrong."""
    return _attempt(rows, dict(zip(*_expected(schema), strict=True)))


def _cast(rows: pl.DataFrame, wanted: dict[str, pl.DataType]) -> pl.DataFrame:
    problems = [Breach(name, "column missing") for name in wanted if name not in rows.columns]
    known = wanted.keys() | getattr(contract, "IGNORED", {}).keys()
    problems += [Breach(name, "column not in the contract") for name in rows.columns if name not in known]
    cast, altered = _attempt(rows, wanted)
    problems += altered
    if problems:
        raise ContractViolation(problems)
    return cast


def _attempt(rows: pl.DataFrame, wanted: dict[str, pl.DataType]) -> tuple[pl.DataFrame, list[Breach]]:
    present = {name: dtype for name, dtype in wanted.items() if name in rows.columns}
    cast = rows.select(_parsed(name, rows.schema[name], dtype) for name, dtype in present.items())
    return cast, [problem for name in present if (problem := _altered(rows[name], cast[name])) is not None]


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
    if _named_by_number(found, wanted):
        value = value.cast(pl.String)
    return value.cast(wanted, strict=False) if _may_cast(found, wanted) else pl.lit(None, wanted).alias(name)


def _named_by_number(found: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether a number is the name of a category, which a cast would take for its place among them."""
    return isinstance(wanted, pl.Enum) and (found.is_integer() or found == pl.Boolean)


def _may_cast(found: pl.DataType, wanted: pl.DataType) -> bool:
    return (
        found == wanted
        or found == pl.Null
        or (found == pl.String and not wanted.is_nested())
        or (found.is_numeric() and wanted.is_numeric())
        or _named_by_number(found, wanted)
        or (isinstance(found, pl.Datetime) and isinstance(wanted, pl.Datetime) and found.time_zone == wanted.time_zone)
        or (isinstance(found, pl.Enum | pl.Categorical) and isinstance(wanted, pl.Enum | pl.String))
    )


def _altered(before: pl.Series, after: pl.Series) -> Breach | None:
    if before.dtype == after.dtype:
        return None
    if not _may_cast(before.dtype, after.dtype):
        return Breach(before.name, f"type is {before.dtype}, not {after.dtype}")
    lost = before.is_not_null() & after.is_null()
    if (before.dtype.is_numeric() or before.dtype.is_temporal()) and not isinstance(after.dtype, pl.Enum):
        lost |= (after.cast(before.dtype, strict=False) != before).fill_null(False)
    if not lost.any():
        return None
    evidence = f"{lost.sum()} of {len(before)} rows, e.g. {shown(before.filter(lost))}"
    return Breach(before.name, f"not {_named(after.dtype)}", lost.arg_max(), evidence)


def _named(dtype: pl.DataType) -> str:
    return f"one of {', '.join(dtype.categories)}" if isinstance(dtype, pl.Enum) else str(dtype)
