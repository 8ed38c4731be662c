"""The file in which a fleet's update is remembered. What is at the remotes counts; without the file it is found again."""

import json
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import files
from factory.errors import FactoryError

from .model import Entry, State
from .plan import NAMES

FORMAT = 1


@dataclass
class Record:
    """The release, the projects by their keys, when proposals were pushed, and why the waves do not go on."""

    release: str
    entries: dict[str, Entry] = field(default_factory=dict)
    pushes: list[str] = field(default_factory=list)
    stopped: str | None = None
    waits: bool = False  # only for pipelines and time

    def write(self, path: Path) -> None:
        """Write the file whole, so that whatever ends this process leaves it readable."""
        content = {"format": FORMAT, **asdict(self), "entries": [asdict(each) for each in self.entries.values()]}
        files.replace(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read(path: Path, release: str) -> Record:
    """What the file holds, or nothing where there is none. Raises FactoryError."""
    if not path.exists():
        return Record(release)
    try:
        content = json.loads(path.read_text("utf-8"))
        if content.pop("format") != FORMAT:
            raise ValueError("of another format")
        entries = map(_entry, content.pop("entries"))
        record = Record(entries={each.key: each for each in entries}, **content)
        for at in filter(None, [*record.pushes, *(each.at for each in record.entries.values())]):
            _check_moment(at)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FactoryError(f"{path}: cannot be read: {error}: delete it, and what is at the remotes is found again") from error
    if record.release != release:
        raise FactoryError(f"{path}: is of an update to {record.release}, not {release}: give another --state")
    return record


def locked(path: Path) -> AbstractContextManager[None]:
    """The file's lock, to be held while it is used. Raises FactoryError where another update has it."""
    return files.locked(Path(f"{path}.lock"), f"{path}: another update works with it: wait until it has ended")


def _check_moment(text: str) -> None:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"{text} has no time zone")


def _entry(content: dict[str, Any]) -> Entry:
    if content["wave"] not in range(len(NAMES)):
        raise ValueError(f"{content['wave']} is the number of none of the waves")
    known = {each.name for each in fields(Entry)}
    return Entry(**{name: value for name, value in content.items() if name in known} | {"state": State(content["state"])})
