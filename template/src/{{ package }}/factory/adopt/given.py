"""The table as it is given: a file, or a folder of them."""

from pathlib import Path

import polars as pl

from .. import tables
from ..errors import FactoryError
from ..ledger import RAW
from .readable import refuse_names


def files(table: Path) -> list[Path]:
    """The file, or the tables in the folder. Raises FactoryError where there is none."""
    if not table.exists():
        raise FactoryError(f"{table}: no such file or folder")
    if table.resolve().is_relative_to(RAW.resolve()):
        raise FactoryError(f"{table}: lies in {RAW}, which is replaced: copy it to another place first")
    if not table.is_dir():
        return [table]
    found = sorted(path for path in table.iterdir() if path.is_file() and tables.suffix(path))
    if not found:
        raise FactoryError(f"{table}: holds no table")
    return found


def one_table(paths: list[Path]) -> pl.LazyFrame:
    """All files as one table. Raises FactoryError where their columns differ."""
    scanned, names = [], []
    for file in paths:
        with tables.reading(file):
            scanned.append(tables.scan(file))
            names.append(set(scanned[-1].collect_schema().names()))
    for file, columns in zip(paths, names, strict=True):
        if columns != names[0]:
            odd = ", ".join(sorted(columns ^ names[0])[:5])
            raise FactoryError(f"{file}: its columns are not those of {paths[0]}: {odd}")
    refuse_names(sorted(names[0]))
    order = scanned[0].collect_schema().names()
    return pl.concat([rows.select(order) for rows in scanned], how="vertical_relaxed")
