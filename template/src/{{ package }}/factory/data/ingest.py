"""Validate new files, or those in the storage's inbox, and add them to data/raw/ and the ledger; earlier ones stay."""

import logging
import shlex
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from filelock import FileLock

from .. import interruption, manifest, policy, tables
from ..config import Params
from ..errors import ContractViolation, FactoryError, Violation
from ..paths import DVC_TMP, RAW
from ..tables.chunks import column, height
from ..validation import unseen
from ..validation.definition import delivered
from ..workspace import git
from ..workspace.process import dvc, run
from . import integrity, ledger, prepare, query, refused, takeover
from .incoming import Incoming, incoming, named
from .ledger import Entry

COPYING = RAW.with_name(".ingest.tmp")  # on the same disk as data/raw, so that moving a file there is atomic
VALIDATED = DVC_TMP / "ingest"
GATHERED = DVC_TMP / "incoming"


def ingest(
    places: list[Path],
    params: Params,
    source: str | None = None,
    fetch: str = "",
    diff: str = "",
    sheet: str | None = None,
) -> list[Entry]:
    """Add each file as a delivery, all or none; a file in data/raw/ is added in place. `incoming` says which files.

    `fetch` is the command that downloads the files again, if they are here only for now: the command
    that a refusal suggests starts with it. `diff` are the options of `factory contract` in its place.

    Raises FactoryError if a file violates the contract, repeats rows of another delivery, or would
    replace one.
    """
    with lock(), temporary_folder(GATHERED) as folder:
        arrived = [Incoming(place, f"{place}") for place in places] if fetch else incoming(places, folder, sheet)
        if sheet and not diff and len(places) == 1:
            diff = f"--diff {shlex.quote(str(places[0]))} --sheet {shlex.quote(sheet)}"
        with named(arrived):
            return _ingest(arrived, params, source, fetch, diff)


def _ingest(arrived: list[Incoming], params: Params, source: str | None, fetch: str, diff: str) -> list[Entry]:
    files = [each.file for each in arrived]
    recover(file.name for file in files)
    earlier = ledger.entries()
    _check_names(files, earlier)
    integrity.check(new=[file.name for file in files])
    hashes = _check_contents(files, earlier)
    with temporary_folder(VALIDATED) as folder:
        names = [file.name for file in files]
        validated = {file: _validated(file, params, fetch, diff, folder / file.name, names) for file in files}
        if params.data.id and not params.data.repeats:
            _check_ids(validated, earlier, params.data.id)
        entries = [
            _entry(
                each.file,
                height(validated[each.file]),
                source or query.source(each.file) or each.origin,
                hashes[each.file],
            )
            for each in arrived
        ]
    takeover.take_over()
    _add(files, entries)
    return entries


def recover(names: Iterable[str]) -> None:
    """Delete the pointers of these files that a DVC that was killed left empty; for a holder of the lock."""
    for pointer in {RAW / f"{name}.dvc" for name in names}.intersection(ledger.half_written()):
        pointer.unlink()


def lock() -> FileLock:
    """Held while deliveries change."""
    DVC_TMP.mkdir(parents=True, exist_ok=True)
    return FileLock(DVC_TMP / "factory-ingest.lock")


def ingest_inbox(params: Params) -> list[Entry]:
    """Add every new file in the storage's inbox, all or none. Raises FactoryError."""
    with new_files("inbox", {entry.file for entry in ledger.entries()}) as (inbox, files):
        return ingest(files, params, inbox, fetch=f"dvc get-url {inbox}/") if files else []


@contextmanager
def new_files(folder: str, known: Collection[str]) -> Iterator[tuple[str, list[Path]]]:
    """The address of a folder of the storage, and its tables of other names, which are here until the block ends.

    Raises FactoryError.
    """
    address = f"remote://{dvc('config', 'core.remote')}/{folder}"
    names = [name for name in _listed(address) if tables.suffix(name) and name not in known]
    DVC_TMP.mkdir(parents=True, exist_ok=True)
    with temporary_folder(DVC_TMP / folder.replace("/", "-")) as downloaded:
        for name in names:
            dvc("get-url", f"{address}/{name}", str(downloaded / name))
            if not (downloaded / name).is_file():
                raise FactoryError(
                    f"{address}/{name} is a folder: put its files into the inbox themselves, each under a new name"
                )
        yield address, [downloaded / name for name in names]


def _check_names(files: list[Path], earlier: list[Entry]) -> None:
    names, entered = [file.name for file in files], {entry.file for entry in earlier}
    rules, spelled = policy.load(), {entry.file.casefold(): entry.file for entry in earlier}
    for file in files:
        for problem in rules.wrong_name("delivery", file.name):
            raise FactoryError(f"POLICY: {problem} by policy.yaml: rename the file")
        _check_spelling(file.name)
        if names.count(file.name) > 1:
            raise FactoryError(f"two files are named {file.name}: rename one")
        if not file.is_file():
            raise FactoryError(f"{file}: no such file")
        place = RAW / file.name
        if (other := spelled.setdefault(file.name.casefold(), file.name)) != file.name:
            raise FactoryError(
                f"{file.name} differs from {other} in case only, which many disks do not keep: rename it"
            )
        if file.name in entered:
            raise FactoryError(f"{place} is an earlier delivery, which never changes: rename the new file")
        if place.exists() and manifest.file_sha256(place) != manifest.file_sha256(file):
            raise FactoryError(f"{place} exists but is not in the ledger: ingest that file, or rename the new one")


