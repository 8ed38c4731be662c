"""What goes with the target of a forecast as nothing could that is known at its origin.

A feature may be a value that the target follows closely, such as the last one of a slow series. So each is measured against
the naive forecasts, in the far half of the horizon, where these know least; and by ranks within each series, so that a copy in
another unit, or one unit for each series, is found as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..config import Params
from ..forecasting.rows import BASELINES, SMOOTHED, is_known_ahead, series_number
from ..validation import definition

LIMIT = 0.98
"""The correlation from which on it needs an explanation."""
TIMES = 8
"""How much more the naive forecasts leave unexplained."""
MIN_ROWS, MIN_ROWS_PER_SERIES = 100, 10
MAX_PARTS = 50
MIN_WEIGHT = 0.05  # of a part of a sum
TARGET, SERIES, TIME, FEATURE = "target ", "series ", "time ", "feature "  # no column of users ends in a space
SIMPLE = (*BASELINES, *SMOOTHED, TIME)
"""What everybody knows: the time, too, from which a series that only grows follows."""


@dataclass(frozen=True)
class Leak:
    """Columns, their correlation with the target, and that of the best naive forecast."""

    columns: tuple[str, ...]
    figure: float
    naive: float

    @property
    def subject(self) -> str:
        """The columns, by which a person can accept it in params.yaml."""
        return ", ".join(self.columns)

    @property
    def evidence(self) -> str:
        """What was measured, and the question that it raises."""
        one = len(self.columns) == 1
        return (
            f"correlation with the target {self.figure:.4f} late in the horizon, of the best naive forecast {self.naive:.4f}: "
            f"{'is it' if one else 'are they'} known at the origin?"
        )


def find(rows: pl.DataFrame, features: pl.DataFrame, params: Params) -> list[Leak]:
    """Each feature, and each sum of columns known ahead, that predicts the target far better than the naive forecasts."""
    forecast = params.forecast
    assert forecast is not None
    far = rows["step"] * 2 > forecast.horizon
    rows, features = rows.filter(far), features.filter(far)
    target, time = pl.col(params.data.target).cast(pl.Float64), pl.col(forecast.time).to_physical().cast(pl.Float64)
    whole = rows.select(
        target.alias(TARGET), series_number(forecast.groups).alias(SERIES), time.alias(TIME), *SIMPLE[:-1]
    )
    if whole.height < MIN_ROWS_PER_SERIES * whole[SERIES].n_unique():
        whole = whole.with_columns(pl.lit(0).alias(SERIES))
    singles = [_single(whole, column) for column in _numbers(features).iter_columns()]
    ahead = [name for name, column in definition.delivered().columns().items() if is_known_ahead(column)]
    found = [leak for leak in singles if leak]
    taken = {leak.columns[0] for leak in found}
    parts = _numbers(rows.select(name for name in ahead if name not in taken))
    return found + list(_sums(whole.hstack(parts), parts.columns))


def _numbers(table: pl.DataFrame) -> pl.DataFrame:
    """The columns that are numbers, or can be counted as such."""
    kinds = (name for name, dtype in table.schema.items() if dtype.is_numeric() or dtype == pl.Boolean)
    return table.select(pl.col(name).cast(pl.Float64) for name in kinds)


def _single(table: pl.DataFrame, column: pl.Series) -> Leak | None:
    """Whether the column goes with the target."""
    known = table.with_columns(column.alias(FEATURE)).filter(
        pl.col(FEATURE).is_not_null() & pl.col(FEATURE).is_not_nan() & pl.col(TARGET).is_not_null()
    )
    if known.height < MIN_ROWS:
        return None
    order = known.select(pl.exclude(SERIES).rank().over(SERIES) / pl.len().over(SERIES))
    figure, naive = _correlation(order, FEATURE), max(_correlation(order, each) for each in SIMPLE)
    return Leak((column.name,), figure, naive) if _is_suspicious(figure, naive) else None


def _sums(table: pl.DataFrame, names: Sequence[str]) -> Iterator[Leak]:
    """Columns of which a weighted sum is the target, such as its parts."""
    known = table.drop_nulls([TARGET, *names])
    if not 1 < len(names) <= MAX_PARTS or known.height < MIN_ROWS:
        return
    centred = known.select((each := pl.exclude(SERIES)) - each.mean().over(SERIES))
    parts, target = centred.select(names).to_numpy(), centred[TARGET].to_numpy()
    spread = parts.std(axis=0)
    used = spread > 0
    weights = np.zeros(len(names))
    scaled = parts[:, used] / spread[used]
    weights[used] = np.linalg.lstsq(scaled, target)[0]
    fitted = centred.select(TARGET, *SIMPLE, pl.Series(FEATURE, scaled @ weights[used]))
    figure, naive = _correlation(fitted, FEATURE), max(_correlation(fitted, each) for each in SIMPLE)
    large = np.abs(weights) >= MIN_WEIGHT * np.abs(weights).sum()
    if large.sum() > 1 and _is_suspicious(figure, naive):
        yield Leak(tuple(name for name, counts in zip(names, large, strict=True) if counts), figure, naive)


def _correlation(table: pl.DataFrame, name: str) -> float:
    found = table.drop_nulls(name).select(pl.corr(name, TARGET)).item()
    return 0.0 if found is None or np.isnan(found) else abs(float(found))


def _is_suspicious(figure: float, naive: float) -> bool:
    return figure >= LIMIT and (1 - figure) * TIMES < 1 - naive
