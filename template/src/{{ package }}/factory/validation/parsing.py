"""How a delivery may spell its values, as contract.py declares it: what means unknown, and how text is read.

`MISSING` holds texts that mean unknown in any column, `IGNORED` columns that nobody uses, and a column's
`metadata` its own spellings: `format`, `thousands`, `decimal`, `true`, `false` and `missing`.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import dataframely as dy
import polars as pl

from ... import contract
from ..errors import Breach, ContractViolation

FORMATS: dict[Any, list[str]] = {
    pl.Date: ["%Y-%m-%d"],
    pl.Time: ["%H:%M:%S%.f"],
    pl.Datetime: ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d"],
}
"""ISO 8601, unless the column names a format, since any other date can be read in two ways."""
ZONED = "%Y-%m-%dT%H:%M:%S%.f%#z"
BOOLEANS = {"true": True, "false": False}


def ignored() -> dict[str, str]:
    """Columns that a delivery may have and nobody uses, and why."""
    return getattr(contract, "IGNORED", {})


def missing() -> tuple[str, ...] | None:
    """The texts that mean unknown in every column; None where the contract does not say."""
    declared = getattr(contract, "MISSING", None)
    return None if declared is None else tuple(declared)


def words(column: dy.Column) -> list[str]:
    """The texts that mean unknown in the column."""
    return [*(missing() or ()), *about(column).get("missing", ())]


def about(column: dy.Column) -> dict[str, Any]:
    """The spellings that the column has of its own."""
    return column.metadata or {}


def is_plain(column: dy.Column) -> bool:
    """Whether text becomes a number of this column as it stands."""
    spelled = {"thousands", "decimal", "missing"} & about(column).keys()
    return column.dtype.is_numeric() and not spelled and not words(column)


def conceals(column: dy.Column) -> Callable[[Any], bool] | None:
    """Whether a value of the column's own type means unknown; None where none does."""
    if column.dtype == pl.String:
        texts = {*words(column), *([] if missing() is None else [""])}
        return (lambda value: isinstance(value, str) and value.strip() in texts) if texts else None
    numbers = _numbers(column)
    return (lambda value: isinstance(value, int | float) and value in numbers) if numbers else None


def null_where_missing(name: str, found: pl.DataType, column: dy.Column) -> pl.Expr:
    """The values, null where they mean unknown; text without blanks around it, unless it is wanted as it is."""
    value, hidden = pl.col(name), words(column)
    if isinstance(found, pl.Categorical | pl.Enum) and hidden:
        value, found = value.cast(pl.String), pl.String()
    if found == pl.String:
        text = value.str.strip_chars()
        if column.dtype != pl.String or missing() is not None:
            hidden = [*hidden, ""]
        kept = value if column.dtype in (pl.String, pl.Enum) else text
        unknown = text.is_in(hidden)
        if _numbers(column):
            unknown |= text.cast(pl.Float64, strict=False).is_in(_numbers(column)).fill_null(False)
        return pl.when(~unknown).then(kept).alias(name) if hidden else value
    if found.is_numeric() and _numbers(column):
        return pl.when(pl.all_horizontal(value != number for number in _numbers(column))).then(value).alias(name)
    return value


def parsed(name: str, found: pl.DataType, column: dy.Column) -> pl.Expr:
    """The known values in the column's type, null where they cannot be that."""
    value, wanted = pl.col(name), column.dtype
    if found == pl.String and wanted.base_type() in FORMATS:
        return _time(value, column)
    if wanted == pl.Boolean and found != pl.Boolean and found != pl.Null:
        return _boolean(value, column)
    if found == pl.String and wanted.is_numeric():
        return _number(value, column).cast(wanted, strict=False)
    if isinstance(wanted, pl.Enum):
        return _category(value, found, wanted)
    return value.cast(wanted, strict=False)


@cache
def _numbers(column: dy.Column) -> list[float]:
    numbers: list[float] = []
    for text in about(column).get("missing", ()) if column.dtype.is_numeric() else ():
        with suppress(ValueError):
            numbers.append(float(text))
    return numbers


