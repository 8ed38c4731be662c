"""Workers are killed at the deadline, replaced when they die, and shared between callers; with processes that have no model."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from late_flights.factory.errors import ArtifactError
from late_flights.factory.serving import messages, metrics, pool, settings, worker_process

from machinery.serving import fake_worker

FACTS = {"manifest": {"sha256": "abc"}, "compiled": True}


@pytest.fixture(autouse=True)
def fake(monkeypatch):
    monkeypatch.setattr(worker_process, "start_process", fake_worker.start_process)
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.05)


@asynccontextmanager
async def running(workers: int = 2, **load: object) -> AsyncIterator[pool.Pool]:
    options = settings.Settings(workers=workers)
    workers = pool.Pool("champion", messages.encode({**FACTS, **load}), None, options, metrics.Telemetry())
    try:
        yield workers
    finally:
        workers.close()


async def ask(workers: pool.Pool, do: str = "answer", caller: str = "good", patience: float = 20) -> int:
    """The id of the process that answered after doing so."""
    head, _ = await workers.ask(caller, messages.encode({"do": do}), patience)
    return head["pid"]


async def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)


async def outcome(request: Awaitable[int]) -> type | None:
    """Of what kind the failure of a request is."""
    try:
        await request
    except Exception as error:  # noqa: BLE001
        return type(error)
    return None


def play(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 30))


def ended(process: int) -> bool:
    """Whether there is no such process, or no such group if it is negative."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_spare_answers_while_a_request_hangs_and_the_worker_of_that_is_killed():
    async def scene():
        async with running() as workers:
            await workers.facts()
            first = await ask(workers)
            for deed in ("sleep", "hold the lock"):
                hanging = asyncio.create_task(ask(workers, deed, deed))
                await until(lambda: workers.states()["busy"])
                others = {await ask(workers) for _ in range(5)}
                assert first not in others and not hanging.done()
                hanging.cancel()
                await until(lambda: ended(first))  # noqa: B023
                first = await ask(workers)

    play(scene)


@pytest.mark.parametrize("deed", ["abort", "exit", "hang up"])
def test_a_request_that_ends_its_workers_fails_and_others_are_answered(deed):
    async def scene():
        async with running() as workers:
            assert await outcome(ask(workers, deed)) is worker_process.Died
            assert await ask(workers)
            died = 'factory_worker_restarts_total{reason="died",role="champion"} 2.0'
            await until(lambda: died in workers._telemetry.exposition().decode())

    play(scene)


def test_what_a_request_has_started_ends_with_its_worker():
    async def scene():
        async with running() as workers:
            await workers.facts()
            worker = await ask(workers, "fork")  # it answers, and its child goes on
            workers._turns.free[-1].kill("idle")
            await until(lambda: ended(-worker))  # the whole group

    play(scene)


def test_workers_that_are_killed_all_at_once_again_and_again_are_replaced():
    async def scene():
        async with running() as workers:
            for _ in range(3):
                known = {await ask(workers), await ask(workers)}
                for process in [worker._process.pid for worker in workers._workers]:
                    os.kill(process, signal.SIGKILL)
                assert await ask(workers) not in known

    play(scene)


def test_each_start_that_fails_waits_longer_for_the_next(monkeypatch):
    pauses = []

    async def sleep(seconds: float, sleep=asyncio.sleep) -> None:
        pauses.append(seconds)
        await sleep(0)

    async def scene():
        async with running(do="exit") as workers:
            facts = asyncio.create_task(workers.facts())
            while len(pauses) < 12:
                await asyncio.wait([facts], timeout=0.01)
            assert not facts.done()
            facts.cancel()

    monkeypatch.setattr(pool.asyncio, "sleep", sleep)
    play(scene)
    assert pauses[:4] == [0, 0.1, 0.2, 0.4] and max(pauses) == pauses[11] == 30


def test_model_that_is_refused_is_not_tried_again():
    async def scene():
        async with running(refused="model.onnx is damaged") as workers:
            with pytest.raises(ArtifactError, match="damaged"):
                await workers.facts()
            await until(lambda: not workers._workers)
            assert not workers.states()["restarting"]

    play(scene)


