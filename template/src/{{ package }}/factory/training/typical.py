"""A typical value of each column, for the example in the service's documentation. None of it identifies anybody."""

from typing import Any

import polars as pl


def typical(rows: pl.DataFrame) -> dict[str, Any]:
    """By column the rounded median, the most frequent category, or the most frequent shape of texts; ready for JSON.

    Texts may identify people, so that none is shown. A column that is mostly null has null.
    """
    mostly_null = {column.name for column in rows if 2 * column.null_count() >= len(column)}
    return {column.name: None if column.name in mostly_null else _typical(column.drop_nulls()) for column in rows}


def _typical(known: pl.Series) -> Any:
    """None for types without typical values."""
    if known.dtype.is_numeric():
        numbers = known.cast(pl.Float64)
        return _rounded(numbers.filter(numbers.is_finite()).median(), known.dtype)
    if known.dtype in (pl.Date, pl.Datetime, pl.Time):
        middle = known.sort().slice(len(known) // 2, 1)
        return (middle if known.dtype == pl.Time else middle.dt.truncate("1h")).dt.to_string("iso:strict")[0]
    if known.dtype in (pl.Boolean, pl.Enum):
        return _most_frequent(known)
    return _most_frequent(_shapes(known.cast(pl.String))) if known.dtype in (pl.String, pl.Categorical) else None


def _rounded(median: Any, dtype: pl.DataType) -> float | None:
    if median is None:
        return None
    value = float(f"{median:.3g}")
    return round(value) if dtype.is_integer() else value


def _shapes(texts: pl.Series) -> pl.Series:
    """The texts with x, X and 0 in place of their letters and digits."""
    return texts.str.replace_all(r"[\p{L}--\p{Lu}]", "x").str.replace_all(r"\p{Lu}", "X").str.replace_all(r"\d", "0")


def _most_frequent(values: pl.Series) -> Any:
    """Of several that are as frequent, the least."""
    return values.alias("value").value_counts().sort(["count", "value"], descending=[True, False]).item(0, "value")
