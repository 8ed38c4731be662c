"""The time of each row: a column, or several with its year, month, day, hour, minute and second."""

import calendar

import polars as pl

from ..config import Data
from ..errors import ContractViolation, Violation
from ..tables.chunks import Rows, collect, column
from ..validation.times import digits

BEFORE = ("", "-", "-", " ", ":", ":")
START = ("", "-1", "-1", " 0", ":0", ":0")
"""What stands before each part in a text, and what stands for it where there is none."""
DAY = 3  # parts
MONTHS = {name.lower(): f"{number}" for number, name in enumerate(calendar.month_abbr) if name}


def times(rows: Rows, data: Data) -> pl.Series:
    """The time of each row; null where it has none, or one that does not exist."""
    if isinstance(data.time, str):
        return column(rows, data.time)
    return collect(rows.select(joined(rows.collect_schema(), data.times))).to_series()


def joined(schema: pl.Schema, columns: list[str]) -> pl.Expr:
    """The parts of a time, in the columns, as a date; with an hour as a date and time."""
    parts = (pl.concat_str(pl.lit(BEFORE[place]), _part(name, schema[name])) for place, name in enumerate(columns))
    text = pl.concat_str(*parts, pl.lit("".join(START[len(columns) :])))
    time = text.str.strptime(pl.Datetime("us"), "%Y-%m-%d %H:%M:%S", strict=False)
    return (time if len(columns) > DAY else time.cast(pl.Date)).alias(", ".join(columns))


def check_exist(rows: Rows, data: Data) -> None:
    """Refuse parts that make no time, such as a 31 February. Raises ContractViolation."""
    if len(data.times) < 2:
        return
    parts = collect(rows.select(data.times))
    time = times(parts, data)
    odd = time.is_null() & parts.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    if odd.any():
        example = ", ".join(f"{part}" for part in parts.filter(odd).row(0))
        raise ContractViolation(
            [Violation(time.name, "no such time", odd.arg_max(), int(odd.sum()), len(odd), example)]
        )


def _part(name: str, dtype: pl.DataType) -> pl.Expr:
    """A whole number, or the number of a month by its name, as text."""
    if dtype.is_numeric():
        return digits(pl.col(name))
    return pl.col(name).cast(pl.String).str.slice(0, 3).str.to_lowercase().replace(MONTHS)
