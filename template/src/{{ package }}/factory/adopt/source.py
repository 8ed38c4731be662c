"""The files of a table, as one; refused where no contract can describe it."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from .. import tables
from ..data.incoming import incoming, named
from ..data.ingest import temporary_folder
from ..errors import FactoryError
from ..paths import DVC_TMP, RAW
from ..tables.names import is_index

GATHERED = DVC_TMP / "adopting"
PATTERN = re.compile(r"\*|\^.*\$")  # polars would expand these to several columns
MOST_COLUMNS = 10_000  # beyond, a proposal takes hours
States = dict[Path, tuple[int, int]]
KINDS = ("Int64", "Float64", "Date", "Datetime", "Time", "Bool", "String")
"""The types, by their names in dataframely, that a column can have."""


@contextmanager
def files(table: Path, sheet: str | None = None) -> Iterator[list[Path]]:
    """The tables of a file or a folder, which are there until the block ends. Raises FactoryError where there is none."""
    if not table.exists():
        raise FactoryError(f"{table}: no such file or folder")
    if table.resolve().is_relative_to(RAW.resolve()):
        raise FactoryError(f"{table}: is inside {RAW}, which `factory adopt` replaces: copy it elsewhere first")
    with temporary_folder(GATHERED) as folder:
        found = incoming([table], folder, sheet)
        with named(found):
            yield [each.file for each in found]


def states(table: Path) -> States:
    """What shows whether a file has changed, of each of the table."""
    files = [file for file in table.rglob("*") if file.is_file()] if table.is_dir() else [table]
    return {file: (file.stat().st_size, file.stat().st_mtime_ns) for file in files}


def check_unchanged(table: Path, before: States) -> None:
    """Raise FactoryError where a file has changed since."""
    if changed := states(table).items() ^ before.items():
        name = min(file for file, _ in changed)
        raise FactoryError(f"{name}: changed while it was read: adopt it when it is complete")


def one_table(paths: list[Path]) -> pl.LazyFrame:
    """All files as one table. Raises FactoryError where their columns differ."""
    scanned, names = [], []
    for file in paths:
        with tables.reading(file):
            scanned.append(tables.scan(file, sheet=""))
            names.append(set(scanned[-1].collect_schema().names()))
    everywhere = set.intersection(*names)
    names = [{name for name in columns if name in everywhere or not is_index(name)} for columns in names]
    for file, columns in zip(paths, names, strict=True):
        if columns != names[0]:
            odd = ", ".join(sorted(columns ^ names[0])[:5])
            raise FactoryError(f"{file}: its columns differ from those of {paths[0]}: {odd}")
    if len(names[0]) > MOST_COLUMNS:
        raise FactoryError(
            f"{paths[0]}: {len(names[0]):,} columns, of which each has a line in the contract: choose at most {MOST_COLUMNS:,}"
        )
    check_names(sorted(names[0]))
    order = [name for name in scanned[0].collect_schema().names() if name in names[0]]
    return pl.concat([rows.select(order) for rows in scanned], how="vertical_relaxed")


def check_names(names: list[str]) -> None:
    """Raise FactoryError where a name cannot be printed, or would match several columns."""
    for name in names:
        if PATTERN.fullmatch(name) or any(unicodedata.category(sign) == "Cc" for sign in name):
            raise FactoryError(f"column {name!r}: rename it: no control characters, * or ^…$ in a name")


def is_readable(dtype: pl.DataType) -> bool:
    """Whether values of the type are numbers, times, booleans or text."""
    return not (dtype.is_nested() or dtype in (pl.Binary, pl.Object))
