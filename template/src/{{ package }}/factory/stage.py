"""How a stage writes: alone, all or nothing, and never after the pipeline that started it has died."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

LOCKS = Path(".dvc/tmp")
POLL_SECONDS = 0.2


@contextmanager
def stage(name: str, outputs: list[Path]) -> Iterator[Path]:
    """A scratch folder in which to write `outputs`, by their names, before they take their places.

    DVC does not end a stage when it is itself killed, and would run the same stage again beside
    it: so a second run waits for the lock, and an orphan gives up before it publishes anything.
    """
    parent = os.getppid()
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    LOCKS.mkdir(parents=True, exist_ok=True)
    with FileLock(LOCKS / f"factory-{name}.lock"):
        scratch = outputs[0].parent / f".{name}.tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            yield scratch
            if os.getppid() == parent:
                _publish(scratch, outputs)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _publish(scratch: Path, outputs: list[Path]) -> None:
    for output in outputs:
        if output.is_dir():
            shutil.rmtree(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        (scratch / output.name).replace(output)


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)
