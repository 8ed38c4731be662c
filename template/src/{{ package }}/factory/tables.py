"""Tables on disk: CSV and Parquet, refused with a reason where they cannot be read whole."""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

import polars as pl

from .errors import FactoryError

SUFFIXES = (".csv", ".parquet")


def scan(path: Path) -> pl.LazyFrame:
    """The table as a lazy frame; the fields of a CSV file are text, null where empty. Raises FactoryError."""
    rows = _open(path)
    if path.suffix == ".csv":
        with path.open("rb") as file:
            check_csv(file, path)
    return rows


def read(path: Path) -> pl.DataFrame:
    """The table in memory. Raises FactoryError where a part cannot be read, or there are no rows."""
    with reading(path):
        rows = scan(path).collect()
    if rows.is_empty():
        raise FactoryError(f"{path}: has no rows")
    return rows


def count(path: Path) -> int:
    """The number of rows, without reading them where the file tells. Raises FactoryError."""
    with reading(path):
        return int(_open(path).select(pl.len()).collect().item())


def sink(rows: pl.LazyFrame, path: Path) -> None:
    """Write the rows batch by batch, in their order. Raises OSError where the disk is full."""
    with writing(path):
        (rows.sink_parquet if path.suffix == ".parquet" else rows.sink_csv)(path)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the reader says of a damaged file into one line."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise FactoryError(f"{path}: damaged, or not a table: {reason}") from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell a disk that takes no more, which polars reports as a damaged Parquet file, from one."""
    try:
        yield
    except pl.exceptions.ComputeError as error:
        reason = str(error).partition("underlying IO error: ")[2]
        if not reason:
            raise
        raise OSError(None, reason, str(path)) from error


def _open(path: Path) -> pl.LazyFrame:
    if path.suffix not in SUFFIXES:
        raise FactoryError(f"{path}: not a kind of table that I read: {' or '.join(SUFFIXES)}")
    if not path.is_file():
        raise FactoryError(f"{path}: no such file")
    if path.suffix == ".parquet":
        return pl.scan_parquet(path, glob=False)
    return pl.scan_csv(path, infer_schema=False, glob=False)


def check_csv(file: BinaryIO, name: object) -> None:
    """Refuse a CSV file that is damaged or lost a part. Raises FactoryError with its name."""
    # polars fills short lines with null
    lines = csv.reader(TextIOWrapper(file, "utf-8-sig", newline=""), strict=True)
    try:
        header = next(lines, [])
        odd = next((fields for fields in lines if len(fields) != len(header)), header)
    except UnicodeDecodeError as error:
        raise FactoryError(f"{name}: not UTF-8: convert it first") from error
    except csv.Error as error:
        raise FactoryError(f"{name}: line {lines.line_num}: {error}") from error
    if not header:
        raise FactoryError(f"{name}: has no header")
    file.seek(-1, os.SEEK_END)
    if file.read() != b"\n":
        raise FactoryError(f"{name}: breaks off in its last line; if the file is whole, end that line")
    repeated = sorted({column for column in header if header.count(column) > 1})
    if repeated:
        raise FactoryError(f"{name}: column named twice: {', '.join(repeated)}")
    if len(odd) != len(header):
        raise FactoryError(f"{name}: line {lines.line_num} has {len(odd)} fields, the header {len(header)}")
