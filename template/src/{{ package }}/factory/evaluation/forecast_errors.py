"""How a forecast does by step, by series, and by the calendar, next to the value of the season before."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ... import contract
from ..config import Forecast, Params
from ..forecasting import grid
from ..forecasting.rows import series_number
from ..metrics.definitions import Vector, main_metric
from ..scoring import interval
from ..validation import personal

CALENDAR = {"m": ("hour", "weekday"), "h": ("hour", "weekday"), "d": ("weekday", "month")}
"""By the unit of the time between observations, what of the calendar errors may depend on; of longer ones the month alone."""


@dataclass(frozen=True)
class ForecastErrors:
    """Of the test rows by `group` the main metric as `error`, that of the seasonal naive forecast as `naive`, `rows`, mean `bias`,
    and of intervals the share `coverage` of targets in them and the mean `width`.

    `steps` by how many steps ahead is forecast; `series` by name, the best first; `calendar` by parts of the time that is forecast,
    of which there are several. Of each row the name of its series, and the ends of its interval; without intervals the scores.
    """

    steps: pl.DataFrame
    series: pl.DataFrame
    calendar: dict[str, pl.DataFrame]
    names: pl.Series
    low: Vector
    high: Vector

    @property
    def figures(self) -> dict[str, Any]:
        """Those in reports/evaluation.json."""
        return {"steps": self.steps.to_dicts(), "series": self.series.to_dicts()}


def measure(
    test: pl.DataFrame, target: Vector, score: Vector, naive: Any, params: Params, known: dict[str, Any] | None
) -> ForecastErrors | None:
    """The errors of scores with these intervals; None where nothing is forecast."""
    forecast = params.forecast
    if forecast is None:
        return None
    metric, outcome = main_metric(params), np.asarray(target)
    low, high = interval.bounds(score, known, test) if known else (score, score)
    inside = (low <= outcome) & (outcome <= high)

    def figures(group: Any, rows: Any) -> dict[str, Any]:
        return {
            "group": group,
            "rows": len(rows),
            "error": float(metric(target[rows], score[rows])),
            "naive": float(metric(target[rows], naive[rows])),
            "bias": float((score[rows] - outcome[rows]).mean()),
            "coverage": float(inside[rows].mean()),
            "width": float((high[rows] - low[rows]).mean()),
        }

    def by(groups: pl.Series) -> pl.DataFrame:
        places = groups.alias("group").to_frame().with_row_index("row").group_by("group").agg("row").sort("group")
        return pl.DataFrame([figures(group, np.array(rows)) for group, rows in places.iter_rows()])

    named = names(test, forecast, params.data.target)
    calendar = {part: by(values) for part, values in _calendar(test, forecast).items() if values.n_unique() > 1}
    return ForecastErrors(by(test["step"]), by(named).sort("error", "group"), calendar, named, low, high)


def names(rows: pl.DataFrame, forecast: Forecast, target: str) -> pl.Series:
    """The name of each row's series; a number where it is personal data, and the target's where there is one series."""
    name = (
        pl.concat_str(pl.col(forecast.groups).cast(pl.String), separator=" / ") if forecast.groups else pl.lit(target)
    )
    if {*personal.columns(contract.LabelledRow)} & {*forecast.groups}:
        name = pl.format("series {}", series_number(forecast.groups))
    return rows.with_columns(name.alias("series"))["series"]


def _calendar(rows: pl.DataFrame, forecast: Forecast) -> dict[str, pl.Series]:
    _, unit = grid.parts(forecast.every)
    return {part: getattr(rows[forecast.time].dt, part)() for part in CALENDAR.get(unit, ("month",))}
