"""Files of history in, forecasts out: whole series at a time, so that memory does not grow with their number."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import polars as pl
from threadpoolctl import threadpool_limits

from ... import contract
from .. import interruption, tables
from ..errors import ContractViolation, FactoryError
from ..tables.chunks import collect, height
from ..tables.sources import Source
from ..validation import personal, unseen
from ..validation.files import cast_to_files
from . import histories, staged, workers
from .scorer import Scorer

PART = 250_000  # rows of whole series that are forecast at a time
MANY = 4  # parts, from which on processes are faster than threads
NUMBER, ROWS = "part ", "rows "  # no column of users ends in a space
FILE = "forecasts.parquet"  # in a folder
NAMED = 3  # series of each kind
OnRows = Callable[[int], object]


@dataclass(frozen=True)
class Forecasts:
    """How many were written, of how many series; which of these are `histories.behind`; how many later observations did not count."""

    rows: int
    series: int
    origin: Any
    later: int
    behind: pl.DataFrame

    def lines(self, destination: str, rejects: str | None = None) -> Iterator[str]:
        """The same for people."""
        yield f"✓ {self.rows:,} forecasts of {self.series:,} series after {self.origin}: {destination}"
        if self.later:
            yield f"! {self.later:,} values are from after the origin, and did not count"
        time = pl.col(self.behind.columns[-1])
        behind = self.behind.drop(personal.columns(contract.Row), strict=False)  # logs are kept
        for found, what in (
            (behind.filter(time.is_not_null()), "ended before that (forecast from older values)"),
            (behind.filter(time.is_null()), "had no value until then (forecast by what others show)"),
        ):
            if found.height:
                names = ", ".join(map(_named_series, found.head(NAMED).rows())) if found.width > 1 else ""
                more = f" and {found.height - NAMED:,} more" if found.height > NAMED else ""
                yield f"! {found.height:,} series {what}{names and f': {names}{more}'}"


@dataclass(frozen=True)
class Series(workers.Piece):
    """Whole series of a history: typed rows in files."""

    def chunks(self) -> list[pl.DataFrame]:
        """All of their rows."""
        return [pl.read_parquet(self.source.place, hive_partitioning=False)]

    def __reduce__(self) -> tuple[Any, ...]:
        return Series, (self.source,)


def score(
    sources: Sequence[Source],
    destination: Path,
    task: workers.Task,
    origin: str | None = None,
    on_rows: OnRows = lambda rows: None,
) -> Forecasts:
    """Forecast the series in tables, which are one history, into one file, or into a folder with one, sorted by series and step.

    The destination appears only when it is complete; `on_rows` is called with numbers of rows as they are read, and again as
    they are forecast. Raises FactoryError.
    """
    manifest = task.scorer.manifest
    with threadpool_limits(1, user_api="blas"), _complete(destination) as (staging, path):  # as in batch.score
        rows, start = _read(sources, manifest, origin, staging, on_rows)
        later = histories.known_after(rows, manifest, start)
        parts = _parts(rows, histories.settings(manifest).groups, staging)
        behind = histories.behind(rows, manifest, start)
        written, series = _write(task, parts, start, path, on_rows)
    return Forecasts(written, series, start, later, behind)


@contextmanager
def _complete(destination: Path) -> Iterator[tuple[Path, Path]]:
    """A folder for what is on the way, and the file to write, which then gets its name, alone or in its folder."""
    if destination.suffix in tables.WRITTEN:
        with staged.beside(destination) as staging:
            yield staging, staging / destination.name
            interruption.complete()
            (staging / destination.name).replace(destination)
        return
    with staged.folder(destination, uuid4().hex) as folder:  # no two runs have the same: none is taken up
        with TemporaryDirectory(dir=folder.path) as staging:
            yield Path(staging), folder.part(FILE)
        folder.complete({"name": FILE})
        folder.publish([FILE])


def answer(scorer: Scorer, rows: pl.DataFrame, origin: Any) -> pl.DataFrame:
    """The forecasts of whole series, in the contract's types. Raises FactoryError."""
    return scorer.forecasts(histories.horizon(rows, scorer.manifest, origin))


