"""The ledger: who added which delivery, when and from where.

The record of a delivery is the `meta` of its pointer, data/raw/NAME.dvc, which DVC keeps as it is: two branches that
both add deliveries merge without a conflict. What is erased leaves its record in data/erased.csv.
"""

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml
from ruamel.yaml import YAML

from .. import manifest
from ..errors import CannotEvaluate
from ..paths import RAW
from ..sections import UniqueKeys
from ..workspace import git, migration

LEDGER = migration.LEDGER
ERASED = Path("data/erased.csv")


@dataclass(frozen=True)
class Entry:
    """One delivery; `received` is an ISO 8601 time in UTC, `source` is where it came from."""

    file: str
    received: str
    by: str
    source: str
    rows: str
    sha256: str

    @property
    def path(self) -> Path:
        return RAW / self.file

    @property
    def pointer(self) -> Path:
        return RAW / f"{self.file}.dvc"


@dataclass(frozen=True)
class Erasure(Entry):
    """The record of a delivery that was erased, and who erased it, when and why."""

    erased: str
    erased_by: str
    why: str

    @property
    def entry(self) -> Entry:
        """The record as it was."""
        return Entry(**{name: getattr(self, name) for name in COLUMNS})


COLUMNS = [field.name for field in fields(Entry)]
RECORD = {name: int if name == "rows" else str for name in COLUMNS if name != "file"}
Line = TypeVar("Line", bound=Entry)


def entries(root: Path = Path()) -> list[Entry]:
    """All deliveries in the order in which they were received. Raises CannotEvaluate where a record is malformed."""
    recorded = {entry.file: entry for pointer in pointers(root) if (entry := _recorded(root, pointer))}
    older = read(root / LEDGER, Entry)
    for entry in older:
        if recorded.get(entry.file, entry) != entry:
            raise _malformed(entry.pointer, f"is not the record in {LEDGER}")
    if not recorded:
        return older
    unmoved = [entry for entry in older if entry.file not in recorded]
    return sorted([*unmoved, *recorded.values()], key=lambda entry: entry.received)


def entries_at(commit: str) -> list[Entry]:
    """The deliveries in the commit, which may be of an older release. Raises CannotEvaluate as above."""
    if git.show(commit, "data") is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        git.export(f"{commit}:data", Path(folder, "data"))
        try:
            return entries(Path(folder))
        except CannotEvaluate as error:
            message = str(error).removeprefix(f"{error.code}: ")
            raise CannotEvaluate(error.code, f"in {commit}: {message}") from error


def erasures() -> list[Erasure]:
    """What was erased, in that order. Raises CannotEvaluate where a line is malformed."""
    return read(ERASED, Erasure)


def is_started() -> bool:
    """Whether there has been a delivery."""
    return LEDGER.exists() or ERASED.exists() or bool(entries())


def pointers(root: Path = Path()) -> list[Path]:
    """DVC's pointers in data/raw/, relative to the root."""
    return sorted(path.relative_to(root) for path in (root / RAW).glob("*.dvc") if path.is_file())


def half_written() -> list[Path]:
    """Pointers that a DVC that was killed left empty; Git has none of them."""
    empty = [pointer for pointer in pointers() if not pointer.stat().st_size]
    return [pointer for pointer in empty if git.show("HEAD", f"./{pointer}") is None]


def place(entry: Entry) -> Path:
    """The file that holds the record."""
    return entry.pointer if entry.pointer.exists() and _recorded(Path(), entry.pointer) else LEDGER


def record(entry: Entry, root: Path = Path()) -> None:
    """Write the record into the delivery's pointer."""
    editor = YAML()  # which keeps comments
    editor.width = 2**16
    path = root / entry.pointer
    content: dict[str, Any] = editor.load(path) if path.exists() else {"outs": [{"path": entry.file}]}
    values = {name: kind(getattr(entry, name)) for name, kind in RECORD.items()}
    content["meta"] = {**(content.get("meta") or {}), **values}
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        editor.dump(content, file)
    temporary.replace(path)


def erase(deliveries: Sequence[Entry], by: str, why: str, root: Path = Path()) -> None:
    """Record that the deliveries were erased; their files and pointers are the caller's to delete."""
    erased = now()
    new = [Erasure(**asdict(entry), erased=erased, erased_by=by, why=why) for entry in deliveries]
    if new:
        path = root / ERASED
        temporary = path.with_suffix(".tmp")
        temporary.write_text(to_csv([*read(path, Erasure), *new], Erasure), encoding="utf-8")
        temporary.replace(path)


def to_csv(lines: Sequence[Line], kind: type[Line]) -> str:
    """The lines as a table."""
    file = io.StringIO()
    writer = csv.DictWriter(file, [field.name for field in fields(kind)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, lines))
    return file.getvalue()


def read(path: Path, kind: type[Line]) -> list[Line]:
    """The lines of a table, if there is one. Raises CannotEvaluate where one is malformed."""
    if not path.exists():
        return []
    name = path.relative_to(path.parents[1])
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        try:
            header, *lines = [kind(*row) for row in reader if row]
            if header != kind(*(field.name for field in fields(kind))):
                raise ValueError(header)
        except (TypeError, ValueError, csv.Error) as error:
            raise _malformed(name, f"line {reader.line_num} is not a delivery") from error
    counted = Counter(line.file if kind is Entry else line for line in lines)  # what is adopted again is erased again
    if doubled := [line.file for line in lines if counted[line.file if kind is Entry else line] > 1]:
        raise _malformed(name, f"{doubled[0]} is in it twice")
    return lines


def sha256(deliveries: Sequence[Entry]) -> str:
    """The sha256 of the table, by which its content is known."""
    return manifest.sha256(to_csv(deliveries, Entry).encode())


def now() -> str:
    """The time in UTC, so precisely that deliveries of one command keep their order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _recorded(root: Path, pointer: Path) -> Entry | None:
    """The record in the pointer, if it has one. Raises CannotEvaluate."""
    try:
        content: Any = yaml.load((root / pointer).read_bytes(), _Loader)
        if content is None:
            again = f"`uv run factory ingest {pointer.with_suffix('')}` if it is new"
            raise CannotEvaluate("LEDGER", f"{pointer}: empty: {again}, else restore it from Git")
        [out] = content["outs"]
        if out["path"] != pointer.stem:
            raise ValueError(f"names {out['path']}")
        meta = content.get("meta") or {}
        if not RECORD.keys() & meta.keys():
            return None
        values = {name: meta[name] for name in RECORD}
    except KeyError as error:
        raise _malformed(pointer, f"lacks {error.args[0]}") from error
    except yaml.MarkedYAMLError as error:
        raise _malformed(pointer, str(error.problem)) from error
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise _malformed(pointer, " ".join(str(error).split())) from error
    for name, kind in RECORD.items():
        if not isinstance(values[name], kind):
            raise _malformed(pointer, f"{name} is {values[name]!r}")
    return Entry(pointer.stem, **{name: str(value) for name, value in values.items()})


class _Loader(UniqueKeys, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # there may be many pointers
    pass


def _malformed(path: Path, problem: str) -> CannotEvaluate:
    return CannotEvaluate("LEDGER", f"{path}: {problem}: restore it from Git")
