"""Errors for people: one line that says what is wrong, where, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass


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