def _check_spelling(name: str) -> None:
    """Refuse the name of a file that lists of files cannot hold, or that Git does not ignore in data/raw."""
    if not name.isprintable() or name.startswith("."):
        raise FactoryError(f"{name!r}: rename the file: no line breaks or control characters, and no dot in front")


def _check_contents(files: list[Path], earlier: list[Entry]) -> dict[Path, str]:
    """The sha256 of each file; refuses content that is a delivery already."""
    hashes = {file: manifest.file_sha256(file) for file in files}
    seen = {entry.sha256: entry.path for entry in earlier}
    for file in files:
        other = seen.setdefault(hashes[file], file)
        if other is not file:
            raise FactoryError(f"{file}: same content as {other}, which is already a delivery")
    return hashes


def _validated(file: Path, params: Params, fetch: str, diff: str, folder: Path, names: list[str]) -> pl.LazyFrame:
    try:
        with unseen.counting() as tally:
            rows = prepare.load_validated(file, params, folder, new=names)
        for line in unseen.messages(tally, delivered(), height(rows)) if tally else ():
            logging.getLogger(__name__).warning("%s: %s", file, line)
        return rows
    except ContractViolation as error:
        refused.note(file, error)
        if GATHERED in file.parents and not diff:
            raise
        name = shlex.quote(file.name if fetch else str(file))
        prefix = f"{fetch}{name} && " if fetch else ""
        reason = f"{error}".removeprefix(f"{file.parent}/") if diff else error  # that folder is gone when this is read
        raise ContractViolation(f"{reason}; see `{prefix}factory contract {diff or f'--diff {name}'}`") from error


def _check_ids(validated: dict[Path, pl.LazyFrame], earlier: list[Entry], name: str) -> None:
    """Refuse ids that occur twice, in one file or in two."""
    seen = {entry.path: ids_in(tables.scan(entry.path, checked=True), entry.path, name) for entry in earlier}
    for file, rows in validated.items():
        ids = ids_in(rows, file, name)
        _refuse_repeated(file, ids, ids.is_duplicated(), "not unique")
        for other, other_ids in seen.items():
            _refuse_repeated(file, ids, ids.is_in(other_ids.implode()), f"already in {other}")
        seen[file] = ids


def _refuse_repeated(file: Path, ids: pl.Series, repeated: pl.Series, problem: str) -> None:
    count, row = int(repeated.fill_null(False).sum()), repeated.arg_max()
    if count and row is not None:
        violation = Violation(ids.name, problem, row, count, len(ids), f"{ids[row]}")
        raise ContractViolation(f"{file}: {violation}")


def ids_in(rows: pl.LazyFrame, file: Path, name: str) -> pl.Series:
    """The ids in the rows of the file, as texts. Raises FactoryError where it is damaged."""
    with tables.reading(file):
        return column(rows, name).cast(pl.String)


def _entry(file: Path, rows: int, source: str, sha256: str) -> Entry:
    return Entry(
        file=file.name,
        received=ledger.now(),
        by=git.author(),
        source=source,
        rows=str(rows),
        sha256=sha256,
    )


def _add(files: list[Path], entries: list[Entry]) -> None:
    """Copy the files into data/raw/ and record them; on failure none of them stays."""
    added: list[Path] = []
    pointers = [entry.pointer for entry in entries if not entry.pointer.exists()]
    try:
        for file, entry in zip(files, entries, strict=True):
            if not entry.path.exists():
                added.append(entry.path)
                copy(file, entry.path)
            if manifest.file_sha256(entry.path) != entry.sha256:
                raise FactoryError(f"{file}: changed while it was read: ingest it again when it is complete")
        # DVC deletes a file before it links it to its cache: one that was in place has no other copy if that is killed
        options = ["--no-relink"] if len(added) < len(files) else []
        run(sys.executable, "-m", "dvc", "add", *options, *(str(entry.path) for entry in entries))
        for entry in entries:
            ledger.record(entry)
        interruption.complete()
    except BaseException:
        interruption.ignore()
        for path in (*added, *pointers):
            path.unlink(missing_ok=True)
        raise


def copy(file: Path, place: Path) -> None:
    """Copy into data/raw/, so that an interrupted run leaves no partial file."""
    with temporary_folder(COPYING) as folder:
        shutil.copyfile(file, folder / file.name)
        (folder / file.name).replace(place)


def _listed(inbox: str) -> list[str]:
    try:
        return sorted(dvc("list-url", inbox).splitlines())
    except FactoryError as error:
        if "does not exist" in str(error):
            return []
        raise


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """A new folder; one left by an interrupted run is deleted."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
