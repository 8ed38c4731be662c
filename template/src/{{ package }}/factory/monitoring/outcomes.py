"""Outcomes that become known later: kept as they come in, and joined to the captured rows that they belong to.

They name a row by its id, where ids repeat together with its time, or by its request and the position in it. Those of forecasts
are later observations, of series and time. They are kept in files as captures are, so that what erases one person's captures
finds theirs.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from ... import contract
from ..config import Params
from ..data.captures import IDS, REQUESTS, ROW
from ..errors import CannotEvaluate
from ..forecasting import grid
from ..validation import personal

OUTCOME, ID = "_outcome", "_outcome_id"
AT, SHA256, NUMBER = "_at", "_sha256", "_number"
IN_MEMORY = 5_000_000  # outcomes
FILES = "*/*.parquet"
CLOCK_CHANGE, HALF_DAY = timedelta(hours=2), timedelta(hours=12)
AROUND = CLOCK_CHANGE + HALF_DAY
TIME = dy.Datetime(time_unit="us", time_zone="UTC", nullable=True)
CONTEXT: dict[str, dy.Column] = {
    **dict.fromkeys((*IDS, "_caller"), dy.String(nullable=True)),
    ROW: dy.UInt32(nullable=True),
    AT: TIME,
}


class Outcomes:
    """Outcomes in tables, by the columns that name their rows; of many, those that are asked for are read when they are."""

    def __init__(self, tables: Collection[pl.LazyFrame], params: Params) -> None:
        self._params, every = params, [plain(table, params) for table in tables]
        self._named = {way: known for way in ways(params) if (known := by(way, every)) is not None}
        self._hashed = any(personal.is_hashed(table.select(ID).head(1).collect()[ID]) for table in every)

    @property
    def is_empty(self) -> bool:
        """Whether none is known."""
        return not self._named

    def join(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Captured rows of one model with `_outcome`, null where none is known, and `_outcome_id`, the id in its file.

        An outcome of an id from before the request is not its own; nor is one that is contradicted by what names the row otherwise.
        """
        pairs = self.pairs(rows).filter(~pl.col("_before"))
        own = pairs.group_by("_n").agg(pl.col(OUTCOME).first(), pl.col(ID).drop_nulls().first(), _several=several())
        own = own.filter(~pl.col("_several")).drop("_several")
        return rows.with_row_index("_n").join(own, on="_n", how="left", maintain_order="left").drop("_n")

    def pairs(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The outcomes that name one of the rows: its number `_n`, and whether they are from `_before` the request."""
        asked = _comparable(rows, self._params, self._hashed).with_row_index("_n").rename({AT: "_asked"})
        outcome: Any = target(self._params).dtype
        types = {"_n": pl.UInt32, NUMBER: pl.UInt32, OUTCOME: outcome, ID: pl.String, "_before": pl.Boolean}
        found = [pl.DataFrame(schema=types)]
        for way, known in self._named.items():
            if {*way} <= {*asked.columns}:
                named = asked.select("_n", "_asked", *way).drop_nulls(way)
                with reading(folder(self._params)):
                    found.append(_paired(named, known, way))
                    others = named.join(found[-1], on="_n", how="anti")
                    if way not in REQUESTS and (near := _as_delivered(others, known, self._params)).height:
                        found.append(_paired(near, known, way))
        return pl.concat(found)


def read(params: Params) -> Outcomes:
    """All that were received. Raises CannotEvaluate where a file is damaged."""
    found = tables_of(params)
    with reading(folder(params)):
        few = sum(int(table.select(pl.len()).collect().item()) for table in found) <= IN_MEMORY
        return Outcomes([table.collect().lazy() for table in found] if few else found, params)


def several() -> pl.Expr:
    """Whether there are several outcomes, which contradict each other."""
    return pl.col(OUTCOME).n_unique() > 1


def folder(params: Params) -> Path:
    """Where they are kept."""
    return Path(params.monitor.outcomes)


def target(params: Params) -> dy.Column:
    """The contract's column of the outcomes."""
    return contract.LabelledRow.columns()[params.data.target]


def tables_of(params: Params) -> list[pl.LazyFrame]:
    """The files with outcomes of this target. Raises CannotEvaluate where one is damaged."""
    found = []
    for file in sorted(folder(params).glob(FILES)):
        with reading(file):
            found += [pl.scan_parquet(file, glob=False)] if params.data.target in pl.read_parquet_schema(file) else []
    return found


@contextmanager
def reading(place: Path) -> Iterator[None]:
    """Raise CannotEvaluate where a file of outcomes is damaged."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CannotEvaluate("OUTCOMES", f"{place}: {' '.join(str(error).split())}") from error


def plain(table: pl.LazyFrame, params: Params) -> pl.LazyFrame:
    """Outcomes with what names their rows, the outcome, the id, and when it became known; their number, if they have one."""
    schema, data, dtype = table.collect_schema(), params.data, target(params).dtype
    id = pl.col(data.id) if data.id and data.id in schema else pl.lit(None, pl.String)
    outcome = pl.col(data.target)
    if isinstance(dtype, pl.Enum):  # which may have had other categories
        outcome = outcome.cast(pl.String)
    kept = {name for way in ways(params) for name in way} & schema.keys()
    named = [_typed(name, params) for name in sorted(kept)]
    number = pl.col(NUMBER) if NUMBER in schema else pl.lit(None, pl.UInt32).alias(NUMBER)
    return table.select(*named, outcome.cast(dtype, strict=False).alias(OUTCOME), id.alias(ID), pl.col(AT), number)


def by(way: tuple[str, ...], tables: Collection[pl.LazyFrame]) -> pl.LazyFrame | None:
    """The outcomes that name their row by these columns, if there are any."""
    parts = [table.drop_nulls(way) for table in tables if {*way} <= table.collect_schema().keys()]
    return pl.concat(parts, how="diagonal_relaxed").select(*way, OUTCOME, ID, AT, NUMBER) if parts else None


def _comparable(rows: pl.DataFrame, params: Params, hashed: bool) -> pl.DataFrame:
    """Captured rows with what names them as outcomes have it; with hashes of the ids, if one of both has only those."""
    id = params.data.id
    if id in rows.columns:
        if personal.is_hashed(rows[id]):
            rows = rows.with_columns(pl.col(id).alias(SHA256))
        elif hashed:
            rows = rows.with_columns(personal.hashed(id).alias(SHA256))
    names = {name for way in ways(params) for name in way} & {*rows.columns}
    return rows.select(pl.col(AT), *(_typed(name, params) for name in sorted(names)))


def _paired(named: pl.DataFrame, known: pl.LazyFrame, way: tuple[str, ...]) -> pl.DataFrame:
    # a request is not known before it is made, whatever the clocks say
    before = pl.lit(False) if way in REQUESTS else pl.col(AT) < pl.col("_asked")
    pairs = known.join(named.lazy(), on=way, how="inner").with_columns(_before=before)
    return pairs.select("_n", NUMBER, OUTCOME, ID, "_before").collect()


def _as_delivered(rows: pl.DataFrame, known: pl.LazyFrame, params: Params) -> pl.DataFrame:
    """Those of the rows without an outcome at their own time that have one within a change of clocks, at the time of it.

    A midnight of some place is another hour of UTC in summer, which a forecast from winter does not know. Where steps are of
    hours, and where outcomes are less than half a day apart, nothing is near.
    """
    forecast = params.forecast
    hourly = forecast and grid.parts(forecast.every)[1] in grid.MILLISECONDS
    if not forecast or hourly or _time(params).dtype == pl.Date or rows.is_empty():
        return rows.clear()
    time, times = pl.col(forecast.time), rows[forecast.time]
    around = time.is_between(pl.lit(times.min()) - AROUND, pl.lit(times.max()) + AROUND)
    stamps = known.select(forecast.keys).filter(around).unique().sort(forecast.keys)
    before, after = time - time.shift(), time.shift(-1) - time
    apart = [each.over(forecast.groups) if forecast.groups else each for each in (before, after)]
    alone = stamps.filter(each.fill_null(HALF_DAY) >= HALF_DAY for each in apart).with_columns(time.alias("_near"))
    near = rows.sort(forecast.time).join_asof(
        alone.sort(forecast.time).collect(),
        on=forecast.time,
        by=forecast.groups or None,
        strategy="nearest",
        tolerance=CLOCK_CHANGE,
        check_sortedness=False,
    )
    return near.drop_nulls("_near").with_columns(pl.col("_near").alias(forecast.time)).drop("_near")


def _time(params: Params) -> dy.Column:
    """The contract's column of a forecast's time."""
    return contract.LabelledRow.columns()[params.data.times[0]]


def _typed(name: str, params: Params) -> pl.Expr:
    """A column that names rows, in the type that it has on both sides."""
    if name in params.data.times:
        return pl.col(name).cast(contract.LabelledRow.columns()[name].dtype, strict=False)
    return pl.col(name).cast(CONTEXT[name].dtype if name in CONTEXT else pl.String)


def ways(params: Params) -> list[tuple[str, ...]]:
    """The columns that name a row, by each way in which they can."""
    data = params.data
    if params.forecast:
        return [tuple(params.forecast.keys), *REQUESTS]
    times = tuple(data.times) if data.repeats else ()
    ids = [(data.id, *times), (SHA256, *times)] if data.id and (times or not data.repeats) else []
    return [*ids, *REQUESTS]


def text(way: tuple[str, ...]) -> pl.Expr:
    """What names the row, in words."""
    return pl.concat_str(pl.lit(way[0]), *(pl.col(name).cast(pl.String) for name in way), separator=" ")


def names(table: pl.DataFrame, params: Params) -> pl.Series:
    """What names the row of each outcome, in words."""
    texts = [text(way) for way in ways(params) if {*way} <= {*table.columns}]
    return table.select(pl.coalesce(texts).alias("name")).to_series()
