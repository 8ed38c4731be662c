"""The contract of the rows that are scored, from that of the observations that are delivered."""

from collections.abc import Callable, Sequence
from copy import copy
from datetime import date
from typing import Any

import dataframely as dy
import polars as pl

from ..errors import FactoryError

History = Callable[[pl.DataFrame, Any], pl.DataFrame]

KNOWN_AHEAD = {"known_ahead": True}
"""The metadata of a column whose values are known for the times that are forecast, such as holidays."""

BASELINES = ("naive", "seasonal_naive", "mean", "drift")
"""What the last value, that of the last season, the mean and the trend alone would forecast: in the order of Row's columns, which models rely on."""
BETTER_FIRST = ("seasonal_naive", "naive", "mean", "drift")
SMOOTHED = ("smooth", "smooth_level", "smooth_trend")
"""What exponential smoothing forecasts: the mean of three methods, a level, and a damped trend."""
_declared: dict[type[dy.Schema], tuple[History, tuple[list[str], str, str]]] = {}
COMPUTED = ("origin", "step", *BASELINES, *SMOOTHED, "scale")


def rows(
    observation: type[dy.Schema], history: History, *, group: str | Sequence[str] | None = None, time: str, target: str
) -> tuple[type[dy.Schema], type[dy.Schema]]:
    """`Row`, what is known at an origin about one step of its horizon, and `LabelledRow`, which has the target too.

    A row has the series, the time that is forecast, and what is known ahead of it; the `origin`, which is the time of the last
    observation that counts, and the `step` from there, from 1 on; the naive forecasts, and the `scale`, by how much a value
    differs from that of a season before; then what `history` returns. Raises FactoryError.
    """
    columns = observation.columns()
    groups = [group] if isinstance(group, str) else list(group or [])
    _check(columns, groups, time, target)
    known = {name: columns[name] for name in (*groups, time)}
    known |= {name: column for name, column in columns.items() if is_known_ahead(column)}
    computed = {
        "origin": _time(columns[time].dtype, "the last time that counts as observed"),
        "step": dy.Int16(min=1, description="from the origin"),
        **{name: dy.Float64(nullable=True, description=f"forecast by the {name}") for name in (*BASELINES, *SMOOTHED)},
        "scale": dy.Float64(nullable=True, min=0, description="mean difference from a season before"),
    }
    past = _past(observation, history, [*groups, time], {*known, *computed, target})
    doc = f"What is known at an origin about one step of a forecast. {observation.__doc__ or ''}".strip()
    row = _schema("Row", dy.Schema, doc, observation.__module__, {**known, **computed, **past})
    _declared[row] = history, (groups, time, target)
    outcome = {target: columns[target]}
    return row, _schema("LabelledRow", row, "A row, and what came of it.", observation.__module__, outcome)


def history_of(row: type[dy.Schema]) -> History:
    """The function by which the rows were declared."""
    return _declared[row][0]


def columns_of(row: type[dy.Schema]) -> tuple[list[str], str, str]:
    """The columns of series, time and target by which the rows were declared. Raises FactoryError where they were not."""
    if row not in _declared:
        raise FactoryError(
            "contract.py: Row of a forecast is made of observations: `Row, LabelledRow = rows(Observation, …)`"
        )
    return _declared[row][1]


def series_number(groups: Sequence[str]) -> pl.Expr:
    """Of each row's series, by what these columns hold; from 1 on, in their order, and 0 where a single one has no name."""
    return pl.struct(groups).rank("dense").cast(pl.Int64) if groups else pl.lit(0, pl.Int64)


def is_known_ahead(column: dy.Column) -> bool:
    """Whether its values are known for the times that are forecast."""
    return bool((column.metadata or {}).get("known_ahead"))


def checked_history(table: Any, keys: Sequence[str], time: str) -> pl.DataFrame:
    """What history() has returned. Raises FactoryError where it is not a table of one row for each series, or series and time."""
    if not isinstance(table, pl.DataFrame):
        raise FactoryError(f"features.py: history() returns {type(table).__name__}, not a DataFrame")
    if missing := [name for name in keys if name not in table.columns]:
        raise FactoryError(f"features.py: history() returns no column {missing[0]}, which names the series")
    names = [*keys, *([time] if time in table.columns else [])]
    if table.height > 1 and (not names or table.select(names).is_duplicated().any()):
        raise FactoryError(
            f"features.py: history() returns several rows for the same {' and '.join(names) or 'origin'}: aggregate them"
        )
    return table


def _schema(name: str, base: type[dy.Schema], doc: str, module: str, columns: dict[str, dy.Column]) -> type[dy.Schema]:
    """A class with these columns, as attributes that hide none of dataframely's, whatever their names."""
    content: dict[str, Any] = {"__doc__": doc, "__module__": module}
    for number, (of, column) in enumerate(columns.items()):
        content[f"{name.lower()}_{number}"] = named = copy(column)
        named.alias = of
    return type(name, (base,), content)


def _time(dtype: pl.DataType, description: str) -> dy.Column:
    if isinstance(dtype, pl.Datetime):
        return dy.Datetime(time_unit=dtype.time_unit, time_zone=dtype.time_zone, description=description)
    return dy.Date(description=description)


def _check(columns: dict[str, dy.Column], groups: list[str], time: str, target: str) -> None:
    for name in (*groups, time, target):
        if name not in columns:
            raise FactoryError(f"contract.py: Observation has no column {name}")
    if clash := [name for name in COMPUTED if name in columns]:
        raise FactoryError(
            f"contract.py: {clash[0]} is the name of a column that rows of a forecast get: rename that of Observation"
        )
    if columns[time].dtype not in (pl.Date, pl.Datetime):
        raise FactoryError(f"contract.py: {time} is not a time but {columns[time].dtype}")
    if not columns[target].dtype.is_numeric():
        raise FactoryError(
            f"contract.py: {target} is not a number but {columns[target].dtype}: only numbers are forecast"
        )
    if is_known_ahead(columns[target]):
        raise FactoryError(f"LEAKAGE: contract.py: the target {target} cannot be known ahead: remove its metadata")


def _past(observation: type[dy.Schema], history: History, keys: list[str], taken: set[str]) -> dict[str, dy.Column]:
    """The columns of history(), by those that it returns of no observations."""
    *groups, time = keys
    origin = pl.Series([date(2000, 1, 1)]).cast(observation.columns()[time].dtype)[0]
    try:
        table = history(observation.create_empty(), origin)
    except Exception as error:
        raise FactoryError(
            f"features.py: history() fails on no observations, from which its columns are known: {error}"
        ) from error
    past = checked_history(table, groups, time).drop(*groups, time, strict=False)
    if clash := [name for name in past.columns if name in taken]:
        raise FactoryError(f"features.py: history() returns {clash[0]}, which rows have already: rename it")
    return {name: _column(name, dtype) for name, dtype in past.schema.items()}


def _column(name: str, dtype: pl.DataType) -> dy.Column:
    description = "by history()"
    if isinstance(dtype, pl.Enum):
        return dy.Enum(dtype.categories.to_list(), nullable=True, description=description)
    if dtype == pl.Boolean:
        return dy.Bool(nullable=True, description=description)
    if dtype.is_numeric():
        return dy.Float64(nullable=True, description=description)
    raise FactoryError(f"features.py: history(): {name} is {dtype}: make it a number, or a category with pl.Enum")