def test_worker_that_hangs_while_it_loads_is_killed_and_another_one_started(monkeypatch, caplog):
    async def scene():
        async with running(workers=1) as workers:
            await workers.facts()
            workers._load, works = messages.encode({**FACTS, "do": "sleep"}), workers._load
            workers._load_seconds = 0.1
            workers._turns.free[0].kill("idle")
            await until(lambda: "loading took longer than 0.1 seconds" in caplog.text)
            workers._load, workers._load_seconds = works, 20
            assert await ask(workers)

    play(scene)


def test_model_that_hangs_while_it_loads_is_refused():
    async def scene():
        async with running(do="sleep") as workers:
            workers._load_seconds = 0.1
            with pytest.raises(ArtifactError, match=r"took longer than 0\.1 seconds"):
                await workers.facts()

    play(scene)


def test_worker_without_memory_is_replaced():
    async def scene():
        async with running() as workers:
            first = await ask(workers)
            assert await outcome(ask(workers, "use up memory")) is pool.Failed
            await until(lambda: ended(first))
            assert await ask(workers) != first

    play(scene)


def test_pool_that_was_closed_answers_nobody_and_starts_nothing():
    async def scene():
        async with running() as workers:
            await workers.facts()
            workers.close()
            assert await outcome(ask(workers)) is worker_process.Died
            assert not workers._workers

    play(scene)


def test_worker_with_another_model_does_not_work(caplog):
    async def scene():
        async with running() as workers:
            await workers.facts()
            workers._load = messages.encode({**FACTS, "manifest": {"sha256": "another"}})
            first = asyncio.create_task(ask(workers, "sleep"))
            await until(lambda: "could not load the model again" in caplog.text)
            assert workers.states()["ready"] == 0
            first.cancel()

    play(scene)


def test_callers_take_turns_and_none_holds_all_workers():
    async def scene():
        async with running() as workers:
            await ask(workers)
            greedy = [asyncio.create_task(ask(workers, "sleep", "greedy")) for _ in range(3)]
            await until(lambda: workers.states()["busy"])
            for caller in ("modest", "other", "modest"):
                assert await ask(workers, caller=caller)
            assert not any(request.done() for request in greedy) and workers.states()["busy"] == 1
            for request in greedy:
                request.cancel()
            assert await ask(workers, caller="greedy")

    play(scene)


def test_who_waits_too_long_is_told_so_and_a_fresh_request_is_answered():
    async def scene():
        async with running(workers=1) as workers:
            await workers.facts()
            hanging = asyncio.create_task(ask(workers, "sleep"))
            await until(lambda: workers.states()["busy"])
            assert await outcome(ask(workers, patience=0.1)) is pool.Busy
            hanging.cancel()
            await until(lambda: workers.states()["ready"])
            assert await ask(workers)

    play(scene)


def test_workers_that_are_not_needed_end_but_one():
    async def scene():
        async with running(workers=3) as workers:
            while workers.states()["ready"] < 3:  # one that starts slowly may come too late for the first requests
                await asyncio.gather(*(ask(workers, "take its time") for _ in range(3)))
            await asyncio.sleep(0.1)
            workers.trim()
            assert workers.states() == {"ready": 1, "busy": 0, "restarting": 0}

    play(scene)


def test_model_that_always_needs_workers_has_a_spare_before_the_first_request():
    async def scene():
        async with running(workers=3, compiled=False) as workers:
            await workers.facts()
            await until(lambda: workers.states() == {"ready": 2, "busy": 0, "restarting": 0})
            await asyncio.sleep(0.1)
            workers.trim()
            assert workers.states()["ready"] == 2

    play(scene)


def test_what_is_under_way_at_the_end_is_answered():
    async def scene():
        async with running() as workers:
            await workers.facts()
            under_way = [asyncio.create_task(ask(workers)) for _ in range(4)]
            await asyncio.sleep(0)
            workers.close()
            assert all(await asyncio.gather(*under_way))
            await until(lambda: not workers._workers)

    play(scene)
