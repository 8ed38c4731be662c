"""Values that cannot be, by what a column's name means or by how far they are from all others; and how many there are."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import polars as pl

from ...tables.chunks import one_row
from ..formatting import cell
from .meanings import AHEAD, FILLED, NEVER_BELOW_ZERO, SIGNED, SIZES, YEARS, meanings, words
from .view import View

FEW = 0.05  # of the values: if more are beyond what a name means, it means something else
FEW_DURATIONS = 0.005  # where the word may also be a duration
RARE = 0.01  # of the values
SEVERAL = 20  # different values, from which a gap says something
GAP, NEAR = 5, 0.1  # times the usual step between values, and the share of the median: a value beyond is apart
YEARS_APART = 5
FENCE = 3.0  # interquartile ranges beyond the quartiles (Tukey 1977: far out)
QUARTILE, RANGE = 0.674, 1.349  # of a normal distribution, in standard deviations
Kind = Literal["impossible", "code", "outlier"]


@dataclass(frozen=True)
class Implausible:
    """Values of a column that are hardly right, how many of how many known ones, and the farthest of them."""

    column: str
    kind: Kind
    problem: str
    count: int
    known: int
    example: str

    def __str__(self) -> str:
        number = f"{self.count:,} of {self.known:,} values"
        return f"{self.column}: {number} {'is' if self.count == 1 else 'are'} {self.problem}{self.example}"


@dataclass(frozen=True)
class Suspicion:
    """What is looked for in all rows: values `where` this holds, unless others are `between`."""

    kind: Kind
    problem: str
    where: pl.Expr
    example: Any = None
    between: pl.Expr | None = None


@dataclass(frozen=True)
class Known:
    """The known values of a column's sample, its least and greatest value of all rows, how many these are, and the present."""

    name: str
    values: pl.Series
    low: Any
    high: Any
    rows: int
    now: datetime

    @property
    def words(self) -> set[str]:
        return {*words(self.name)}

    @property
    def column(self) -> pl.Expr:
        return pl.col(self.name)

    def share(self, mask: pl.Series) -> float:
        return float(mask.mean() or 0)  # type: ignore[arg-type]


def implausible(view: View) -> list[Implausible]:
    """What is found in all rows: the impossible first, then codes, then outliers, the most frequent first."""
    suspected: list[tuple[str, Suspicion]] = []
    for series in view.sample.iter_columns():
        low, high = view.ends[series.name]
        if low is None or low == high or series.name in view.keys or series.dtype == pl.Boolean:
            continue
        known = Known(series.name, _finite(series), low, high, view.height, view.now)
        if known.values.len() and (series.dtype.is_numeric() or series.dtype in (pl.Date, pl.Datetime)):
            suspected += [(series.name, each) for each in _suspicions(known)]
    counts = one_row(view.rows, [*_counted(suspected)])
    found = [
        Implausible(
            name,
            each.kind,
            each.problem,
            counts[f"{place} count"],
            view.height - view.missing.get(name, 0),
            "" if each.example is None or name in view.hidden else f"; the farthest is {cell(each.example)}",
        )
        for place, (name, each) in enumerate(suspected)
        if counts[f"{place} count"] and not counts.get(f"{place} between")
    ]
    order = ("impossible", "code", "outlier")
    return sorted(found, key=lambda each: (order.index(each.kind), -each.count / max(each.known, 1)))


def _counted(suspected: list[tuple[str, Suspicion]]) -> Iterator[pl.Expr]:
    for place, (_, each) in enumerate(suspected):
        yield each.where.sum().alias(f"{place} count")
        if each.between is not None:
            yield each.between.sum().alias(f"{place} between")


def _finite(series: pl.Series) -> pl.Series:
    known = series.drop_nulls()
    return known.filter(known.is_finite()) if known.dtype.is_float() else known


def _suspicions(known: Known) -> Iterator[Suspicion]:
    """Of each rule; outliers only where nothing else is wrong with the column."""
    rules = TIMES if known.values.dtype.is_temporal() else NUMBERS
    found = [each for rule in rules for each in rule(known)]
    yield from found or ([] if rules is TIMES else far_out(known))


def beyond_meaning(known: Known) -> Iterator[Suspicion]:
    """Outside the range that the name stands for: an age of 138."""
    for names, ranges in meanings(known.name):
        if any(least <= known.low and known.high <= most for least, most in ranges):
            return
        allowed = FEW_DURATIONS if names in FILLED else FEW
        fitting = (each for each in ranges if 1 - known.share(known.values.is_between(*each)) <= allowed)
        for least, most in fitting:
            noun = f"{'an' if names.startswith(('age', 'hour')) else 'a'} {names.partition('|')[0]}"
            if known.high > most:
                yield Suspicion("impossible", f"above {most:g}, too high for {noun}", known.column > most, known.high)
            if known.low < least:
                yield Suspicion("impossible", f"below {least:g}, too low for {noun}", known.column < least, known.low)
            return