def _time(text: pl.Expr, column: dy.Column) -> pl.Expr:
    wanted: Any = column.dtype
    if "format" in about(column):
        return text.str.strptime(wanted, about(column)["format"], strict=False)
    formats = [ZONED] if getattr(wanted, "time_zone", None) else FORMATS[wanted.base_type()]
    text = text.str.replace(" ", "T", literal=True)
    return pl.coalesce(text.str.strptime(wanted, format, strict=False) for format in formats)


def _boolean(value: pl.Expr, column: dy.Column) -> pl.Expr:
    own = {text: truth for truth in (True, False) for text in about(column).get(str(truth).lower(), ())}
    text = value.cast(pl.String) if own else value.cast(pl.String).str.to_lowercase()
    words = own or BOOLEANS
    true = pl.Series([word for word, truth in words.items() if truth], dtype=pl.String)
    return pl.when(text.is_in(list(words))).then(text.is_in(true.implode()))  # polars replaces in all rows at once


def _number(text: pl.Expr, column: dy.Column) -> pl.Expr:
    thousands, decimal = about(column).get("thousands"), about(column).get("decimal", ".")
    if thousands:  # in other places than between thousands it may be a decimal point
        grouped = rf"^[+-]?\d{{1,3}}({pl.escape_regex(thousands)}\d{{3}})+({pl.escape_regex(decimal)}|$)"
        fine = text.str.contains(grouped) | ~text.str.contains(thousands, literal=True)
        text = pl.when(fine).then(text.str.replace_all(thousands, "", literal=True))
    if decimal != ".":
        text = pl.when(~text.str.contains(".", literal=True)).then(text.str.replace(decimal, ".", literal=True))
    return text.str.replace(r"\.0+$", "") if column.dtype.is_integer() else text


def _category(value: pl.Expr, found: pl.DataType, wanted: pl.Enum) -> pl.Expr:
    if found.is_float():
        value = pl.when(value == value.round()).then(value).cast(pl.Int64, strict=False)
    text = value.cast(pl.String)
    spelled = [text, text.str.to_titlecase()] if found == pl.Boolean else [text, text.str.strip_chars()]
    return pl.coalesce(spelling.cast(wanted, strict=False) for spelling in spelled)


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
    known = rows.select(null_where_missing(n, rows.schema[n], c) for n, c in present.items() if n not in plain.columns)
    cast = known.select(_parsed(n, known.schema[n], present[n]) for n in known.columns)
    wrong = [problem for before in known if (problem := _altered(before, cast[before.name], present)) is not None]
    return pl.DataFrame([plain[name] if name in plain.columns else cast[name] for name in present]), wrong


def _conceal(rows: pl.DataFrame, schema: type[dy.Schema]) -> bool:
    """Whether rows of the contract's types may hold values that mean unknown; of a single one it is certain."""
    tests = _concealing(schema, missing())
    return bool(tests) and (rows.height != 1 or any(test(rows.item(0, place)) for place, test in tests))


@cache
def _concealing(schema: type[dy.Schema], missing: tuple[str, ...] | None) -> list[tuple[int, Callable[[Any], bool]]]:
    tests = (conceals(column) for column in schema.columns().values())
    return [(place, test) for place, test in enumerate(tests) if test]


def _cast(rows: pl.DataFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    columns = schema.columns()
    known = columns.keys() | ignored().keys()
    problems = [Breach(name, "column missing") for name in columns if name not in rows.columns]
    problems += [Breach(name, "column not in the contract") for name in rows.columns if name not in known]
    cast, altered = attempt(rows, schema)
    problems += altered
    if problems:
        raise ContractViolation(problems)
    return cast


def _plain_numbers(rows: pl.DataFrame, columns: dict[str, dy.Column]) -> pl.DataFrame:
    """The columns of text that are numbers as they stand, all of them: most columns of most files."""
    text = [name for name in columns if rows.schema[name] == pl.String and is_plain(columns[name])]
    cast = rows.select(pl.col(name).cast(columns[name].dtype, strict=False) for name in text)
    return cast.select(name for name in text if cast[name].null_count() == rows[name].null_count())


def _parsed(name: str, found: pl.DataType, column: dy.Column) -> pl.Expr:
    if _may_cast(found, column):
        return parsed(name, found, column)
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
    words = [text for truth in ("true", "false") for text in about(column).get(truth, ())]
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
    format = about(column).get("format")
    return f"{column.dtype}, as {format}" if format else str(column.dtype)
