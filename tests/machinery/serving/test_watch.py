"""What is read again while the service runs."""

import asyncio
import os
import signal

import pytest
from late_flights.factory.serving import watch


@pytest.mark.parametrize("terminal", [False, True])
def test_read_again_on_a_hangup_but_for_that_of_a_terminal(monkeypatch, terminal):
    monkeypatch.setattr(watch.os, "isatty", lambda descriptor: terminal)
    before, reads = signal.getsignal(signal.SIGHUP), []

    async def read() -> None:
        reads.append(1)

    async def serve() -> None:
        async with watch.watching(3600, read, read):
            await asyncio.sleep(0.01)
            assert (signal.getsignal(signal.SIGHUP) == before) is terminal
            if not terminal:
                os.kill(os.getpid(), signal.SIGHUP)
                while len(reads) < 4:
                    await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(serve(), 10))


def test_one_that_fails_or_hangs_keeps_no_other_from_being_read_again(caplog):
    reads = []

    async def fail() -> None:
        reads.append("failed")
        raise ValueError("no such luck")

    async def read() -> None:
        reads.append("read")

    async def serve() -> None:
        async with watch.watching(0.01, fail, asyncio.Event().wait, read):
            while min(reads.count("failed"), reads.count("read")) < 3:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(serve(), 10))
    assert "no such luck" in caplog.text
