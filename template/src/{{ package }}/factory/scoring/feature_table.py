"""The features that features.py computes, refused where they are not a table with a row for each row."""

from typing import Any

import polars as pl

from ...features import features as compute
from ..errors import FactoryError


def features(rows: Any) -> Any:
    """The features of the rows, one row for each; of a plan of rows (LazyFrame), the plan. Raises FactoryError."""
    table = compute(rows)
    if isinstance(rows, pl.LazyFrame):
        return table
    if not isinstance(table, pl.DataFrame):
        hint = ": call .collect() on it" if isinstance(table, pl.LazyFrame) else ""
        raise FactoryError(f"features.py: features() returns {type(table).__name__}, not a DataFrame{hint}")
    if not table.width:
        raise FactoryError("features.py: features() returns no column: the model would have nothing to learn from")
    if table.height != rows.height:
        raise FactoryError(
            f"features.py: of {rows.height:,} rows features() returns {table.height:,}: it has to return one for each, in their order"
        )
    return table
