"""What a table may hold that no contract can state."""

import re
import unicodedata

import polars as pl

from ..errors import FactoryError

PATTERN = re.compile(r"\*|\^.*\$")  # which polars takes for several columns
KINDS = ("Int64", "Float64", "Date", "Datetime", "Time", "Bool", "String")
"""The types that a column of a contract has here."""


def refuse_names(names: list[str]) -> None:
    """Raise FactoryError where a name cannot be written down, or stands for several columns."""
    for name in names:
        if PATTERN.fullmatch(name) or any(unicodedata.category(sign) == "Cc" for sign in name):
            raise FactoryError(f"column {name!r}: rename it: line breaks, control characters, * and ^…$ are no names")


def is_readable(dtype: pl.DataType) -> bool:
    """Whether values of the type are numbers, times, truths or texts."""
    return not (dtype.is_nested() or dtype in (pl.Duration, pl.Binary, pl.Object, pl.Int128, pl.UInt128))
