"""A copy of a model's files, from which workers load the same model whatever becomes of its folder."""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

PREFIX = "factory-model-"


class ModelCopy:
    """A folder that only the service's user can read, until `delete`; locked, so that a killed service's can be recognized."""

    def __init__(self) -> None:
        """Raises OSError."""
        self._lock: int | None = None
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = _lock(self.folder)

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """A copy of the files in the folder; None where none can be made: then the folder itself has to do."""
        try:
            copy = cls()
        except OSError:  # a file system that is read-only or full
            return None
        try:
            for file in folder.iterdir():
                if file.is_file():
                    shutil.copy(file, copy.folder)
        except OSError:
            copy.delete()
            return None
        return copy

    def __del__(self) -> None:
        """Of one that nobody came to use."""
        self.delete()

    def delete(self) -> None:
        """Delete the folder, if it is still there."""
        if self._lock is None:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)
        self._lock = None


def delete_abandoned() -> None:
    """Delete the copies of services that were killed."""
    try:
        folders = [*Path(tempfile.gettempdir()).glob(f"{PREFIX}*")]
    except OSError:  # a container without a folder to write to
        return
    for folder in folders:
        with suppress(OSError):
            lock = _lock(folder)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path) -> int:
    """The descriptor that holds the lock. Raises OSError where another process holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
