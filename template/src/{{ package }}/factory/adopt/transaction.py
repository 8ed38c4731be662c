"""Files replaced all or none, put back if that fails, and refused where neither Git nor DVC has what would be lost."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .. import PACKAGE
from ..data import ledger
from ..errors import FactoryError
from ..paths import ADOPTION, DVC_TMP, MODEL, PREPARED, RAW, REPORTS
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
    *(Path(name) for name in ("README.md", "dvc.yaml", "dvc.lock")),
    setup.ORIGIN,
    ledger.LEDGER,
    RAW,
    PREPARED,
    MODEL,
    REPORTS,
]
JOURNAL = ADOPTION / "journal.json"
LOCK = DVC_TMP / "factory-adopt.lock"


@contextmanager
def exclusive() -> Iterator[None]:
    """Nobody else adopts meanwhile. Raises FactoryError."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(LOCK, timeout=0):
            yield
    except Timeout as error:
        raise FactoryError("another adoption is at work in this project: wait for its end") from error


@contextmanager
def replacing(paths: list[Path]) -> Iterator[None]:
    """Folders moved and files copied away, and restored if what is done meanwhile fails."""
    _restore()
    ADOPTION.mkdir()
    existed = {str(path): path.exists() for path in paths}
    temporary = JOURNAL.with_suffix(".tmp")
    temporary.write_text(json.dumps(existed), encoding="utf-8")
    temporary.replace(JOURNAL)
    try:
        for path in filter(Path.exists, paths):
            _back_up(path)
        yield
    except BaseException:
        _restore()
        raise
    JOURNAL.unlink()
    shutil.rmtree(ADOPTION)


def recover() -> bool:
    """Whether an adoption was killed, and what it had moved away is in its place again."""
    try:
        with FileLock(LOCK, timeout=0):
            was_killed = JOURNAL.exists()
            _restore()
            return was_killed
    except Timeout:
        return False


def check_can_replace(force: bool) -> None:
    """Refuse to replace what is not the sample, or not in Git."""
    if git.commit() is None or not ledger.LEDGER.exists():
        raise FactoryError("the project is not set up: run `uv run factory setup` first")
    for path in sorted(set(RAW.iterdir()) - _kept_elsewhere()):
        raise FactoryError(f"{path}: is no delivery: move it to another place, or it would be lost")
    if force:
        return
    if any(not entry.source.endswith(setup.SAMPLE) for entry in ledger.entries()):
        raise FactoryError(f"{RAW} holds your own data: --force puts the table in its place")
    changed = git.changes(*map(str, REPLACED))
    if changed:
        name = changed[0].split(maxsplit=1)[-1]
        raise FactoryError(f"{name} would be replaced and is not in Git: commit it, or say --force")


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
    """Restore what the journal names: what has no backup was never moved, or is back already."""
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
    """What Git and DVC keep of data/raw."""
    files = [entry.path for entry in ledger.entries()]
    return {*files, *(Path(f"{file}.dvc") for file in files), RAW / ".gitignore", RAW / ".gitkeep"}
