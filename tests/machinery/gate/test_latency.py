"""The latency of a model is its own: a busy machine lengthens it no more than the work beside it, and hides no slow model."""

import itertools
import time

import numpy as np
import pytest
from late_flights.factory.gate import latency

UNIT = 1e-4  # seconds of the work on a quiet machine


class Machine:
    """On which other programs run: `waits` says how long one step of ours, which begins by then, is kept waiting."""

    def __init__(self, waits, slower=lambda: 1.0):
        self.waits, self.slower, self.wall, self.cpu = waits, slower, 0.0, 0.0

    def clock(self):
        return self.wall, self.cpu

    def needs(self, seconds, sleeps=0.0):
        def run():
            left, factor = seconds, self.slower()
            while left > 1e-12:
                step = min(left, UNIT) * factor
                self.cpu += step
                self.wall += step + self.waits(self.wall) * step / UNIT
                left -= step / factor
            self.wall += sleeps

        return run

    def measured(self, call):
        return latency.milliseconds(call, self.needs(UNIT), self.clock)


LOADS = {
    "quiet": lambda now: 0,
    "busy": lambda now: 3 * UNIT,
    "bursts": lambda now: 9 * UNIT if now % 0.1 > 0.05 else 0,
    "slices": lambda now: 0.012 - now % 0.012 if now % 0.012 > 0.003 else 0,
}


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
@pytest.mark.parametrize("seconds", [UNIT / 10, 20 * UNIT, 600 * UNIT])
def test_other_programs_do_not_count(load, seconds):
    machine = Machine(load)
    assert machine.measured(machine.needs(seconds)) == pytest.approx(seconds * 1000, rel=0.5)


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
def test_a_model_that_waits_by_itself_is_as_slow_as_it_is(load):
    machine = Machine(load)
    assert machine.measured(machine.needs(UNIT, sleeps=0.06)) >= 59


def test_a_processor_that_slows_down_does_not_count():
    begins = itertools.count()
    machine = Machine(LOADS["quiet"], slower=lambda: 1.0 if next(begins) < 300 else 2.5)
    assert machine.measured(machine.needs(0.02)) == pytest.approx(20)


def test_single_calls_that_take_long_do_not_count():
    machine, calls = Machine(LOADS["quiet"]), itertools.count()
    fast, slow = machine.needs(0.001), machine.needs(0.5)
    assert machine.measured(lambda: slow() if next(calls) % 40 == 0 else fast()) == pytest.approx(1)


def test_calls_are_enough_and_end():
    machine, calls = Machine(LOADS["quiet"]), []
    machine.measured(lambda: calls.append(machine.needs(UNIT)()))
    assert len(calls) == latency.WARM_UP_CALLS + latency.CALLS * latency.BLOCKS
    calls.clear()
    machine.measured(lambda: calls.append(machine.needs(1)()))
    assert len(calls) <= latency.WARM_UP_CALLS + latency.CALLS * latency.ENOUGH_BLOCKS


def test_on_this_machine_a_slow_call_is_slow_and_a_fast_one_fast():
    values = np.random.default_rng(0).random(20_000)
    assert latency.milliseconds(lambda: time.sleep(0.01)) >= 8  # beside other programs, part of it counts as theirs
    assert 0 < latency.milliseconds(lambda: values.sum()) < 5
