"""The errors that a user can fix, and the record of why the last step failed."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Self

from ._moved import old_names
from .paths import DVC_TMP

STEPS = ("ingest", "prepare", "train", "evaluate", "reproduce", "compare")
FAILURE = DVC_TMP / "factory-failure.json"

__getattr__ = old_names(__name__)


class FactoryError(Exception):
    """An error that the user can fix: one line, without a traceback, on what is wrong, where, and what to do."""

    exit_code = 1


class CannotEvaluate(FactoryError):
    """Evidence is missing, so that nothing can be evaluated, which counts as a refusal. The code is for machines."""

    exit_code = 2

    def __init__(self, code: str, message: str) -> None:
        self.code, self.reason = code, message
        super().__init__(f"{code}: {message}")


class SignatureRefused(CannotEvaluate):
    """A signature is missing (UNSIGNED), of nobody who may sign (SIGNER_UNKNOWN), or broken (SIGNATURE_INVALID)."""


class Refused(FactoryError):
    """What is claimed has been looked at, and is not so. The code is for machines."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")


@dataclass(frozen=True)
class Violation:
    """What is wrong with a column, or the name of a violated rule between columns."""

    subject: str
    problem: str = ""
    row: int | None = None  # the first one, counted from 0
    count: int = 0  # rows with the problem
    total: int = 0  # rows looked at; 0 where the problem is none of single rows
    example: str = ""  # of their values, which not everybody may see

    def __str__(self) -> str:
        what = ": ".join(filter(None, (self.subject, self.problem)))
        if not self.total:
            return what
        first = f", first in data row {self.row + 1:,}" if self.row is not None and self.total > 1 else ""
        example = f", e.g. {self.example}" if self.example else ""
        return f"{what}, {self.count:,} of {self.total:,} rows{first}{example}"


class BrokenInvariant(Violation):
    """The name of an invariant that a delivery as a whole violates."""

    def __str__(self) -> str:
        return f"not so: {super().__str__()}"  # as tests that users own expect it


class ContractViolation(FactoryError):
    """Rows violate the contract: the message names column, rule, number of rows and an example."""

    def __init__(self, violations: str | Sequence[Violation]) -> None:
        self.violations: Sequence[Violation] = () if isinstance(violations, str) else violations
        message = violations if isinstance(violations, str) else listed([str(violation) for violation in violations])
        super().__init__(message)


class ArtifactError(FactoryError):
    """The model on disk is missing, damaged, or does not fit the code that loads it."""


def close(word: str, known: Iterable[str], likeness: float = 0.8) -> str | None:
    """The known word that another one probably means, in whatever case."""
    words = {other.strip().casefold(): other for other in known}
    return next((words[each] for each in get_close_matches(word.strip().casefold(), words, 1, likeness)), None)


def listed(problems: list[str], most: int = 8) -> str:
    """The problems in one line, the first of them in full."""
    more = len(problems) - most
    return "; ".join(problems[:most]) + (f"; and {more} more" if more > 0 else "")


@dataclass(frozen=True)
class Failure:
    """The command, the reason code of its failure, and its message."""

    command: str
    code: str
    message: str

    @classmethod
    def from_error(cls, command: str, error: Exception) -> Self:
        default = "CONTRACT" if isinstance(error, ContractViolation) else f"{command.upper()}_FAILED"
        code = str(getattr(error, "code", default))
        message = str(error) if isinstance(error, FactoryError) else f"{type(error).__name__}: {error}"
        return cls(command, code, " ".join(message.removeprefix(f"{code}: ").split()))


def record_failure(command: str, error: Exception) -> None:
    """Record why a step failed, if this is a project."""
    with suppress(OSError):  # a disk that is full or read-only has its own message
        if command in STEPS and DVC_TMP.is_dir():
            FAILURE.write_text(json.dumps(asdict(Failure.from_error(command, error))), encoding="utf-8")


def clear_failure(command: str) -> None:
    """Forget the failure of a step that has now succeeded."""
    with suppress(OSError):
        if command in STEPS:
            FAILURE.unlink(missing_ok=True)


def last_failure() -> Failure | None:
    """Why the last step failed, if it did."""
    try:
        return Failure(**json.loads(FAILURE.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
