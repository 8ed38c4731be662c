"""Errors for people: one line that says what is wrong, where, and what to do."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path


class FactoryError(Exception):
    """A mistake or a fault that the reader can mend; the command line prints it without a traceback."""

    exit_code = 1


class Undecided(FactoryError):
    """Evidence is missing, so that nothing could be judged: as good as a refusal. The code is for machines."""

    exit_code = 2

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")


@dataclass(frozen=True)
class Breach:
    """What is wrong with a column, or the name of a rule between columns that is broken."""

    subject: str
    problem: str = ""
    row: int | None = None  # the first one
    evidence: str = ""  # with values, which not everybody may see

    def __str__(self) -> str:
        return ", ".join(filter(None, (": ".join(filter(None, (self.subject, self.problem))), self.evidence)))


class ContractViolation(FactoryError):
    """Rows break the contract: the message names column, rule, number of rows and an example."""

    def __init__(self, found: str | Sequence[Breach]) -> None:
        self.breaches: Sequence[Breach] = () if isinstance(found, str) else found
        super().__init__(found if isinstance(found, str) else listed([str(breach) for breach in found]))


class ArtifactError(FactoryError):
    """The model on disk is missing, damaged, or does not fit the code that loads it."""


def listed(problems: list[str], most: int = 8) -> str:
    """The problems in one line, the first of them in full."""
    more = len(problems) - most
    return "; ".join(problems[:most]) + (f"; and {more} more" if more > 0 else "")


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
