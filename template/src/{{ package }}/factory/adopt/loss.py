"""What an adoption replaces, and what of it must not be lost."""

from pathlib import Path

from .. import evaluate, git, ledger, prepare, setup
from ..artifact import MODEL
from ..errors import FactoryError
from . import sources

REPLACED = [
    *(place / name for name, place in sources.PLACES.items()),
    *(Path(name) for name in ("README.md", "dvc.yaml", "dvc.lock")),
    setup.ORIGIN,
    ledger.LEDGER,
    ledger.RAW,
    prepare.PREPARED,
    MODEL,
    evaluate.REPORTS,
]


def refuse(force: bool) -> None:
    """Refuse to replace what is not the sample, or not in Git."""
    if git.commit() is None or not ledger.LEDGER.exists():
        raise FactoryError("the project is not set up: run `uv run factory setup` first")
    for path in sorted(set(ledger.RAW.iterdir()) - _known()):
        raise FactoryError(f"{path}: is no delivery: move it to another place, or it would be lost")
    if force:
        return
    if any(not entry.source.endswith(setup.SAMPLE) for entry in ledger.entries()):
        raise FactoryError(f"{ledger.RAW} holds your own data: --force puts the table in its place")
    changed = git.changes(*map(str, REPLACED))
    if changed:
        name = changed[0].split(maxsplit=1)[-1]
        raise FactoryError(f"{name} would be replaced and is not in Git: commit it, or say --force")


def _known() -> set[Path]:
    """What Git and DVC keep of data/raw."""
    files = [entry.path for entry in ledger.entries()]
    return {*files, *(Path(f"{file}.dvc") for file in files), ledger.RAW / ".gitignore", ledger.RAW / ".gitkeep"}
