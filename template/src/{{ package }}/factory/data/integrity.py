"""Whether the ledger is whole: each pointer and file as recorded, and no record lost that main or a version has."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress

from .. import manifest
from ..errors import CannotEvaluate, FactoryError, listed
from ..paths import RAW
from ..workspace import git
from . import ledger
from .ledger import LEDGER, Entry

VERSIONS = "model/v*"


def check(*, new: Collection[str] = (), contents: bool = True) -> None:
    """Refuse a ledger with a problem. Raises CannotEvaluate; arguments as of `problems`."""
    if found := problems(new=new, contents=contents):
        raise CannotEvaluate("LEDGER", listed(found))


def problems(*, new: Collection[str] = (), contents: bool = True) -> list[str]:
    """What is wrong with the ledger: where, and how to fix it.

    `new` names files that are being added, which have no record yet; without `contents` no file is read.
    Raises CannotEvaluate where a record is malformed.
    """
    entries = ledger.entries()
    return [
        *_pointers(entries, new),
        *_doubled(entries),
        *(_contents(entries) if contents else ()),
        *_lost(entries),
    ]


def lost(entries: Sequence[Entry], *, taken_over: bool = True) -> dict[Entry, str]:
    """Records that main or a version has, by where, that are neither among these nor erased.

    Until an older ledger is `taken_over`, commits that have one do not count: an adoption left no trace of what it replaced.
    """
    known = {*entries, *(erasure.entry for erasure in ledger.erasures())}
    found: dict[Entry, str] = {}
    for commit, where in _history().items():
        if not taken_over and git.show(commit, str(LEDGER)):
            continue
        if git.altered_since(commit, f"{RAW}/*.dvc", str(LEDGER)):
            found = {entry: where for entry in ledger.entries_at(commit) if entry not in known} | found
    return found


def erase(name: str, why: str) -> Entry:
    """Delete a delivery here; its record stays, with the reason. Raises FactoryError."""
    if not why.strip():
        raise FactoryError('WHY_MISSING: the record keeps the reason why its delivery was erased: add -m "why"')
    for entry in ledger.entries():
        if name in (entry.file, str(entry.path)):
            break
    else:
        raise FactoryError(f"{name}: no delivery of that name: `uv run factory ledger` lists them")
    if ledger.place(entry) == LEDGER:
        raise FactoryError(f"{name} is in {LEDGER}: `uv run factory setup` first")
    ledger.erase([entry], git.author(), why.strip())
    entry.path.unlink(missing_ok=True)
    entry.pointer.unlink()
    return entry


def not_as_recorded(entry: Entry, how: str) -> str:
    """What is wrong with the file of a delivery."""
    return f"{entry.path} is not what {ledger.place(entry)} records ({how}): restore it"


def _history() -> dict[str, str]:
    """Revisions whose records must all be here, and their names: what this branch shares with main, and versions.

    A branch that is behind main need not have the deliveries of versions that came later.
    """
    head = git.commit()
    if head is None:
        return {}
    main = _main()
    base = git.merge_base(main, head) if main else None
    found = {base: "main"} if base else {}
    for name, tag, _ in git.tags(VERSIONS):
        if base == main or git.contains(head, tag):
            found[f"refs/tags/{name}"] = name
    return found


def _main() -> str | None:
    with suppress(FactoryError):  # of several remotes: which one counts is asked where it is needed
        return git.main()[1]
    return None


def _pointers(entries: Sequence[Entry], new: Collection[str]) -> Iterator[str]:
    recorded = {entry.pointer for entry in entries}
    for pointer in ledger.pointers():
        if pointer not in recorded and pointer.stem not in new:
            yield f"{pointer} has no record: `uv run factory ingest {pointer.with_suffix('')}`, or move it elsewhere"
    for entry in entries:
        if not entry.pointer.exists():
            yield f"{LEDGER}: {entry.file} has no pointer {entry.pointer}: restore it from Git"


def _doubled(entries: Sequence[Entry]) -> Iterator[str]:
    seen: dict[str, Entry] = {}
    for entry in entries:
        other = seen.setdefault(entry.sha256, entry)
        if other is not entry:
            yield f"{ledger.place(entry)}: {entry.file} doubles {other.file}: `uv run factory ledger --erase {entry.file}`"


def _contents(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.path.is_file() and manifest.file_sha256(entry.path) != entry.sha256:
            yield not_as_recorded(entry, "its sha256 differs")


def _lost(entries: Sequence[Entry]) -> Iterator[str]:
    names = {entry.file for entry in entries}
    for entry, where in lost(entries, taken_over=not LEDGER.exists()).items():
        if entry.file in names:
            yield f"{entry.pointer}: is not the record in {where}: restore it from there"
        else:
            yield f"{entry.pointer}: is gone, but in {where}: restore it from there, or see `factory ledger --erase`"
