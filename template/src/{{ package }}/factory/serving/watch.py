"""What the service reads again while it runs: every few seconds, and at once on SIGHUP."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

log = logging.getLogger("uvicorn.error")


@asynccontextmanager
async def watching(seconds: float, *reloads: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Call each of them again and again, independently of the others, until the block ends."""
    hangups = [asyncio.Event() for _ in reloads]
    tasks = [asyncio.create_task(_repeat(*each, seconds)) for each in zip(reloads, hangups, strict=True)]
    in_terminal = os.isatty(0)  # which sends SIGHUP when it is closed
    if threading.current_thread() is threading.main_thread() and not in_terminal:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _set, hangups)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _set(events: list[asyncio.Event]) -> None:
    for event in events:
        event.set()


async def _repeat(reload: Callable[[], Awaitable[object]], hangup: asyncio.Event, seconds: float) -> None:
    while True:
        hangup.clear()
        try:
            await reload()
        except Exception:
            log.exception("reading again failed")
        with suppress(TimeoutError):
            await asyncio.wait_for(hangup.wait(), seconds)
