"""New data through the contract into data/raw/ and the ledger; earlier deliveries stay as they are."""

import shlex
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from filelock import FileLock

from . import digest, git, ledger, prepare, tables
from .config import Params
from .errors import ContractViolation, FactoryError
from .ledger import RAW, Entry
from .shell import run
from .stage import LOCKS

SCRATCH = RAW.with_name(".ingest.tmp")


def ingest(files: list[Path], params: Params, source: str | None = None, fetch: str = "") -> list[Entry]:
    """Enter each file as a delivery, all or none; a file that lies in data/raw/ stays where it is.

    What a refusal tells to do begins with `fetch`, a command, if the files stay here no longer than this takes.

    Raises FactoryError if a file breaks the contract, repeats rows that are there already, or
    would take the place of an earlier delivery.
    """
    LOCKS.mkdir(parents=True, exist_ok=True)
    with FileLock(LOCKS / "factory-ingest.lock"):
        known = ledger.entries()
        names = [file.name for file in files]
        for file in files:
            if names.count(file.name) > 1:
                raise FactoryError(f"two files are called {file.name}: give each a name of its own")
            _check_new(file, known)
        found = _check_contents(files, known)
        deliveries = {file: _checked(file, params, fetch) for file in files}
        if params.data.id and not params.data.repeats:
            _check_ids(deliveries, known, params.data.id)
        entries = [_entry(file, rows.height, source, found[file]) for file, rows in deliveries.items()]
        added: list[Path] = []
        try:
            for file, entry in zip(files, entries, strict=True):
                if not entry.path.exists():
                    added.append(entry.path)
                    _copy(file, entry.path)
                if digest.of_file(entry.path) != entry.sha256:
                    raise FactoryError(f"{file}: changed while it was read: enter it again when it is whole")
            run(sys.executable, "-m", "dvc", "add", *(str(entry.path) for entry in entries))
            ledger.append(entries)
        except BaseException:
            for path in added:
                path.unlink(missing_ok=True)
                path.with_name(f"{path.name}.dvc").unlink(missing_ok=True)
            raise
    return entries


def _checked(file: Path, params: Params, fetch: str) -> pl.DataFrame:
    try:
        return prepare.check(file, params)
    except ContractViolation as error:
        place = shlex.quote(file.name if fetch else str(file))
        before = f"{fetch}{place} && " if fetch else ""
        raise ContractViolation(f"{error}; see `{before}factory contract --diff {place}`") from error


def _check_new(file: Path, known: list[Entry]) -> None:
    if not file.is_file():
        raise FactoryError(f"{file}: no such file")
    place = RAW / file.name
    if file.name in {entry.file for entry in known}:
        raise FactoryError(f"{place} is an earlier delivery and stays as it is: give the new file another name")
    if place.exists() and digest.of_file(place) != digest.of_file(file):
        raise FactoryError(f"{place} is there but not in the ledger: enter that file, or give the new one another name")


def _check_contents(files: list[Path], known: list[Entry]) -> dict[Path, str]:
    """The sha256 of each file, none of which was there before."""
    found = {file: digest.of_file(file) for file in files}
    seen = {entry.sha256: entry.path for entry in known}
    for file in files:
        other = seen.setdefault(found[file], file)
        if other is not file:
            raise FactoryError(f"{file}: has the same content as {other}, which is a delivery already")
    return found


def _copy(file: Path, place: Path) -> None:
    """Copy, so that a run that is killed leaves no half file in the place."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir()
    try:
        shutil.copyfile(file, SCRATCH / file.name)
        (SCRATCH / file.name).replace(place)
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)


def _check_ids(deliveries: dict[Path, pl.DataFrame], known: list[Entry], column: str) -> None:
    seen = {entry.path: tables.read(entry.path).get_column(column).cast(pl.String) for entry in known}
    for file, rows in deliveries.items():
        ids = rows[column].cast(pl.String)
        if ids.is_duplicated().any():
            raise ContractViolation(
                f"{file}: {column}: {ids.is_duplicated().sum()} rows share their id, e.g. {ids.filter(ids.is_duplicated())[0]}"
            )
        for other, earlier in seen.items():
            repeated = ids.filter(ids.is_in(earlier.implode()))
            if len(repeated):
                raise ContractViolation(
                    f"{file}: {column}: {len(repeated)} rows are in {other} already, e.g. {repeated[0]}"
                )
        seen[file] = ids


def _entry(file: Path, rows: int, source: str | None, sha256: str) -> Entry:
    return Entry(
        file=file.name,
        received=datetime.now(UTC).isoformat(timespec="seconds"),
        by=git.author(),
        source=source or str(file),
        rows=str(rows),
        sha256=sha256,
    )
