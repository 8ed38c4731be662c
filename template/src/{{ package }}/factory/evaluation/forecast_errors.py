"""How a forecast does by step, by series, and by the calendar, next to the value of the season before."""

import re
from typing import Any

import numpy as np
import polars as pl

from ... import contract
from ..config import Forecast, Params
from ..metrics import definitions
from ..scoring import interval
from ..validation import personal
from .assessment import Assessment

CALENDAR = {"m": ("hour", "weekday"), "h": ("hour", "weekday"), "d": ("weekday", "month")}
"""By the unit of the time between observations, what of the calendar errors may depend on; of longer ones the month alone."""


def by_step(a: Assessment) -> pl.DataFrame:
    """As `measured`, by how many steps ahead is forecast."""
    return measured(a, a.test["step"]).sort("group")


def by_series(a: Assessment) -> pl.DataFrame:
    """The same by series, the best first; `group` is the name."""
    return measured(a, names(a.test, a.params)).sort("error", "group")


def by_calendar(a: Assessment) -> dict[str, pl.DataFrame]:
    """By name the same by parts of the time that is forecast, of which there are several."""
    forecast = _forecast(a.params)
    unit = re.sub(r"\d", "", forecast.every)
    parts = {part: getattr(a.test[forecast.time].dt, part)() for part in CALENDAR.get(unit, ("month",))}
    return {part: measured(a, values).sort("group") for part, values in parts.items() if values.n_unique() > 1}


def measured(a: Assessment, groups: pl.Series) -> pl.DataFrame:
    """By `group` the main metric as `error`, that of the seasonal naive forecast as `naive`, `rows`, mean `bias`, and of intervals
    the share `coverage` of targets in them and the mean `width`."""
    metric = definitions.main_metric(a.params)
    naive = np.asarray(definitions.trivial_scores(a.test, a.params, a.manifest["baseline"]))
    low, high = bounds(a)
    inside, target = (low <= a.target) & (a.target <= high), a.target
    places = groups.alias("group").to_frame().with_row_index("row").group_by("group", maintain_order=True).agg("row")

    def figures(group: Any, rows: Any) -> dict[str, Any]:
        return {
            "group": group,
            "rows": len(rows),
            "error": float(metric(target[rows], a.score[rows])),
            "naive": float(metric(target[rows], naive[rows])),
            "bias": float((a.score[rows] - np.asarray(target)[rows]).mean()),
            "coverage": float(inside[rows].mean()),
            "width": float((high[rows] - low[rows]).mean()),
        }

    return pl.DataFrame([figures(group, np.array(rows)) for group, rows in places.iter_rows()])


def names(rows: pl.DataFrame, params: Params) -> pl.Series:
    """The name of each row's series; a number where it is personal data."""
    groups = _forecast(params).groups
    if not groups:
        return pl.Series("series", [params.data.target]).extend_constant(params.data.target, rows.height - 1)
    name = pl.concat_str([pl.col(group).cast(pl.String) for group in groups], separator=" / ")
    if {*personal.columns(contract.LabelledRow)} & {*groups}:
        name = pl.format("series {}", pl.struct(groups).rank("dense"))
    return rows.select(name.alias("series")).to_series()


def details(a: Assessment) -> dict[str, Any]:
    """What reports/evaluation.json holds of it."""
    return {"steps": by_step(a).to_dicts(), "series": by_series(a).to_dicts()}


def bounds(a: Assessment) -> tuple[definitions.Vector, definitions.Vector]:
    """The ends of each test row's interval; of a model without intervals the scores."""
    known = a.manifest.get("interval")
    return interval.bounds(a.score, known, a.test) if known else (a.score, a.score)


def _forecast(params: Params) -> Forecast:
    if params.forecast is None:
        raise ValueError("nothing is forecast")
    return params.forecast
