"""How a stage writes: alone, all or nothing, never after the pipeline that started it has died; and what it consumes."""

import os
import resource
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from ..errors import FactoryError
from ..paths import DVC_TMP
from . import durations, energy

POLL_SECONDS = 0.2
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


@contextmanager
def stage(name: str, outputs: list[Path]) -> Iterator[Path]:
    """A staging folder in which to write `outputs`, by their names, before they are moved to their places.

    DVC does not end a stage when it is itself killed, and would run the same stage again beside
    it: so a second run waits for the lock, and an orphan exits before it publishes anything.
    """
    parent = os.getppid()
    if _orphaned(parent):
        raise FactoryError("DVC died while the stage was starting")
    begun: list[Path] = []
    done = exit_with_parent(parent, begun)
    DVC_TMP.mkdir(parents=True, exist_ok=True)
    with FileLock(durations.lock(name)), durations.recorded(name):
        staging = outputs[0].parent / f".{name}.tmp"
        shutil.rmtree(staging, ignore_errors=True)
        begun.append(staging)
        staging.mkdir(parents=True)
        try:
            yield staging
            if os.getppid() == parent:
                _publish(staging, outputs)
        finally:
            done.set()
            shutil.rmtree(staging, ignore_errors=True)


def exit_with_parent(parent: int, begun: Sequence[Path] = ()) -> threading.Event:
    """From now on this process ends when that one has died, without the folders that it has begun, until the event is set."""
    done = threading.Event()
    threading.Thread(target=_watch, args=(parent, begun, done), daemon=True).start()
    return done


def measure() -> Callable[[], dict[str, float]]:
    """A function that returns the seconds and CPU seconds since now, the process's peak memory in MB, and the machine's kWh."""
    wall, cpu, meter = time.perf_counter(), time.process_time(), energy.Meter()

    def used() -> dict[str, float]:
        kwh = meter.kwh()
        return {
            "seconds": round(time.perf_counter() - wall, 3),
            "cpu_seconds": round(time.process_time() - cpu, 3),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_BYTES / 1e6, 1),
            **({} if kwh is None else {"kwh": round(kwh, 9)}),
        }

    return used


def _publish(staging: Path, outputs: list[Path]) -> None:
    for output in outputs:
        if output.is_dir():
            shutil.rmtree(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        (staging / output.name).replace(output)


def _orphaned(parent: int) -> bool:
    """Whether DVC died before this process started: its parent is then another one, of another session."""
    return "DVC_STAGE" in os.environ and hasattr(os, "getsid") and os.getsid(parent) != os.getsid(0)


def _watch(parent: int, begun: Sequence[Path], done: threading.Event) -> None:
    while not done.wait(POLL_SECONDS):
        if os.getppid() != parent:
            for folder in begun:
                shutil.rmtree(folder, ignore_errors=True)
            os._exit(1)
