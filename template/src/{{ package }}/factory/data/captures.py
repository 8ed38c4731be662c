"""Captured requests in the folders of services, and one person's taken out of them."""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from ... import contract
from .. import tables
from ..errors import CannotEvaluate, FactoryError, listed
from ..validation import personal
from .erasure import belongs_to

IDS = ("_request", "_client_request")  # the service's own, and the client's, which older captures lack
ONE = ("_request", "_caller", "_at")  # of one request: in older captures _request is the client's
ROW = "_row"  # position in the request
REQUESTS = (IDS[0], ROW), (IDS[1], ROW, "_caller")  # each names a row; clients repeat the ids of others
CONTEXT = ("_at", "_caller", "_role", "_model")
SHOWN = 10


def half_written(folders: Collection[Path]) -> list[Path]:
    """What services that were killed have left."""
    found, old = list[Path](), time.time() - 60
    for file in (file for folder in folders for file in folder.glob("*/*.tmp")):
        with suppress(FileNotFoundError):  # complete by now
            if file.stat().st_mtime < old:
                found.append(file)
    return sorted(found)


def files(folders: Collection[Path]) -> list[Path]:
    """The files in the folders. Raises CannotEvaluate where there is no such folder."""
    for folder in folders:
        if not folder.is_dir():
            raise CannotEvaluate("CAPTURE", f"{folder}: no such folder")
    return sorted(file for folder in folders for file in folder.glob("*/*.parquet"))


def ids_in(request: str, files: Collection[Path], name: str) -> set[str]:
    """The ids of the rows of a request, as they were captured. Raises CannotEvaluate, and FactoryError if several have this id."""
    found, requests = set[str](), set[tuple[Any, ...]]()
    for file in files:
        with _reading(file):
            known = _read(file, (*ONE, *IDS, name))
            asked = known.filter(_of_request(known, request))
            requests |= set(asked.select(column for column in ONE if column in asked.columns).rows())
            if name in asked.columns:
                found |= set(asked[name].cast(pl.String).drop_nulls())
    _check_one(request, requests)
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


def with_rows(captured: pl.DataFrame) -> pl.DataFrame:
    """The captures of a file, with each row's position in its request, which older ones lack."""
    one = [name for name in (*CONTEXT, *IDS) if name in captured.columns]
    if ROW in captured.columns or IDS[0] not in one:
        return captured
    return captured.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).over(one).alias(ROW))


def complete(rows: pl.DataFrame, id: str | None) -> pl.DataFrame:
    """Captured rows as a model can score them, with other ids in place of hashed ones, which none uses.

    Raises CannotEvaluate where more is missing.
    """
    columns = contract.Row.columns()
    if missing := [name for name in columns if name not in rows.columns]:
        reason = f"the request was captured without {listed(missing)}: it cannot be answered again"
        raise CannotEvaluate("CAPTURE", reason)
    unknown = [name for name in columns if personal.is_hashed(rows[name])]
    if id in unknown:
        other = columns[id].sample(dy.random.Generator(0), rows.height)
        rows = rows.with_columns(other.alias(id))
        unknown.remove(id)
    if lost := [name for name in unknown if columns[name].dtype != pl.String]:
        reason = f"the request was captured with hashes of {listed(lost)}: it cannot be answered again"
        raise CannotEvaluate("CAPTURE", reason)
    return rows


def outcomes_of(
    found: Collection[tuple[Path, pl.Series]],
    files: Collection[Path],
    name: str,
    ids: Collection[str],
    request: str | None,
) -> list[tuple[Path, pl.Series]]:
    """The files with outcomes of the ids, the request or the captured rows that were found, and which of theirs these are.

    Raises CannotEvaluate.
    """
    captured = [pl.DataFrame(schema={**dict.fromkeys((*IDS, "_caller"), pl.String), ROW: pl.UInt32})]
    for file, mask in found:
        with _reading(file):
            table = with_rows(_read(file, (*CONTEXT, *IDS, ROW)))
            captured += [table.filter(mask).select(each for each in captured[0].columns if each in table.columns)]
    named, masks = pl.concat(captured, how="diagonal"), dict(find(files, name, ids, request))
    for file in files:
        with _reading(file):
            if ROW in pl.read_parquet_schema(file):
                mask = _named_by(_read(file, (*IDS, "_caller", ROW)), named)
                masks[file] = masks[file] | mask if file in masks else mask
    return [(file, mask) for file, mask in masks.items() if mask.any()]


def remove_all(found: list[tuple[Path, pl.Series]], half_written: list[Path]) -> None:
    """Take these rows out of their files, and delete what was left."""
    for file, rows in found:
        remove(file, rows)
    for file in half_written:
        file.unlink(missing_ok=True)


def remove(file: Path, unwanted: pl.Series) -> None:
    """Take the rows out of the file, if it is still there, or delete it if no other is in it."""
    if unwanted.all():
        file.unlink(missing_ok=True)
        return
    temporary = file.with_suffix(".tmp")
    try:
        owner = file.stat()
        temporary.unlink(missing_ok=True)
        temporary.touch(0o600, exist_ok=False)
        if os.name == "posix" and owner.st_uid != os.geteuid():
            os.chown(temporary, owner.st_uid, owner.st_gid)
        with tables.writing(temporary):
            with_rows(pl.read_parquet(file)).filter(~unwanted).write_parquet(temporary)
        temporary.replace(file)
    except FileNotFoundError:  # the service has deleted that day since
        pass
    finally:
        temporary.unlink(missing_ok=True)


def _check_one(request: str, requests: Collection[tuple[Any, ...]]) -> None:
    """Refuse what clients have called several requests, whose rows may be of several people. Raises FactoryError."""
    if len(requests) > 1:
        own = sorted({f"{first}" for first, *_ in requests})
        others = f"name one of {', '.join(own[:SHOWN])}{', …' if own[SHOWN:] else ''}" if own[1:] else "use --id"
        raise FactoryError(f"{len(requests)} requests have the id {request}: {others}")


def _read(file: Path, columns: Collection[str]) -> pl.DataFrame:
    """Those of the columns that the file has; nothing of one that has been deleted since it was listed."""
    try:
        schema = pl.read_parquet_schema(file)
        known = [name for name in dict.fromkeys(columns) if name in schema]
        return pl.read_parquet(file, columns=known) if known else pl.DataFrame()
    except FileNotFoundError:
        return pl.DataFrame()


def _of_request(rows: pl.DataFrame, request: str | None) -> pl.Series:
    either = (rows[name].cast(pl.String) == request for name in IDS if request and name in rows.columns)
    return reduce(or_, either, pl.repeat(False, rows.height, eager=True)).fill_null(False)


def _named_by(rows: pl.DataFrame, captured: pl.DataFrame) -> pl.Series:
    """Which rows name one of the captured rows by request and position."""
    mask = pl.repeat(False, rows.height, eager=True)
    for key in REQUESTS:
        if not {*key} <= {*rows.columns}:
            continue
        named = captured.select(key).drop_nulls().unique().with_columns(named=True)
        mask |= rows.select(key).join(named, on=key, how="left", maintain_order="left")["named"].fill_null(False)
    return mask


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CannotEvaluate("CAPTURE", f"{file}: {' '.join(str(error).split())}") from error
