"""What is to be ingested, file by file: of a folder, an archive with several tables, a dataset in parts, or a sheet."""

import logging
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from .. import tables
from ..errors import FactoryError, listed
from ..tables import compressed, excel, sources
from ..tables.chunks import iter_chunks
from ..tables.names import is_index
from ..tables.sources import Source
from ..validation.definition import delivered
from ..validation.parsing import ignored

PART = re.compile(r"part[-._]?\d")  # of the files that Spark, Hive and Dask write
FEW = 5  # files that a message names


@dataclass(frozen=True)
class Incoming:
    """A file that becomes a delivery, and where it comes from."""

    file: Path
    origin: str


def incoming(places: Iterable[Path], folder: Path, sheet: str | None = None) -> list[Incoming]:
    """The files at the places; those that are made of others are written into the folder. Raises FactoryError.

    A folder of parts, as Spark and Hive write them, is one table, with the columns that are in the names of its folders.
    """
    return [each for place in places for each in _at(place, f"{place}", folder, sheet)]


@contextmanager
def named(arrived: Iterable[Incoming]) -> Iterator[None]:
    """Errors name where a file comes from instead of its copy."""
    try:
        yield
    except FactoryError as error:
        message = str(error)
        for each in arrived:
            message = message.replace(f"{each.file}", each.origin)
        error.args = (message,)
        raise


def _at(place: Path, origin: str, folder: Path, sheet: str | None) -> Iterator[Incoming]:
    if place.is_dir():
        yield from _in_folder(place, origin, folder, sheet)
    elif not place.is_file() or not tables.suffix(place):
        yield Incoming(place, origin)  # refused where it is read
    elif names := compressed.unpack_all(place, unpacked := _new(folder), tables.SUFFIXES):
        for name in sorted(names):
            yield Incoming(unpacked / name, f"{origin}, {name}")
    elif sheet and sheet != excel.remembered():
        name = re.sub(r"[^\w.-]+", "_", f"{place.name.removesuffix(tables.suffix(place))}-{sheet}")
        tables.sink(tables.scan(place, sheet=sheet), copy := _new(folder) / f"{name}.parquet")
        yield Incoming(copy, f"{origin}, sheet {sheet}")
    else:
        yield Incoming(place, origin)


def _in_folder(place: Path, origin: str, folder: Path, sheet: str | None) -> Iterator[Incoming]:
    """The tables of a folder, or the one of which it has the parts. Raises FactoryError where there is none."""
    if Path.cwd().is_relative_to(place.resolve()):
        raise FactoryError(f"{place}: this project is in that folder: name a folder of tables alone")
    found = sources.below(place)
    own = [source for source in found if "/" not in source.name]
    others = sorted({source.name.partition("/")[0] for source in found} - {source.name for source in own})
    parts = own or [source for source in found if sources.partition(source.name)]
    if not parts:
        raise FactoryError(
            f"{place}: no table in this folder{f': name one of {listed(others, FEW)}' if others else ''}"
        )
    if own and others:
        logging.getLogger(__name__).warning("%s: its folders are not read: %s", place, listed(others, FEW))
    if not own or all(PART.match(part.name) for part in parts):
        joined = _joined(parts, place, _new(folder) / f"{place.resolve().name}.parquet")
        yield Incoming(joined, origin)
    else:
        for part in parts:
            yield from _at(place / part.name, f"{place / part.name}", folder, sheet)


def _joined(parts: list[Source], place: Path, file: Path) -> Path:
    """Write the rows of all parts, in the order of their names. Raises FactoryError where their columns differ."""
    parts = [part for part in parts if part.path and part.path.stat().st_size]  # Spark writes empty ones
    if not parts:
        raise FactoryError(f"{place}: no rows")
    known = {*delivered().columns(), *ignored()}
    schemas = [_rows(part, known).collect_schema() for part in parts]
    everywhere = set.intersection(*({*schema} for schema in schemas))
    schemas = [pl.Schema((n, t) for n, t in each.items() if n in everywhere or not is_index(n)) for each in schemas]
    for part, schema in zip(parts, schemas, strict=True):
        if odd := sorted(schema.keys() ^ schemas[0].keys()):
            raise FactoryError(f"{part}: its columns differ from those of {parts[0]}: {listed(odd, FEW)}")
    try:
        whole = pl.concat(
            [pl.DataFrame(schema=schema).select(schemas[0].names()) for schema in schemas], how="vertical_relaxed"
        )
    except pl.exceptions.PolarsError as error:
        raise FactoryError(f"{place}: the types of its parts differ: {f'{error}'.partition(chr(10))[0]}") from error
    pieces = (
        piece.select(whole.columns).cast(whole.schema)
        for part in parts
        for piece in iter_chunks(_rows(part, known, checked=True))
    )
    tables.sink(register_io_source(lambda *_: pieces, schema=whole.schema), file)
    return file


def _rows(part: Source, known: Collection[str], *, checked: bool = False) -> pl.LazyFrame:
    """A part, with the columns that are in the names of its folders; in those above the dataset if the contract has them."""
    rows = part.scan(checked=checked)
    own = rows.collect_schema().names()
    inner = sources.partition(part.name)
    named = {key: value for key, value in part.partition.items() if key not in own and (key in inner or key in known)}
    return rows.with_columns(pl.lit(value, pl.String).alias(key) for key, value in named.items())


def _new(folder: Path) -> Path:
    """A new folder in it."""
    new = folder / f"{sum(1 for _ in folder.iterdir())}"
    new.mkdir()
    return new
