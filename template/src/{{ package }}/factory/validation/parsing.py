"""Parse text into the contract's types: missing values, formats of dates, numbers and booleans, and casting.

`MISSING` in contract.py lists texts that mean a missing value in any column, `IGNORED` columns that nothing uses, and a
column's `metadata` its own formats: `format`, `pivot`, `thousands`, `decimal`, `true`, `false`, `missing`, and `not_missing`,
which are ordinary values in spite of MISSING; `case` says how its texts are compared, `pii` what of a person it holds; `unseen` and
`unseen_limit` what becomes of categories that it does not have.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import dataframely as dy
import polars as pl

from ... import contract
from ..errors import ContractViolation, Violation
from ..tables.names import is_index
from . import numbers, texts, times, unseen

COLUMN_MISSING, COLUMN_UNKNOWN = "column missing", "column not in the contract"
MICROSECONDS = 1_000_000  # in a second
MOST_HINTS = 20  # columns that are compared with the missing ones


def ignored() -> dict[str, str]:
    """Columns that a delivery may have and nothing uses, with the reasons."""
    return getattr(contract, "IGNORED", {})


def is_ignored(name: str) -> bool:
    """Whether a column that the contract does not have may be in a delivery: one it ignores, or with the numbers of the rows."""
    return name in ignored() or is_index(name)


def missing() -> tuple[str, ...] | None:
    """The texts that mean a missing value in every column; None if the contract does not declare any."""
    declared = getattr(contract, "MISSING", None)
    return None if declared is None else tuple(declared)


def missing_words(column: dy.Column) -> list[str]:
    """The texts that mean a missing value in the column."""
    known = formats(column).get("not_missing", ())
    return [*(word for word in missing() or () if word not in known), *formats(column).get("missing", ())]


def formats(column: dy.Column) -> dict[str, Any]:
    """The formats that the column itself declares."""
    return column.metadata or {}


@cache
def dtypes(schema: type[dy.Schema]) -> dict[str, pl.DataType]:
    """The type of each of the contract's columns, in their order."""
    return {name: column.dtype for name, column in schema.columns().items()}


def needs_no_parsing(column: dy.Column) -> bool:
    """Whether a text can be cast to a number of this column without parsing."""
    return column.dtype.is_numeric() and not numbers.declared(column) and not missing_words(column)


def hidden_missing(column: dy.Column) -> Callable[[Any], bool] | None:
    """Tests whether a value of the column's own type means a missing one; None if no value does."""
    if column.dtype == pl.String:
        words = {*missing_words(column), *([] if missing() is None else [""])}
        return (lambda value: isinstance(value, str) and value.strip() in words) if words else None
    codes = _missing_numbers(column)
    return (lambda value: isinstance(value, int | float) and value in codes) if codes else None


def null_where_missing(name: str, dtype: pl.DataType, column: dy.Column) -> pl.Expr:
    """The values, null where they mean a missing one; text is stripped, unless the column is one of text, or normalized."""
    value, words = pl.col(name), missing_words(column)
    if isinstance(dtype, pl.Categorical | pl.Enum) and (words or texts.is_normalized(column)):
        value, dtype = value.cast(pl.String), pl.String()
    if dtype == pl.String:
        text = texts.stripped(value, column)
        if column.dtype != pl.String or missing() is not None:
            words = [*words, ""]
        kept = value if column.dtype in (pl.String, pl.Enum) and not texts.is_normalized(column) else text
        unknown = text.is_in(words)
        if _missing_numbers(column):
            unknown |= text.cast(pl.Float64, strict=False).is_in(_missing_numbers(column)).fill_null(False)
        return pl.when(~unknown).then(kept).alias(name) if words else value
    if dtype.is_numeric() and _missing_numbers(column):
        known = pl.all_horizontal(value != number for number in _missing_numbers(column))
        return pl.when(known).then(value).alias(name)
    return value


def parse(name: str, dtype: pl.DataType, column: dy.Column) -> pl.Expr:
    """The values, which have that type, in the column's type; null where they cannot be parsed."""
    value, target = pl.col(name), column.dtype
    if (dtype == pl.String or dtype.is_numeric()) and target.base_type() in times.ISO:
        return times.parse(value, dtype, column)
    if target == pl.Boolean and dtype != pl.Boolean and dtype != pl.Null:
        return numbers.parse_boolean(value, column)
    if dtype == pl.String and target.is_numeric():
        return numbers.parse(value, column).alias(name)
    if dtype == pl.Duration:
        return (value.dt.total_microseconds() / MICROSECONDS).cast(target)
    if isinstance(target, pl.Enum):
        read = _category(value, dtype, column)
        return read.fill_null(_instead_of_unseen(value, column)) if unseen.is_accepted(column) else read
    return value.cast(target, strict=False)


