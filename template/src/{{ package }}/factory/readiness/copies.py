"""Copies of the project in which faults are tried at the same time, and what is known of them without any fault."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from ..config import Params
from ..paths import TRAINING
from ..tables.chunks import processors
from .sandbox import Sandbox

MOST = 2
RESERVE = 1.5  # of the memory that the last training took, for each copy: what holds rows beside it differs
MEMINFO = Path("/proc/meminfo")
Key = TypeVar("Key")
Result = TypeVar("Result")
Work = Callable[[Sandbox, Any], Any]
Map = Callable[[Work, Sequence[Any]], Iterator[tuple[Any, Any]]]


class Once(Generic[Key, Result]):
    """Results that are computed once, by the thread that asks first; the others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: dict[Key, Future[Result]] = {}

    def get(self, key: Key, compute: Callable[[], Result]) -> Result:
        """The result of the key. Raises what computing it raised."""
        with self._lock:
            first = key not in self._results
            future = self._results.setdefault(key, Future())
        if first:
            try:
                future.set_result(compute())
            except BaseException as error:  # noqa: BLE001  raised to each that asks
                future.set_exception(error)
        return future.result()


@contextmanager
def copies(params: Params) -> Iterator[Map]:
    """A function that yields each item with what the work makes of it in one of the copies, in the order of completion.

    Whatever ends the block ends what runs in them.
    """
    number = min(MOST, processors(), _fitting())
    pool, free = ThreadPoolExecutor(number), SimpleQueue[Sandbox]()
    with ExitStack() as stack:
        made = [stack.enter_context(Sandbox(params, processors() // number)) for _ in range(number)]
        for each in made:
            free.put(each)

        def run(work: Work, item: Any) -> Any:
            sandbox = free.get()
            try:
                return work(sandbox, item)
            finally:
                free.put(sandbox)

        def in_copies(work: Work, items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
            futures = {pool.submit(run, work, item): item for item in items}
            yield from ((futures[done], done.result()) for done in as_completed(futures))

        try:
            yield in_copies
        finally:
            for each in made:
                each.stop()
            pool.shutdown(cancel_futures=True)


def _fitting() -> int:
    """How many trainings fit into the memory that is free, at least one; where the system does not have the figure, as many as there may be."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", MEMINFO.read_text(), re.MULTILINE) if MEMINFO.exists() else None
    if not (found and TRAINING.exists()):
        return MOST
    peak = json.loads(TRAINING.read_text(encoding="utf-8")).get("peak_memory_mb") or 1
    return max(1, int(int(found[1]) / 1024 / (RESERVE * peak)))
