"""How long a call takes where nothing else runs: measured beside a fixed work, which a busy machine slows down as much."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[[], object]
Clock = Callable[[], tuple[float, float]]
Seconds = np.ndarray[Any, np.dtype[np.float64]]
"""By the clock on the wall, and of the processor."""

WARM_UP_CALLS, CALLS, BLOCKS = 20, 10, 20
"""Calls before any counts, calls of a block, and blocks, of whose figures the median counts."""
ENOUGH_BLOCKS, ENOUGH_SECONDS = 5, 5.0
"""After so long, so many blocks are enough."""
WORKED = np.random.default_rng(0).random(2_000)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def milliseconds(call: Call, work: Call = lambda: np.sort(WORKED), clock: Clock = _now) -> float:
    """The median of the calls, or less: the median of blocks of them without what other programs took of the processor.

    The work takes turns with the calls, repeated until it takes about as long as one: so both are interrupted as often.
    """
    begin, warm = clock()[0], [_seconds(call, clock)]
    while len(warm) < WARM_UP_CALLS and clock()[0] - begin < ENOUGH_SECONDS:
        warm.append(_seconds(call, clock))
    unit = min(float(_seconds(work, clock)[0]) for _ in range(WARM_UP_CALLS * CALLS))
    times = max(1, round(min(float(wall) for wall, _ in warm) / unit))
    calls: list[float] = []
    figures: list[float] = []
    while len(figures) < BLOCKS and not (len(figures) >= ENOUGH_BLOCKS and clock()[0] - begin > ENOUGH_SECONDS):
        called, worked = np.zeros(2), np.zeros(2)
        for _ in range(CALLS):
            one = _seconds(call, clock)
            calls.append(float(one[0]))
            called += one
            worked += _seconds(work, clock, times)
        figures.append(_undisturbed(called, worked, unit * times * CALLS) / CALLS)
    return float(min(np.median(calls), np.median(figures)) * 1000)


def _seconds(what: Call, clock: Clock, times: int = 1) -> Seconds:
    start = clock()
    for _ in range(times):
        what()
    return np.subtract(clock(), start)


def _undisturbed(called: Seconds, worked: Seconds, quiet: float) -> float:
    """The calls' seconds of the processor, as fast as where the work takes no more than `quiet`, and what they waited by themselves.

    As long as the work had to wait for each of its seconds, the calls had to; the rest is their own, as of one that sleeps.
    """
    wall, used = float(called[0]), float(min(called))
    work_wall, work_used = float(worked[0]), float(min(worked)) or quiet
    waited = max(0.0, wall - used * work_wall / work_used)
    return used * min(1.0, quiet / work_used) + waited