def below_zero(known: Known) -> Iterator[Suspicion]:
    """Negative where the name never is, or where few of many whole numbers are: a count of -3."""
    negative, named = known.values < 0, known.words
    if known.low >= 0 or named & SIGNED or any(beyond_meaning(known)):
        return
    single = negative.sum() > 1 and known.values.filter(negative).n_unique() == 1
    if single and known.values.n_unique() >= SEVERAL and known.low == known.values.min():
        problem = f"{cell(known.low)}, the only negative value: a code?"
        yield Suspicion(
            "code", problem, known.column == known.low, between=(known.column < 0) & (known.column > known.low)
        )
    elif known.share(negative) <= (FEW if named & NEVER_BELOW_ZERO else RARE * known.values.dtype.is_integer()):
        yield Suspicion("impossible", "below 0", known.column < 0, known.low)


def zero(known: Known) -> Iterator[Suspicion]:
    """Zero where the name is that of a size, or apart from all other values: a height of 0."""
    if known.low != 0:
        return
    others, share = known.values.filter(known.values > 0), known.share(known.values == 0)
    if not others.len():
        return
    if known.words & SIZES and share <= FEW:
        yield Suspicion("impossible", "0, which no size is", known.column == 0)
        return
    least, middle = float(others.min()), float(others.median())  # type: ignore[arg-type]
    steps = np.diff(np.sort(others.filter(others <= middle).unique().to_numpy()).astype(np.float64))
    if others.n_unique() >= SEVERAL and len(steps) and least >= max(GAP * float(np.median(steps)), NEAR * middle):
        problem = f"0, apart from all others, which begin at {cell(others.min())}: unknown?"
        between = (known.column > 0) & (known.column < least / 2)
        yield Suspicion("code", problem, known.column == 0, between=between)


def year_ahead(known: Known) -> Iterator[Suspicion]:
    """A year in the future, but for the next, by which models of products are named."""
    next_year = known.now.year + 1
    if known.words & YEARS and known.high > next_year and known.share(known.values > next_year) <= FEW:
        yield Suspicion("impossible", "in the future", known.column > next_year, known.high)


def far_out(known: Known) -> Iterator[Suspicion]:
    """Far from all others, also on a logarithmic scale where all are above zero."""
    values = known.values.cast(pl.Float64).to_numpy()
    low, high = _fences(values, known.rows)
    if low == high or not math.isfinite(low + high):
        return
    if known.low > 0:
        least, most = np.exp(_fences(np.log(values), known.rows))
        low, high = min(low, float(least)), max(high, float(most))
    if max((values < low).mean(), (values > high).mean()) > RARE:
        return
    if known.high > high:
        yield Suspicion("outlier", "far above the others", known.column > high, known.high)
    if known.low < low:
        yield Suspicion("outlier", "far below the others", known.column < low, known.low)


def ahead(known: Known) -> Iterator[Suspicion]:
    """In the future, where the name does not mean that."""
    now = _like(known.now, known.values.dtype)
    if known.high > now and not known.words & AHEAD and known.share(known.values > now) <= 0.5:
        yield Suspicion("impossible", "in the future", known.column > now, known.high)


def first_day(known: Known) -> Iterator[Suspicion]:
    """A date years before all others, of several rows: it stands for an unknown one."""
    distinct = known.values.unique().sort().head(2)
    if distinct.len() == 2 and distinct[0] == known.low and distinct[1].year - known.low.year >= YEARS_APART:
        rows = int((known.values == known.low).sum())
        kind: Kind = "code" if rows > 1 else "outlier"
        problem = f"{cell(known.low)}, {distinct[1].year - known.low.year} years before all others: unknown?"
        between = (known.column > known.low) & (known.column < distinct[1])
        yield Suspicion(kind, problem, known.column == known.low, between=between)


def _fences(values: Any, rows: int) -> tuple[float, float]:
    """Beyond which a value is far out, and farther than the farthest of so many normally distributed ones."""
    low, high = np.quantile(values, [0.25, 0.75]).tolist()
    farthest = (math.sqrt(2 * math.log(rows)) - QUARTILE) / RANGE
    beyond = max(FENCE, farthest) * (high - low)
    return low - beyond, high + beyond


def _like(now: datetime, dtype: pl.DataType) -> Any:
    if dtype == pl.Date:
        return now.date()
    return now if getattr(dtype, "time_zone", None) else now.replace(tzinfo=None)


Rule = Callable[[Known], Iterator[Suspicion]]
NUMBERS: tuple[Rule, ...] = (beyond_meaning, below_zero, zero, year_ahead)
TIMES: tuple[Rule, ...] = (ahead, first_day)
"""A new rule is a function here."""