def cast(rows: pl.DataFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    """The same rows with the contract's columns, order and types; no rule is checked. Raises ContractViolation.

    What the contract declares as missing is null; columns that it ignores are dropped.
    """
    wanted = dtypes(schema)
    if rows.columns == [*wanted] and rows.dtypes == [*wanted.values()] and not _may_hide_missing(rows, schema):
        return rows
    columns = schema.columns()
    absent = [name for name in columns if name not in rows.columns]
    unknown = [name for name in rows.columns if name not in columns and not is_ignored(name)]
    problems = [Violation(name, COLUMN_MISSING) for name in absent]
    problems += [Violation(name, COLUMN_UNKNOWN + texts.hint(name, absent)) for name in unknown[:MOST_HINTS]]
    problems += [Violation(name, COLUMN_UNKNOWN) for name in unknown[MOST_HINTS:]]
    values, losses = try_cast(rows, schema)
    if problems or losses:
        raise ContractViolation([*problems, *losses])
    return values


def try_cast(rows: pl.DataFrame, schema: type[dy.Schema]) -> tuple[pl.DataFrame, list[Violation]]:
    """The common columns in the contract's types, null where a value cannot be cast, and the violations."""
    known, values = _before_and_after(rows, schema)
    losses = [_loss(before, values[before.name], schema.columns()[before.name]) for before in known]
    return values, [loss for loss in losses if loss is not None]


def losses(rows: pl.DataFrame, schema: type[dy.Schema]) -> tuple[pl.DataFrame, dict[tuple[str, str], pl.Series]]:
    """The table that `try_cast` gives, and by column and problem the rows whose value the cast changed or lost."""
    known, values = _before_and_after(rows, schema)
    columns = {before.name: (before, values[before.name], schema.columns()[before.name]) for before in known}
    lost = {(name, _problem(column)): _lost(before, after, column) for name, (before, after, column) in columns.items()}
    return values, {subject: mask for subject, mask in lost.items() if mask.any()}


def first_value(values: pl.Series) -> str:
    """The first value, shortened."""
    try:
        (value,) = values.head(1).to_list()
        return f"{value!s:.40}"
    except (ValueError, pl.exceptions.PanicException):
        return "a time outside the years 1 to 9999"


@cache
def _missing_numbers(column: dy.Column) -> list[float]:
    codes: list[float] = []
    for text in formats(column).get("missing", ()) if column.dtype.is_numeric() else ():
        with suppress(ValueError):
            codes.append(float(text))
    return codes


def _category(value: pl.Expr, dtype: pl.DataType, column: dy.Column) -> pl.Expr:
    if dtype.is_float():
        value = pl.when(value == value.round()).then(value).cast(pl.Int64, strict=False)
    text = value.cast(pl.String)
    stripped = text.str.to_titlecase() if dtype == pl.Boolean else text.str.strip_chars()
    read = pl.coalesce(each.cast(column.dtype, strict=False) for each in (text, stripped))
    return read.fill_null(texts.category(stripped, column)) if texts.is_in_any_case(column) else read


def _instead_of_unseen(value: pl.Expr, column: dy.Column) -> pl.Expr:
    return pl.when(value.is_not_null()).then(pl.lit(unseen.taken_as(column), column.dtype))


def _may_hide_missing(rows: pl.DataFrame, schema: type[dy.Schema]) -> bool:
    """Whether rows of the contract's types may contain values that mean missing; exact for a single row."""
    tests = _missing_tests(schema, missing())
    return bool(tests) and (rows.height != 1 or any(test(rows.item(0, place)) for place, test in tests))


@cache
def _missing_tests(schema: type[dy.Schema], missing: tuple[str, ...] | None) -> list[tuple[int, Callable[[Any], bool]]]:
    tests = (hidden_missing(column) for column in schema.columns().values())
    return [(place, test) for place, test in enumerate(tests) if test]


def _plain_numbers(rows: pl.DataFrame, columns: dict[str, dy.Column]) -> dict[str, pl.Series]:
    """The text columns that are plain numbers throughout: most columns of most files."""
    given = rows.schema
    names = [name for name, column in columns.items() if given[name] == pl.String and needs_no_parsing(column)]
    plain = rows.select(pl.col(name).cast(columns[name].dtype, strict=False) for name in names)
    return {each.name: each for each in plain if each.null_count() == rows[each.name].null_count()}


def _parse_if_castable(name: str, dtype: pl.DataType, column: dy.Column) -> pl.Expr:
    return parse(name, dtype, column) if _is_castable(dtype, column) else pl.lit(None, column.dtype).alias(name)


def _is_castable(dtype: pl.DataType, column: dy.Column) -> bool:
    target = column.dtype
    return (
        dtype == target
        or dtype == pl.Null
        or (dtype == pl.String and not target.is_nested())
        or (dtype.is_numeric() and target.is_numeric())
        or (dtype == pl.Duration and target.is_float())
        or (is_long(dtype) and target == pl.String)
        or (dtype.is_numeric() and target == pl.Boolean and _has_codes(column, dtype))
        or (dtype.is_numeric() and target.is_temporal() and "format" in formats(column))
        or ((dtype.is_numeric() or dtype == pl.Boolean) and isinstance(target, pl.Enum))
        or (isinstance(dtype, pl.Datetime) and isinstance(target, pl.Datetime) and dtype.time_zone == target.time_zone)
        or (isinstance(dtype, pl.Datetime) and target == pl.Date and dtype.time_zone is None)
        or (isinstance(dtype, pl.Enum | pl.Categorical) and isinstance(target, pl.Enum | pl.String | pl.Boolean))
    )


def is_long(dtype: pl.DataType) -> bool:
    """Whether numbers of the type are whole and may be beyond 64 bits with a sign."""
    return dtype in (pl.UInt64, pl.Int128, pl.UInt128) or (isinstance(dtype, pl.Decimal) and dtype.scale == 0)


def _has_codes(column: dy.Column, dtype: pl.DataType) -> bool:
    """Whether the column's own words for true and false are numbers of that type."""
    words = [text for truth in ("true", "false") for text in formats(column).get(truth, ())]
    return bool(words) and (dtype.is_integer() or any("." in text for text in words))


def _before_and_after(rows: pl.DataFrame, schema: type[dy.Schema]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The common columns that need a look, null where a value means a missing one; and all of them in the contract's types."""
    given = rows.schema
    columns = {name: column for name, column in schema.columns().items() if name in given}
    plain = _plain_numbers(rows, columns)
    others = [(name, column) for name, column in columns.items() if name not in plain]
    known = rows.select(null_where_missing(name, given[name], column) for name, column in others)
    values = plain | {
        each.name: each
        for each in known.select(_parse_if_castable(name, dtype, columns[name]) for name, dtype in known.schema.items())
    }
    return known, pl.DataFrame([values[name] for name in columns])


def _loss(before: pl.Series, after: pl.Series, column: dy.Column) -> Violation | None:
    """The values that the cast changed or lost, if any."""
    if before.dtype == after.dtype:
        return None
    if not _is_castable(before.dtype, column):
        return Violation(before.name, f"type is {before.dtype}, not {after.dtype}")
    if unseen.is_accepted(column):
        _note_unseen(before, column)
        return None
    if before.null_count() == after.null_count() and not _may_be_changed(before.dtype, after.dtype):
        return None  # without a look at each value, as most columns of most tables
    lost = _lost(before, after, column)
    if not lost.any():
        return None
    example = first_value(before.filter(lost))
    example += texts.hint(example, column.dtype.categories) if isinstance(column.dtype, pl.Enum) else ""
    return Violation(before.name, _problem(column), lost.arg_max(), int(lost.sum()), len(before), example)


def _lost(before: pl.Series, after: pl.Series, column: dy.Column) -> pl.Series:
    """Which values the cast changed or lost."""
    lost = before.is_not_null() & after.is_null()
    if before.dtype == after.dtype or unseen.is_accepted(column):
        return pl.zeros(len(before), pl.Boolean, eager=True)
    if isinstance(before.dtype, pl.Decimal) and not is_long(before.dtype):
        return lost  # a fraction is rounded, as from text
    if _may_be_changed(before.dtype, after.dtype):
        lost |= (after.cast(before.dtype, strict=False) != before).fill_null(False)
    return lost


def _may_be_changed(*dtypes: pl.DataType) -> bool:
    """Whether values that the cast from one to the other keeps may be others."""
    return all(dtype.is_numeric() for dtype in dtypes) or all(dtype.is_temporal() for dtype in dtypes)


def _problem(column: dy.Column) -> str:
    return f"not {_type_name(column)}"


def _note_unseen(before: pl.Series, column: dy.Column) -> None:
    read = before.to_frame().select(_category(pl.col(before.name), before.dtype, column)).to_series()
    unseen.note(before.name, before.filter(before.is_not_null() & read.is_null()).cast(pl.String))


def _type_name(column: dy.Column) -> str:
    if isinstance(column.dtype, pl.Enum):
        return f"one of {', '.join(column.dtype.categories)}"
    format = formats(column).get("format")
    return f"{column.dtype}, as {format}" if format else str(column.dtype)
