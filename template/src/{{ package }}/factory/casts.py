"""Rows brought to the contract's types, without altering a value."""

from collections.abc import Callable
from functools import cache
from typing import Any

import dataframely as dy
import polars as pl

from . import spellings
from .errors import Breach, ContractViolation


def typed(rows: pl.DataFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    """The same rows with the contract's columns, order and types; no rule is checked. Raises ContractViolation.

    What means unknown, by the contract's spellings, is null; columns that it ignores are gone.
    """
    names, dtypes = _expected(schema)
    if rows.columns == names and rows.dtypes == dtypes and not _conceal(rows, schema):
        return rows
    return _cast(rows, schema)


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
    present = {name: column for name, column in schema.columns().items() if name in rows.columns}
    plain = _plain_numbers(rows, present)
    known = rows.select(spellings.known(n, rows.schema[n], c) for n, c in present.items() if n not in plain.columns)
    cast = known.select(_parsed(n, known.schema[n], present[n]) for n in known.columns)
    wrong = [problem for before in known if (problem := _altered(before, cast[before.name], present)) is not None]
    return pl.DataFrame([plain[name] if name in plain.columns else cast[name] for name in present]), wrong


def _conceal(rows: pl.DataFrame, schema: type[dy.Schema]) -> bool:
    """Whether rows of the contract's types may hold values that mean unknown; of a single one it is certain."""
    tests = _concealing(schema, spellings.missing())
    return bool(tests) and (rows.height != 1 or any(test(rows.item(0, place)) for place, test in tests))


@cache
def _concealing(schema: type[dy.Schema], missing: tuple[str, ...] | None) -> list[tuple[int, Callable[[Any], bool]]]:
    tests = (spellings.conceals(column) for column in schema.columns().values())
    return [(place, test) for place, test in enumerate(tests) if test]


def _cast(rows: pl.DataFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    columns = schema.columns()
    known = columns.keys() | spellings.ignored().keys()
    problems = [Breach(name, "column missing") for name in columns if name not in rows.columns]
    problems += [Breach(name, "column not in the contract") for name in rows.columns if name not in known]
    cast, altered = attempt(rows, schema)
    problems += altered
    if problems:
        raise ContractViolation(problems)
    return cast


def _plain_numbers(rows: pl.DataFrame, columns: dict[str, dy.Column]) -> pl.DataFrame:
    """The columns of text that are numbers as they stand, all of them: most columns of most files."""
    text = [name for name in columns if rows.schema[name] == pl.String and spellings.is_plain(columns[name])]
    cast = rows.select(pl.col(name).cast(columns[name].dtype, strict=False) for name in text)
    return cast.select(name for name in text if cast[name].null_count() == rows[name].null_count())


def _parsed(name: str, found: pl.DataType, column: dy.Column) -> pl.Expr:
    if _may_cast(found, column):
        return spellings.parsed(name, found, column)
    return pl.lit(None, column.dtype).alias(name)


def _may_cast(found: pl.DataType, column: dy.Column) -> bool:
    wanted = column.dtype
    return (
        found == wanted
        or found == pl.Null
        or (found == pl.String and not wanted.is_nested())
        or (found.is_numeric() and wanted.is_numeric())
        or (found.is_numeric() and wanted == pl.Boolean and _has_codes(column, found))
        or ((found.is_numeric() or found == pl.Boolean) and isinstance(wanted, pl.Enum))
        or (isinstance(found, pl.Datetime) and isinstance(wanted, pl.Datetime) and found.time_zone == wanted.time_zone)
        or (isinstance(found, pl.Datetime) and wanted == pl.Date and found.time_zone is None)
        or (isinstance(found, pl.Enum | pl.Categorical) and isinstance(wanted, pl.Enum | pl.String | pl.Boolean))
    )


def _has_codes(column: dy.Column, found: pl.DataType) -> bool:
    """Whether the column's own words for true and false are such numbers, whole or floating."""
    words = [text for truth in ("true", "false") for text in spellings.about(column).get(truth, ())]
    return bool(words) and (found.is_integer() or any("." in text for text in words))


def _altered(before: pl.Series, after: pl.Series, columns: dict[str, dy.Column]) -> Breach | None:
    if before.dtype == after.dtype:
        return None
    if not _may_cast(before.dtype, columns[before.name]):
        return Breach(before.name, f"type is {before.dtype}, not {after.dtype}")
    lost = before.is_not_null() & after.is_null()
    if (before.dtype.is_numeric() and after.dtype.is_numeric()) or before.dtype.is_temporal():
        lost |= (after.cast(before.dtype, strict=False) != before).fill_null(False)
    if not lost.any():
        return None
    evidence = f"{lost.sum()} of {len(before)} rows, e.g. {shown(before.filter(lost))}"
    return Breach(before.name, f"not {_named(columns[before.name])}", lost.arg_max(), evidence)


def _named(column: dy.Column) -> str:
    if isinstance(column.dtype, pl.Enum):
        return f"one of {', '.join(column.dtype.categories)}"
    format = spellings.about(column).get("format")
    return f"{column.dtype}, as {format}" if format else str(column.dtype)
