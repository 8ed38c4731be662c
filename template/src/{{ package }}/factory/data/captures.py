"""Captured requests in the folders of services, and one person's taken out of them."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import reduce
from operator import or_
from pathlib import Path

import polars as pl

from .. import tables
from ..errors import CannotEvaluate
from .erasure import belongs_to

IDS = ("_request", "_client_request")  # the service's own, and the client's, which older captures lack


def files(folders: Collection[Path]) -> list[Path]:
    """The files in the folders. Raises CannotEvaluate where there is no such folder."""
    for folder in folders:
        if not folder.is_dir():
            raise CannotEvaluate("CAPTURE", f"{folder}: no such folder")
    return sorted(file for folder in folders for file in folder.glob("*/*.parquet"))


def ids_in(request: str, files: Collection[Path], name: str) -> set[str]:
    """The ids of the rows of a request, as they were captured. Raises CannotEvaluate."""
    found: set[str] = set()
    for file in files:
        with _reading(file):
            known = _read(file, (*IDS, name))
            if name in known.columns:
                found |= set(known.filter(_of_request(known, request))[name].cast(pl.String).drop_nulls())
    return found


def find(files: Collection[Path], name: str, ids: Collection[str], request: str | None) -> list[tuple[Path, pl.Series]]:
    """The files with rows of the ids or the request, and which these are; those of the request last, by which to find the ids.

    Raises CannotEvaluate.
    """
    of_ids: list[tuple[Path, pl.Series]] = []
    of_request: list[tuple[Path, pl.Series]] = []
    for file in files:
        with _reading(file):
            known = _read(file, (*IDS, name))
            asked = _of_request(known, request)
            mask = asked | belongs_to(known[name], ids) if name in known.columns else asked
            if mask.any():
                (of_request if asked.any() else of_ids).append((file, mask))
    return [*of_ids, *of_request]


def lacking(files: Collection[Path], name: str) -> int:
    """How many files lack the column of the ids."""
    return sum(name not in pl.read_parquet_schema(file) for file in files if file.exists())


def remove(file: Path, unwanted: pl.Series) -> None:
    """Take the rows out of the file, or delete it if no other is in it."""
    if unwanted.all():
        file.unlink()
        return
    temporary = file.with_suffix(".tmp")
    owner = file.stat()
    try:
        temporary.touch(0o600)
        if os.name == "posix" and owner.st_uid != os.geteuid():
            os.chown(temporary, owner.st_uid, owner.st_gid)
        with tables.writing(temporary):
            pl.read_parquet(file).filter(~unwanted).write_parquet(temporary)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _read(file: Path, columns: Collection[str]) -> pl.DataFrame:
    """Those of the columns that the file has; nothing of one that has been deleted since it was listed."""
    try:
        known = pl.read_parquet_schema(file)
        return pl.read_parquet(file, columns=[name for name in dict.fromkeys(columns) if name in known])
    except FileNotFoundError:
        return pl.DataFrame()


def _of_request(rows: pl.DataFrame, request: str | None) -> pl.Series:
    either = (rows[name].cast(pl.String) == request for name in IDS if request and name in rows.columns)
    return reduce(or_, either, pl.repeat(False, rows.height, eager=True)).fill_null(False)


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CannotEvaluate("CAPTURE", f"{file}: {' '.join(str(error).split())}") from error
