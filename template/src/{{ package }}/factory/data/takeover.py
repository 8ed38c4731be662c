"""The ledger of a release before 0.4.0: its lines become records of their deliveries; to be deleted with release 0.6.0."""

from ..errors import CannotEvaluate
from ..paths import RAW
from ..workspace import git, migration
from . import integrity, ledger

WHY = f"not in {ledger.LEDGER} when it was taken over"


def take_over() -> list[str]:
    """Move each line of an older ledger into its delivery's pointer, once dvc.yaml no longer needs it; what was done.

    Deliveries of earlier versions that are gone, as after an adoption, are recorded as erased. Raises CannotEvaluate.
    """
    if not ledger.LEDGER.exists() or migration.names_ledger():
        return []
    entries = ledger.entries()
    if found := [entry.file for entry in entries if not entry.pointer.exists()]:
        raise CannotEvaluate("LEDGER", f"{ledger.LEDGER}: {found[0]} has no pointer {RAW / found[0]}.dvc: restore it")
    for entry in entries:
        ledger.record(entry)
    gone = list(integrity.lost(entries))
    ledger.erase(gone, git.author(), WHY)
    ledger.LEDGER.unlink()
    erased = [f"{ledger.ERASED}: {', '.join(entry.file for entry in gone)}: {WHY}"] if gone else []
    return [f"{ledger.LEDGER}: each line is now in its delivery's pointer, {RAW}/NAME.dvc", *erased]
