"""Replace all files or none, restore them on failure, and refuse where neither Git nor DVC has a copy."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .. import PACKAGE, interruption
from ..data import ledger
from ..errors import FactoryError
from ..paths import ADOPTION, DICTIONARY, DVC_TMP, MODEL, PREPARED, RAW, REPORTS
from ..workspace import git
from . import setup

SOURCE, TESTS = Path("src") / PACKAGE, Path("tests")
PLACES = {
    "contract.py": SOURCE,
    "features.py": SOURCE,
    "params.yaml": Path(),
    "test_contract.py": TESTS,
    "test_features.py": TESTS,
    "test_model.py": TESTS,
}
"""The files that an adoption writes, and where."""
REPLACED = [
    *(place / name for name, place in PLACES.items()),
    SOURCE / "model.py",
    *(Path(name) for name in ("README.md", "dvc.yaml", "dvc.lock")),
    DICTIONARY,
    setup.ORIGIN,
    ledger.LEDGER,
    ledger.ERASED,
    RAW,
    PREPARED,
    MODEL,
    REPORTS,
]
JOURNAL = ADOPTION / "journal.json"
LOCK = DVC_TMP / "factory-adopt.lock"


@contextmanager
def exclusive() -> Iterator[None]:
    """Hold the lock of `factory adopt`. Raises FactoryError if another holds it."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(LOCK, timeout=0):
            yield
    except Timeout as error:
        raise FactoryError("another `factory adopt` is running in this project: wait until it has finished") from error


@contextmanager
def replacing(paths: list[Path]) -> Iterator[None]:
    """Back up the paths, and restore them if the block fails."""
    _restore()
    existed = {str(path): path.exists() for path in paths}
    temporary = JOURNAL.with_suffix(".tmp")
    try:
        ADOPTION.mkdir()
        temporary.write_text(json.dumps(existed), encoding="utf-8")
        temporary.replace(JOURNAL)
        for path in filter(Path.exists, paths):
            _back_up(path)
        yield
        interruption.complete()
    except BaseException:
        interruption.ignore()
        _restore()
        raise
    JOURNAL.unlink()
    shutil.rmtree(ADOPTION)


def recover() -> bool:
    """Restore what an interrupted adoption left moved; whether there was one."""
    try:
        with FileLock(LOCK, timeout=0):
            was_killed = JOURNAL.exists()
            _restore()
            return was_killed
    except Timeout:
        return False


def check_can_replace(force: bool) -> None:
    """Refuse to replace what is not the sample, or not in Git."""
    if git.commit() is None or not ledger.is_started():
        raise FactoryError("the project is not set up: run `uv run factory setup` first")
    for path in sorted(set(RAW.iterdir()) - _kept_elsewhere()):
        raise FactoryError(f"{path}: not a delivery, and would be lost: move it elsewhere")
    if force:
        return
    if any(not entry.source.endswith(setup.SAMPLE) for entry in ledger.entries()):
        raise FactoryError(f"{RAW} holds your own data: --force replaces it")
    changed = git.changes(*map(str, REPLACED))
    if changed:
        name = changed[0].split(maxsplit=1)[-1]
        raise FactoryError(f"{name} would be replaced and has changes that are not in Git: commit it, or use --force")


def _backup(path: str | Path) -> Path:
    return ADOPTION / "files" / path


def _back_up(path: Path) -> None:
    _backup(path).parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        path.replace(_backup(path))
    else:
        copy = ADOPTION / "copy.tmp"
        shutil.copy2(path, copy)
        copy.replace(_backup(path))


def _restore() -> None:
    """Restore what the journal names: what has no backup was never moved, or is already restored."""
    if JOURNAL.exists():
        for name, existed in json.loads(JOURNAL.read_text(encoding="utf-8")).items():
            path = Path(name)
            if _backup(name).exists() or not existed:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            if _backup(name).exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                _backup(name).replace(path)
    shutil.rmtree(ADOPTION, ignore_errors=True)


def _kept_elsewhere() -> set[Path]:
    """What Git and DVC have of data/raw."""
    files = [entry.path for entry in ledger.entries()]
    return {*files, *(Path(f"{file}.dvc") for file in files), RAW / ".gitignore", RAW / ".gitkeep"}
