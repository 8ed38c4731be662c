"""New data through the contract into data/raw/ and the ledger; earlier deliveries stay as they are."""

import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from filelock import FileLock

from .. import manifest, tables
from ..config import Params
from ..errors import ContractViolation, FactoryError
from ..paths import DVC_TMP, RAW
from ..tables.chunks import column, height
from ..workspace import git
from ..workspace.process import dvc, run
from . import ledger, prepare
from .ledger import Entry

SCRATCH = RAW.with_name(".ingest.tmp")
CHECKED = DVC_TMP / "ingest"


def ingest(files: list[Path], params: Params, source: str | None = None, fetch: str = "") -> list[Entry]:
    """Enter each file as a delivery, all or none; a file that lies in data/raw/ stays where it is.

    What a refusal tells to do begins with `fetch`, a command, if the files stay here no longer than this takes.

    Raises FactoryError if a file breaks the contract, repeats rows that are there already, or
    would take the place of an earlier delivery.
    """
    DVC_TMP.mkdir(parents=True, exist_ok=True)
    with FileLock(DVC_TMP / "factory-ingest.lock"):
        known = ledger.entries()
        names = [file.name for file in files]
        for file in files:
            if names.count(file.name) > 1:
                raise FactoryError(f"two files are called {file.name}: give each a name of its own")
            _check_new(file, known)
        found = _check_contents(files, known)
        with scratch(CHECKED) as folder:
            deliveries = {file: _checked(file, params, fetch, folder / file.name) for file in files}
            if params.data.id and not params.data.repeats:
                _check_ids(deliveries, known, params.data.id)
            entries = [_entry(file, height(rows), source, found[file]) for file, rows in deliveries.items()]
        added: list[Path] = []
        try:
            for file, entry in zip(files, entries, strict=True):
                if not entry.path.exists():
                    added.append(entry.path)
                    _copy(file, entry.path)
                if manifest.file_sha256(entry.path) != entry.sha256:
                    raise FactoryError(f"{file}: changed while it was read: enter it again when it is whole")
            run(sys.executable, "-m", "dvc", "add", *(str(entry.path) for entry in entries))
            ledger.append(entries)
        except BaseException:
            for path in added:
                path.unlink(missing_ok=True)
                path.with_name(f"{path.name}.dvc").unlink(missing_ok=True)
            raise
    return entries


def _checked(file: Path, params: Params, fetch: str, place: Path) -> pl.LazyFrame:
    try:
        return prepare.spool(file, params, place)
    except ContractViolation as error:
        name = shlex.quote(file.name if fetch else str(file))
        before = f"{fetch}{name} && " if fetch else ""
        raise ContractViolation(f"{error}; see `{before}factory contract --diff {name}`") from error


def _check_new(file: Path, known: list[Entry]) -> None:
    if not file.is_file():
        raise FactoryError(f"{file}: no such file")
    place = RAW / file.name
    if file.name in {entry.file for entry in known}:
        raise FactoryError(f"{place} is an earlier delivery and stays as it is: give the new file another name")
    if place.exists() and manifest.file_sha256(place) != manifest.file_sha256(file):
        raise FactoryError(f"{place} is there but not in the ledger: enter that file, or give the new one another name")


def _check_contents(files: list[Path], known: list[Entry]) -> dict[Path, str]:
    """The sha256 of each file, none of which was there before."""
    found = {file: manifest.file_sha256(file) for file in files}
    seen = {entry.sha256: entry.path for entry in known}
    for file in files:
        other = seen.setdefault(found[file], file)
        if other is not file:
            raise FactoryError(f"{file}: has the same content as {other}, which is a delivery already")
    return found


def _copy(file: Path, place: Path) -> None:
    """Copy, so that a run that is killed leaves no half file in the place."""
    with scratch(SCRATCH) as folder:
        shutil.copyfile(file, folder / file.name)
        (folder / file.name).replace(place)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A new folder; one that an earlier run left, because it was killed, is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_ids(deliveries: dict[Path, pl.LazyFrame], known: list[Entry], name: str) -> None:
    seen = {entry.path: _ids(tables.scan(entry.path, checked=True), entry.path, name) for entry in known}
    for file, rows in deliveries.items():
        ids = _ids(rows, file, name)
        if ids.is_duplicated().any():
            raise ContractViolation(
                f"{file}: {name}: {ids.is_duplicated().sum()} rows share their id, e.g. {ids.filter(ids.is_duplicated())[0]}"
            )
        for other, earlier in seen.items():
            repeated = ids.filter(ids.is_in(earlier.implode()))
            if len(repeated):
                raise ContractViolation(
                    f"{file}: {name}: {len(repeated)} rows are in {other} already, e.g. {repeated[0]}"
                )
        seen[file] = ids


def _ids(rows: pl.LazyFrame, file: Path, name: str) -> pl.Series:
    with tables.reading(file):
        return column(rows, name).cast(pl.String)


def _entry(file: Path, rows: int, source: str | None, sha256: str) -> Entry:
    return Entry(
        file=file.name,
        received=datetime.now(UTC).isoformat(timespec="seconds"),
        by=git.author(),
        source=source or str(file),
        rows=str(rows),
        sha256=sha256,
    )


FETCHED = DVC_TMP / "inbox"


def collect(params: Params) -> list[Entry]:
    """Enter every new file, all or none. Raises FactoryError."""
    place = f"remote://{dvc('config', 'core.remote')}/inbox"
    known = {entry.file for entry in ledger.entries()}
    names = [name for name in _listed(place) if tables.suffix(name) and name not in known]
    shutil.rmtree(FETCHED, ignore_errors=True)
    FETCHED.mkdir(parents=True)
    try:
        for name in names:
            dvc("get-url", f"{place}/{name}", str(FETCHED / name))
            if not (FETCHED / name).is_file():
                raise FactoryError(f"{place}/{name} is a folder: deliver its files, under names of their own")
        files = [FETCHED / name for name in names]
        return ingest(files, params, place, fetch=f"dvc get-url {place}/") if names else []
    finally:
        shutil.rmtree(FETCHED)


def _listed(place: str) -> list[str]:
    try:
        return sorted(dvc("list-url", place).splitlines())
    except FactoryError as error:
        if "does not exist" in str(error):
            return []
        raise
