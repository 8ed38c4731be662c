"""The data of a version: each delivery is the recorded one, and main still has its record."""

from contextlib import chdir

from ..data import integrity, ledger
from ..errors import CannotEvaluate, listed
from ..workspace import git
from .reproduction import Reproduction


def check(made: Reproduction, main: str | None) -> str:
    """In words, how many deliveries are what the ledger says. Raises CannotEvaluate naming those that are not."""
    with chdir(made.folder):
        entries, problems = ledger.entries(), integrity.problems()
    if main:
        kept = set(ledger.entries_at(main))
        erased = git.show(main, str(ledger.ERASED)) or ""
        problems += [
            f"{entry.path}: its record is not on main: restore it there"
            for entry in entries
            if entry not in kept and entry.sha256 not in erased
        ]
    if problems:
        raise CannotEvaluate("LEDGER", listed(problems))
    return f"{len(entries)} {'delivery' if len(entries) == 1 else 'deliveries'}, each as recorded, and recorded on main"
