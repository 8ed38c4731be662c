"""What a step of the pipeline failed of, kept for the summary that comes after it."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import ContractViolation, FactoryError

STEPS = ("ingest", "prepare", "train", "evaluate", "compare")
PLACE = Path(".dvc/tmp")
FILE = PLACE / "factory-failure.json"


@dataclass(frozen=True)
class Failure:
    """The command, the reason code of its failure, and its words."""

    command: str
    code: str
    message: str


def note(command: str, error: Exception) -> None:
    """Keep what a step failed of, if this is a project."""
    with suppress(OSError):  # a disk that is full or read-only has its own message
        if command in STEPS and PLACE.is_dir():
            FILE.write_text(json.dumps(asdict(_of(command, error))), encoding="utf-8")


def forget(command: str) -> None:
    """A step that is through has no failure."""
    with suppress(OSError):
        if command in STEPS:
            FILE.unlink(missing_ok=True)


def last() -> Failure | None:
    """What the last step failed of, if it did."""
    try:
        return Failure(**json.loads(FILE.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _of(command: str, error: Exception) -> Failure:
    code = "CONTRACT" if isinstance(error, ContractViolation) else getattr(error, "code", f"{command.upper()}_FAILED")
    words = str(error) if isinstance(error, FactoryError) else f"{type(error).__name__}: {error}"
    return Failure(command, str(code), " ".join(words.removeprefix(f"{code}: ").split()))
