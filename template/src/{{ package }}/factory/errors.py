"""Errors for people: one line that says what is wrong, where, and what to do."""


class FactoryError(Exception):
    """A mistake or a fault that the reader can mend; the command line prints it without a traceback."""

    exit_code = 1


class Undecided(FactoryError):
    """Evidence is missing, so that nothing could be judged: as good as a refusal."""

    exit_code = 2


class ContractViolation(FactoryError):
    """Rows break the contract: the message names column, rule, number of rows and an example."""


class ArtifactError(FactoryError):
    """The model on disk is missing, damaged, or does not fit the code that loads it."""


def listed(problems: list[str], most: int = 8) -> str:
    """The problems in one line, the first of them in full."""
    more = len(problems) - most
    return "; ".join(problems[:most]) + (f"; and {more} more" if more > 0 else "")
