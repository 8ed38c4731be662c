"""Files that are written whole, and locks that end with who holds them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from factory.errors import FactoryError


def replace(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with named(path):
            temporary.write_text(text, encoding="utf-8", newline="\n")
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Have the errors of what is written name the path, which that of a full disk does not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock, which ends with this process however it ends. Raises FactoryError, `busy`, where another process holds it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FactoryError(busy) from error
        yield
