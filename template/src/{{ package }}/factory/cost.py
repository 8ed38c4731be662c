"""What a piece of work costs in time and memory."""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

Cost = dict[str, float]

TRAINING = Path("reports/training.json")
BYTES = 1 if sys.platform == "darwin" else 1024


def meter() -> Callable[[], Cost]:
    """A function that tells the seconds and CPU seconds since now, and the process's peak memory in MB."""
    wall, cpu = time.perf_counter(), time.process_time()
    return lambda: {
        "seconds": round(time.perf_counter() - wall, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES / 1e6, 1),
    }