def _read(
    sources: Sequence[Source], manifest: histories.Manifest, origin: str | None, staging: Path, on_rows: OnRows
) -> tuple[pl.LazyFrame, Any]:
    """The rows of all tables, typed and checked, and the origin."""
    stated = None if origin is None else histories.parse_origin(origin, manifest)
    typed = [_typed(source, manifest, staging / f"table-{i}", on_rows) for i, source in enumerate(sources)]
    rows = pl.concat(typed)
    if not height(rows):
        raise FactoryError(f"{sources[0]}: no rows{' there or in the others' if len(sources) > 1 else ''}")
    start = histories.newest(rows, manifest) if stated is None else stated
    for source, table in zip(sources, typed, strict=True):
        with _named(source):
            histories.check(table, manifest, start)
    return rows, start


def _typed(source: Source, manifest: histories.Manifest, folder: Path, on_rows: OnRows) -> pl.LazyFrame:
    schema, tally, read = histories.schema(manifest), unseen.Tally(Counter), 0

    def batches() -> Iterator[pl.DataFrame]:
        nonlocal read
        for rows in source.batches(schema.columns()):
            read += rows.height
            on_rows(rows.height)
            yield rows

    with _named(source), unseen.counting(tally):
        typed = cast_to_files(batches(), schema, folder)
    for line in unseen.messages(tally, schema, read):
        logging.getLogger(__name__).warning("%s: %s", source, line)
    return typed


def _parts(rows: pl.LazyFrame, groups: list[str], staging: Path) -> dict[Source, int]:
    """The rows in files, divided by series into parts, in the order of the series; and the number of rows of each part."""
    count = pl.len().alias(ROWS)
    sizes = collect(rows.group_by(groups).agg(count).sort(groups) if groups else rows.select(count))
    sizes = sizes.with_columns(((pl.col(ROWS).cum_sum() - 1) // PART).alias(NUMBER))
    numbers = sizes.lazy().drop(ROWS)
    numbered = rows.join(numbers, on=groups) if groups else rows.join(numbers, how="cross")
    place = pl.PartitionBy(staging / "parts", key=NUMBER, include_key=False, file_path_provider=_file_of_part)
    numbered.sink_parquet(place, mkdir=True, compression="lz4")
    height_of = sizes.group_by(NUMBER).agg(pl.col(ROWS).sum()).sort(NUMBER)
    return {Source(f"{staging}/parts/{part}/*.parquet", f"{part}"): rows for part, rows in height_of.rows()}


def _file_of_part(file: Any) -> str:
    return f"{file.partition_keys.item()}/{file.index_in_partition}.parquet"


def _write(task: workers.Task, parts: dict[Source, int], origin: Any, path: Path, on_rows: OnRows) -> tuple[int, int]:
    """Forecast the parts into a file; returns the numbers of rows and of series."""
    made, horizon = Counter[str](), histories.settings(task.scorer.manifest).horizon

    def forecasts() -> Iterator[pl.DataFrame]:
        for source, result in pieces:
            for each in result():
                made["rows"] += each.table.height
                yield each.table
            on_rows(parts[source])

    own = replace(task, answer=partial(answer, origin=origin))
    schema = task.scorer.forecasts(contract.Row.create_empty()).schema
    with own.each((Series(source) for source in parts), len(parts) >= MANY) as pieces:
        staged.write(forecasts(), schema, path)
    return made["rows"], made["rows"] // horizon


def _named_series(row: tuple[Any, ...]) -> str:
    """The series, with its newest time in brackets, which is the last of the row."""
    *groups, newest = row
    return " ".join([*map(str, groups), *([] if newest is None else [f"({newest})"])])


@contextmanager
def _named(source: Source) -> Iterator[None]:
    """Name the table in what is wrong with its rows."""
    try:
        yield
    except ContractViolation as error:
        raise ContractViolation(f"{source}: {error}") from error
