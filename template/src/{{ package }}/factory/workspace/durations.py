"""How long each stage took here the last time, and which one runs: by that, how long the pipeline will take."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ..paths import DVC_TMP, RAW

STAGES = "prepare", "train", "evaluate"
TAKEN, RUNNING = DVC_TMP / "factory-durations.json", DVC_TMP / "factory-running.json"


@dataclass(frozen=True)
class Taken:
    """How long a stage took, and how many bytes the deliveries had."""

    seconds: float
    bytes: int

    def now(self) -> float:
        """The seconds that it will take, if they grow as the deliveries do."""
        return self.seconds * size() / self.bytes if self.bytes else self.seconds


@dataclass(frozen=True)
class Running:
    """The stage that runs, since when, and whether DVC runs those that follow."""

    stage: str
    since: str
    pipeline: bool

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return (datetime.now(UTC) - datetime.fromisoformat(self.since)).total_seconds()


@contextmanager
def recorded(stage: str) -> Iterator[None]:
    """Record that the stage runs, and once it is done how long it took; for who holds its lock."""
    running = Running(stage, datetime.now(UTC).isoformat(), "DVC_STAGE" in os.environ)
    _write(RUNNING, asdict(running))
    yield
    known = {name: asdict(each) for name, each in taken().items()}
    _write(TAKEN, known | {stage: asdict(Taken(round(running.seconds, 1), size()))})


def taken() -> dict[str, Taken]:
    """By stage, how long it took the last time; only of those that have run here."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        return {name: Taken(**each) for name, each in json.loads(TAKEN.read_text(encoding="utf-8")).items()}
    return {}


def running() -> Running | None:
    """The stage that runs now, if one does: it then holds its lock, whatever became of who wrote the file."""
    try:
        found = Running(**json.loads(RUNNING.read_text(encoding="utf-8")))
        with FileLock(lock(found.stage), timeout=0):
            return None
    except Timeout:
        return found
    except (OSError, ValueError, TypeError):
        return None


def lock(stage: str) -> Path:
    """The file that a stage locks while it runs."""
    return DVC_TMP / f"factory-{stage}.lock"


def size() -> int:
    """The bytes of all deliveries."""
    with suppress(OSError):
        return sum(file.stat().st_size for file in RAW.rglob("*") if file.is_file() and file.suffix != ".dvc")
    return 0


def _write(path: Path, content: object) -> None:
    with suppress(OSError):  # a disk that is full has its own message
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(path)
