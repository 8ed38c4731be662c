"""What forecasting a table would be: the series, how far ahead, what is known then, and whether that is what the table is for."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import polars as pl

from ..errors import FactoryError, listed
from . import seasons, series_facts, time_series
from .dates import DATES, is_row_time
from .profile import Column
from .roles import is_free_text
from .source import KINDS
from .time_series import Series
from .type_inference import NUMERIC

PROBLEM = "forecasting"
HORIZONS = {"m": 48, "h": 24, "d": 14, "w": 13, "mo": 12, "q": 8, "y": 3}
"""Steps ahead where nobody says how many, by the step's unit."""
MOST_OF_HISTORY = 1 / 3  # of the time of a typical series may be the horizon
LEAST_LENGTH, LEAST_SEASONS = 40, 2  # observations, and seasons beside the horizon, for a forecast without a question
LEAST_MEMORY = 0.3  # of a correlation with the past
FEW_VALUES = 2  # are classes, be they numbers
STATIC, CALENDAR, GIVEN, PLANNED, MEASURED = "static", "calendar", "given", "planned", "measured"
"""What another column is: the same for a series; a part of the time; known beyond the newest value; seldom or often changed."""
AHEAD = {
    STATIC: "the same at all times of a series",
    CALENDAR: "follows from the time",
    GIVEN: "known for times without a value of {target}",
}
"""Why a column is known ahead."""
CLOCK = ("hour", "minute")
PARTS = ("year", "quarter", "month", "week", "day", "weekday", "ordinal_day", *CLOCK)
LOOKED_AT = 50  # series
SELDOM = 0.5  # of the steps a column changes in that somebody sets, rather than measures


@dataclass(frozen=True)
class Forecast:
    """The series of a table, the steps ahead and of a season, and what each other column is."""

    series: Series
    horizon: int
    season: int
    memory: float = 0.0
    others: dict[str, str] = field(default_factory=dict)

    @property
    def is_clear(self) -> bool:
        """Whether the table is for nothing else: sound series whose past says what comes, and at most plans beside them."""
        series = self.series
        long = max(LEAST_LENGTH, LEAST_SEASONS * self.season + self.horizon)
        sound = not series.repeated and not series.off_grid and series.typical >= long
        alone = self.memory >= LEAST_MEMORY and MEASURED not in self.others.values()
        return sound and (alone or GIVEN in self.others.values())

    @property
    def is_likely(self) -> bool:
        """Whether the table may be for a forecast, as the past says what comes, or columns are known beyond it."""
        speaks = self.memory >= LEAST_MEMORY or GIVEN in self.others.values()
        return speaks and self.series.typical >= LEAST_LENGTH / 2

    @property
    def steps(self) -> str:
        """How far ahead, in words."""
        return f"{self.horizon} step{'s' * (self.horizon > 1)} of {self.series.step.every}"


@dataclass(frozen=True)
class Wishes:
    """What the user wants of a forecast; None and nothing are to be found out."""

    time: str | None = None
    groups: tuple[str, ...] = ()
    horizon: int | None = None
    season: int | None = None
    others: frozenset[str] = frozenset()
    """Columns that have another role than group or time."""


def find(values: pl.LazyFrame, columns: dict[str, Column], target: str, wishes: Wishes) -> Forecast | None:
    """The forecast that the table may be for; None where it has no series of the target."""
    if columns[target].kind not in NUMERIC:
        return None
    found = (_of_time(values, columns, target, name, wishes) for name in _times(columns, wishes))
    return next(filter(None, found), None)


def explained(columns: dict[str, Column], target: str, wishes: Wishes) -> str:
    """Why the table has no series of the target."""
    if columns[target].kind not in NUMERIC:
        return f"{target}: only numbers are forecast, and this is {columns[target].kind}"
    times = list(_times(columns, wishes))
    if not times:
        there = (
            f"{wishes.time}: cannot be the time of a forecast" if wishes.time else "no column has a time in each row"
        )
        return f"{there}: it takes one column of dates or times, such as 2024-01-31, without gaps"
    if gaps := [name for name in wishes.groups if columns[name].missing]:
        return f"{gaps[0]}: cannot name a series: {columns[gaps[0]].missing:,} rows have no value"
    named = f" for each {', '.join(wishes.groups)}" if wishes.groups else ""
    return (
        f"{listed(times, 3)}: no regular time from one observation to the next{named}: name the columns that together name a "
        "series with --group, and keep one observation for each time"
    )


def check(forecast: Forecast, target: str) -> Forecast:
    """The forecast that the user asked for. Raises FactoryError where the observations do not allow it."""
    series, most = forecast.series, int(forecast.series.typical * MOST_OF_HISTORY)
    if series.repeated:
        raise FactoryError(_repeated(series))
    if series.off_grid:
        raise FactoryError(
            f"{series.time}: {series.off_grid:,} times are between the steps of {series.step.every}: round them in the table"
        )
    if forecast.horizon > most:
        raise FactoryError(
            f"a typical series has {series.typical:,} values of {target}, of which a horizon of {forecast.horizon:,} leaves too "
            f"few to learn from: --horizon {max(most, 1)} at most"
        )
    if forecast.season > series.typical // LEAST_SEASONS:
        raise FactoryError(
            f"a typical series has {series.typical:,} values of {target}, which are no {LEAST_SEASONS} seasons of "
            f"{forecast.season:,}: --season {max(series.typical // LEAST_SEASONS, 1)} at most, or 1 for none"
        )
    return forecast


