"""Forecasts drawn: of single series with what came before and after, and errors by step and calendar."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import polars as pl

from ..data import prepare
from ..metrics.definitions import main_metric
from .assessment import Assessment
from .forecast_errors import ForecastErrors
from .svg import Axis, Chart, Figure

BEFORE, LEAST_BEFORE = 3, 24  # horizons before the origin, and observations of short ones
DAY = 86_400  # seconds
LEGEND = ("forecast", "model"), ("observed", "other")
AGAINST = ("model", "model"), ("season before", "other")


def figures(a: Assessment) -> Iterator[Figure]:
    """The typical, the best and the worst series, then errors and coverage by step, and errors by the calendar."""
    if not (errors := a.forecast):
        return
    yield from fans(a, errors)
    steps, metric = errors.steps, main_metric(a.params)
    if steps.height > 1:
        caption = f"{metric.label.capitalize()} of forecasts so many steps ahead."
        yield Figure("Errors by step", caption, _errors(steps, "steps ahead", metric.label).svg(), AGAINST)
        if a.manifest.get("interval"):
            yield _coverage(a, steps)
    for part, table in errors.calendar.items():
        chart = _errors(table, part, metric.label)
        yield Figure(
            f"Errors by {part}", f"{metric.label.capitalize()}, by the {part} that is forecast.", chart.svg(), AGAINST
        )


def fans(a: Assessment, errors: ForecastErrors) -> Iterator[Figure]:
    """The last whole forecast of up to three series."""
    ranked = errors.series["group"].to_list()
    places = {"Typical series": len(ranked) // 2, "Best series": 0, "Worst series": len(ranked) - 1}
    chosen = {ranked[place]: title for title, place in reversed(places.items())}
    for name, title in reversed(chosen.items()):
        rows = _last_whole(a, errors.names == name)
        level = a.manifest["interval"]["level"] if a.manifest.get("interval") else 0
        caption = (
            f"{name}: the last forecast of the test, {f'its {level:.0%} interval, ' if level else ''}and what came."
        )
        yield Figure(title, caption, _fan(a, rows, errors).svg(), LEGEND)


def _last_whole(a: Assessment, own: pl.Series) -> pl.Series:
    """The rows of the series from its last origin with the most steps, in the order of these."""
    rows = a.test.select("origin", "step").with_row_index("row").filter(own)
    sizes = rows.group_by("origin").agg(pl.len()).sort("len", "origin")
    return rows.filter(pl.col("origin") == sizes["origin"][-1]).sort("step")["row"]


def _fan(a: Assessment, rows: pl.Series, errors: ForecastErrors) -> Chart:
    settings = a.manifest["forecast"]
    time, target = settings["time"], settings["target"]
    seen = prepare.scan("observations").filter(pl.col(time) <= a.test["origin"][rows[0]]).collect()
    if groups := settings["groups"]:
        seen = seen.join(a.test[rows[:1]].select(groups), on=groups, how="semi", nulls_equal=True)
    before = seen.sort(time)
    before = before.tail(max(BEFORE * settings["horizon"], LEAST_BEFORE)).drop_nulls(target)
    low, high = (end[rows.to_numpy()].tolist() for end in (errors.low, errors.high))
    score, came = a.score[rows.to_numpy()].tolist(), a.test[target].cast(pl.Float64)[rows].to_list()
    past = before[target].cast(pl.Float64).to_list()
    x, ahead = ([_day(each) for each in times] for times in (before[time], a.test[time][rows]))
    values = [*past, *came, *low, *high]
    pad = 0.04 * (max(values) - min(values)) or 0.5
    chart = Chart(
        Axis(time, min([*x, *ahead]), max(ahead), days=True), Axis(target, min(values) - pad, max(values) + pad)
    )
    chart.band(ahead, low, high).line([*x, *ahead], [*past, *came], "line other")
    return chart.line(ahead, score, points=len(ahead) == 1)


def _errors(table: pl.DataFrame, title: str, label: str) -> Chart:
    """The model's, and those of the season before."""
    x, both = table["group"].to_list(), [*table["error"], *table["naive"]]
    chart = Chart(Axis(title, min(x), max(x), whole=True), Axis(label, 0.0, max(both) * 1.04 or 1.0))
    return chart.line(x, table["naive"].to_list(), "line other").line(x, table["error"].to_list())


def _coverage(a: Assessment, steps: pl.DataFrame) -> Figure:
    level, x = a.manifest["interval"]["level"], steps["group"].to_list()
    chart = Chart(Axis("steps ahead", min(x), max(x), whole=True), Axis("targets in their interval", percent=True))
    chart.line([min(x), max(x)], [level, level], "reference").line(x, steps["coverage"].to_list())
    return Figure(
        "Coverage by step",
        f"Share of the targets in their interval. Dashed: the {level:.0%} that it promises.",
        chart.svg(),
    )


def _day(time: Any) -> float:
    """The time as an ordinal of days."""
    moment = time if isinstance(time, datetime) else datetime(time.year, time.month, time.day)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return date(moment.year, moment.month, moment.day).toordinal() + (moment - midnight).total_seconds() / DAY
