"""The data of a version: each delivery is the recorded one, and main still has its record."""

from contextlib import chdir

from ..data import integrity, ledger
from ..errors import CannotEvaluate, listed
from ..workspace import git
from .reproduction import Reproduction


def check(made: Reproduction, main: str | None) -> str:
    """In words, how many deliveries are what the ledger says. Raises CannotEvaluate naming those that are not."""
    erased = _erased(made.commit, main)
    if erased:
        message = f"{', '.join(erased)}: erased since, and what was trained on it cannot be trained again"
        raise CannotEvaluate("STORAGE", message)
    made.fetch_data()
    with chdir(made.folder):
        entries, problems = ledger.entries(), integrity.problems()
    kept = set(ledger.entries_at(main) if main else entries)
    lost = [entry for entry in entries if entry not in kept]
    problems += [f"{entry.path}: its record is not on main: restore it there" for entry in lost]
    if problems:
        raise CannotEvaluate("LEDGER", listed(problems))
    return f"{len(entries)} {'delivery' if len(entries) == 1 else 'deliveries'}, each as recorded, and recorded on main"


def _erased(commit: str, main: str | None) -> list[str]:
    """Deliveries in the commit that main has erased."""
    tombstones = git.show(main, str(ledger.ERASED)) if main else None
    kept = ledger.entries_at(main) if main and tombstones else []
    gone = [entry for entry in ledger.entries_at(commit) if tombstones and entry not in kept]
    return [entry.file for entry in gone if entry.sha256 in f"{tombstones}"]
