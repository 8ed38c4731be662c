"""Series of observations at regular times: which columns name a series, the step between observations, and what breaks it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice

import polars as pl

from .profile import Column

GROUP, TIME, VALUE, PLACE = "group", "time", "value", "place"
MOST_NAMING, MOST_TRIED = 3, 8  # columns that name a series together, of those that are tried
TRIED_TIMES, TRIED_SETS = 64, 5
DECIMALS = 6  # of a step: weeks are sevenths apart from whole ones, which no float is
REGULAR = 0.5  # of the steps from one observation to the next are the usual one
REPEATED = 0.02  # of the observations at most are another one of the same series and time
LEAST = 3  # observations of a typical series
MONTHS = {12: "y", 3: "q", 1: "mo"}
MINUTES = {10_080: "w", 1440: "d", 60: "h", 1: "m"}


@dataclass(frozen=True)
class Step:
    """The time from one observation to the next, in months or else in minutes."""

    count: int
    months: bool = False

    @property
    def every(self) -> str:
        """As polars writes it."""
        size, unit = self.unit
        return f"{self.count // size}{unit}"

    @property
    def unit(self) -> tuple[int, str]:
        """The largest unit of which it is a multiple, and its size."""
        units = MONTHS if self.months else MINUTES
        return next((size, unit) for size, unit in units.items() if self.count % size == 0)

    def places(self, time: pl.Expr) -> pl.Expr:
        """The number of steps from a fixed time on, with the fraction that is left."""
        if self.months:
            return _month(time) / self.count
        return time.dt.timestamp("ms") / (60_000 * self.count)


@dataclass(frozen=True)
class Series:
    """The columns that name a series and its time, the step, and the observations by series and place on the grid of steps."""

    groups: tuple[str, ...]
    time: str
    step: Step
    regular: float
    """The share of the steps that are the usual one."""
    observations: pl.DataFrame

    @property
    def count(self) -> int:
        """The number of series."""
        return int(self.observations[GROUP].n_unique())

    @property
    def lengths(self) -> pl.Series:
        """The number of known observations of each series."""
        return self.observations.group_by(GROUP).agg(pl.col(VALUE).count())[VALUE]

    @property
    def typical(self) -> int:
        """The number of known observations of a typical series."""
        return int(self.lengths.median() or 0)  # type: ignore[arg-type]

    @property
    def repeated(self) -> int:
        """The number of observations at a time that their series has already."""
        return int(self.observations.height - self.observations.n_unique([GROUP, TIME]))

    @property
    def off_grid(self) -> int:
        """The number of observations between the steps of the others."""
        part = (self.observations[PLACE] % 1).round(DECIMALS)
        return int((part != part.mode().min()).sum())

    @property
    def name(self) -> str:
        """The columns that name a series."""
        return ", ".join(self.groups)


def find(
    values: pl.LazyFrame, columns: Iterable[Column], target: str, time: str, groups: tuple[str, ...] | None
) -> Series | None:
    """The series of the target over the time, by these groups or by the fewest columns by which observations differ."""
    if groups is not None:
        return _series(values, groups, time, target)
    found = list(_named(values, columns, time, target))
    return next((series for series in found if not series.repeated), found[0] if found else None)


def _named(values: pl.LazyFrame, columns: Iterable[Column], time: str, target: str) -> Iterator[Series]:
    """The most regular series of each number of columns by which hardly an observation is repeated, until none is."""
    tried = _at_some_times(values, [time, *(column.name for column in _may_name(columns))], time)
    names = [name for name in tried.columns if name != time]
    for count in range(MOST_NAMING + 1):
        sets = (each for each in combinations(names, count) if _repeated(tried, [time, *each]) <= REPEATED)
        series = (_series(values, each, time, target) for each in islice(sets, TRIED_SETS))
        best = max(filter(None, series), key=lambda each: (not each.repeated, each.regular), default=None)
        if best:
            yield best
            if not best.repeated:
                return


def _may_name(columns: Iterable[Column]) -> list[Column]:
    """The columns that may name a series, those with the fewest values first."""
    named = (
        c for c in columns if c.kind in ("String", "Int64") and not c.missing and 1 < c.different <= c.rows / LEAST
    )
    return sorted(named, key=lambda column: (column.kind != "String", column.different))[:MOST_TRIED]


def _at_some_times(values: pl.LazyFrame, names: list[str], time: str) -> pl.DataFrame:
    """The rows at some of the times: enough to see that a set of columns repeats."""
    every = values.select(pl.col(time).unique().sort()).collect(engine="streaming").to_series()
    some = every.sample(min(len(every), TRIED_TIMES), seed=0)  # which no season falls in with
    return values.select(names).filter(pl.col(time).is_in(some.implode())).collect(engine="streaming")


def _repeated(rows: pl.DataFrame, names: list[str]) -> float:
    return 1 - rows.n_unique(names) / max(rows.height, 1)


def _series(values: pl.LazyFrame, groups: tuple[str, ...], time: str, target: str) -> Series | None:
    """The series that these columns name, where they have a step."""
    named = pl.struct(groups).rank("dense") if len(groups) > 1 else pl.col(*groups) if groups else pl.lit(0)
    rows = values.select(
        *groups, pl.col(time).alias(f"{TIME}\n"), pl.col(target).cast(pl.Float64).alias(f"{VALUE}\n")
    ).collect(engine="streaming")
    rows = rows.select(
        named.rank("dense").cast(pl.UInt32).alias(GROUP),
        pl.col(f"{TIME}\n").cast(pl.Datetime("us", getattr(rows.schema[f"{TIME}\n"], "time_zone", None))).alias(TIME),
        pl.col(f"{VALUE}\n").alias(VALUE),
    ).sort(GROUP, TIME)
    if _repeated(rows, [GROUP, TIME]) > REPEATED:
        return None
    if zoned := rows.schema[TIME].time_zone not in (None, "UTC"):  # type: ignore[attr-defined]
        clock = rows.with_columns(pl.col(TIME).dt.replace_time_zone(None))
    step = _step(rows) if not zoned else _step(clock)
    if step is None:
        return None
    by_clock = zoned and (step.months or step.count % 1440 == 0)
    placed = (clock if by_clock else rows).select(step.places(pl.col(TIME)).alias(PLACE)).to_series()
    rows = rows.with_columns(placed)
    steps = rows.select(pl.col(PLACE).diff().over(GROUP)).drop_nulls().to_series()
    regular = float((steps.is_between(0.999, 1.001)).mean() or 0)  # type: ignore[arg-type]
    series = Series(groups, time, step, regular, rows)
    return series if regular >= REGULAR and series.typical >= LEAST else None


def _step(rows: pl.DataFrame) -> Step | None:
    """The most frequent step: of months where all times are at the same place of one."""
    time = pl.col(TIME)
    ends = (time + pl.duration(days=1)).dt.day() == 1
    places = rows.select(same=(time - time.dt.truncate("1mo")).n_unique() == 1, ends=ends.all())
    months = any(places.row(0))
    number = _month(time) if months else time.dt.timestamp("ms") / 60_000
    steps = rows.select(number.diff().over(GROUP)).drop_nulls().to_series()
    steps = steps.filter(steps > 0)
    usual = float(steps.mode().min() or 0)  # type: ignore[arg-type]
    return Step(int(usual), months) if usual >= 1 and usual == int(usual) else None


def _month(time: pl.Expr) -> pl.Expr:
    """The number of the month since year 0."""
    return time.dt.year().cast(pl.Int64) * 12 + time.dt.month() - 1
