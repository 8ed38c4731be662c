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

from .. import contract

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


def known(name: str, found: pl.DataType, column: dy.Column) -> pl.Expr:
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
