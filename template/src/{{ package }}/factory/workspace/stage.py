"""How a stage writes: alone, all or nothing, and never after the pipeline that started it has died."""

import os
import resource
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from ..errors import FactoryError
from ..paths import LOCKS

POLL_SECONDS = 0.2


@contextmanager
def stage(name: str, outputs: list[Path]) -> Iterator[Path]:
    """A scratch folder in which to write `outputs`, by their names, before they take their places.

    DVC does not end a stage when it is itself killed, and would run the same stage again beside
    it: so a second run waits for the lock, and an orphan gives up before it publishes anything.
    """
    parent = os.getppid()
    if _adopted(parent):
        raise FactoryError("DVC died while the stage was starting")
    done = die_with(parent)
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
            done.set()
            shutil.rmtree(scratch, ignore_errors=True)


def _publish(scratch: Path, outputs: list[Path]) -> None:
    for output in outputs:
        if output.is_dir():
            shutil.rmtree(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        (scratch / output.name).replace(output)


def _adopted(parent: int) -> bool:
    """Whether DVC died before we could look: who starts a process shares its session, who inherits it does not."""
    return "DVC_STAGE" in os.environ and hasattr(os, "getsid") and os.getsid(parent) != os.getsid(0)


def die_with(parent: int) -> threading.Event:
    """From now on this process ends when that one has died, until the event is set."""
    done = threading.Event()
    threading.Thread(target=_watch, args=(parent, done), daemon=True).start()
    return done


def _watch(parent: int, done: threading.Event) -> None:
    while not done.wait(POLL_SECONDS):
        if os.getppid() != parent:
            os._exit(1)


Cost = dict[str, float]
BYTES = 1 if sys.platform == "darwin" else 1024


def meter() -> Callable[[], Cost]:
    """A function that tells the seconds and CPU seconds since now, and the process's peak memory in MB."""
    wall, cpu = time.perf_counter(), time.process_time()
    return lambda: {
        "seconds": round(time.perf_counter() - wall, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES / 1e6, 1),
    }