def _repeated(series: Series) -> str:
    """What is wrong with observations that are repeated."""
    twice = series.observations.filter(pl.struct(time_series.GROUP, time_series.TIME).is_duplicated())[time_series.TIME]
    times, example = f"{series.repeated:,} of {series.observations.height:,} rows", str(twice.first())[:16]
    if len(series_facts.clock_changes(series)[1]) == twice.n_unique():
        return (
            f"{series.time}: {times} are at a time that is there twice, e.g. {example}, as where clocks are set back: write times "
            "in UTC or with their offset, such as 2024-10-27T02:00:00+01:00"
        )
    return (
        f"{', '.join([*series.groups, series.time])}: {times} are at a time that their series has already, e.g. {example}: keep "
        "one of each, add them up, or name the column by which they differ with --group"
    )


def _times(columns: dict[str, Column], wishes: Wishes) -> Iterator[str]:
    for name, column in columns.items():
        if is_row_time(name, column.kind, column.missing) and wishes.time in (None, name) and name not in wishes.others:
            yield name


def _of_time(
    values: pl.LazyFrame, columns: dict[str, Column], target: str, time: str, wishes: Wishes
) -> Forecast | None:
    others = [column for name, column in columns.items() if name not in (target, time)]
    naming = [column for column in others if column.name not in wishes.others]
    series = time_series.find(values, naming, target, time, wishes.groups or None)
    if series is None:
        return None
    season = wishes.season or seasons.season(series)
    rows = _some(values, series)
    kinds = {column.name: _kind(rows, column.name, series, target) for column in others if _is_use(column, series)}
    horizon = wishes.horizon or _given_ahead(rows, series, target, kinds.values()) or _usual(series)
    return Forecast(series, horizon, season, seasons.memory(series, season), kinds)


def _usual(series: Series) -> int:
    return max(1, min(HORIZONS[series.step.unit[1]], int(series.typical * MOST_OF_HISTORY / 2)))


def _is_use(column: Column, series: Series) -> bool:
    """Whether a model may use it: no series' name, text or row number."""
    return column.name not in series.groups and column.different > 1 and column.kind in KINDS and not _is_name(column)


def _is_name(column: Column) -> bool:
    return column.unique or is_free_text(column) or column.kind in (*DATES, "Time")


def _some(values: pl.LazyFrame, series: Series) -> pl.DataFrame:
    """The rows of some series, sorted by series and time."""
    groups = list(series.groups)
    if groups:
        keys = values.select(groups).unique().sort(groups).collect(engine="streaming")
        values = values.join(keys.gather_every(max(1, keys.height // LOOKED_AT)).lazy(), on=groups, how="semi")
    return values.collect(engine="streaming").sort(*groups, series.time)


def _kind(rows: pl.DataFrame, name: str, series: Series, target: str) -> str:
    """What the column is, by the rows of some series."""
    keys, value = list(series.groups), pl.col(name)
    counts = (
        rows.group_by(keys).agg(value.drop_nulls().n_unique()) if keys else rows.select(value.drop_nulls().n_unique())
    )
    if (counts[name] <= 1).all():
        return STATIC
    if any(_follows(rows, value, part) for part in _parts(rows, series.time)):
        return CALENDAR
    ahead = _beyond(rows, series, target)
    if ahead.height and ahead[name].null_count() < ahead.height / 10:
        return GIVEN
    changed = value.ne_missing(value.shift().over(keys)) if keys else value.ne_missing(value.shift())
    return PLANNED if float(rows.select(changed.mean()).item() or 0) <= SELDOM else MEASURED


def _parts(rows: pl.DataFrame, time: str) -> list[pl.Expr]:
    """The parts of the time that repeat."""
    names = (name for name in PARTS if rows.schema[time] != pl.Date or name not in CLOCK)
    parts = [getattr(pl.col(time).dt, name)() for name in names]
    return [part for part in parts if rows.select(part.n_unique()).item() < rows.select(pl.col(time).n_unique()).item()]


def _follows(rows: pl.DataFrame, value: pl.Expr, part: pl.Expr) -> bool:
    return bool((rows.group_by(part.alias("part")).agg(value.n_unique().alias("values"))["values"] == 1).all())


def _beyond(rows: pl.DataFrame, series: Series, target: str) -> pl.DataFrame:
    """The rows after the newest one with a value of the target."""
    known = rows.filter(pl.col(target).is_not_null())
    return rows.filter(pl.col(series.time) > known[series.time].max()) if known.height else rows.clear()


def _given_ahead(rows: pl.DataFrame, series: Series, target: str, kinds: Collection[str]) -> int:
    """For how many steps columns are known beyond the newest value."""
    return _beyond(rows, series, target).select(pl.col(series.time).n_unique()).item() if GIVEN in kinds else 0
