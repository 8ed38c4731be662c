"""Callers that ask for little and wait for their answers: requests on a schedule until the input ends, by options as JSON in its first line.

Prints one JSON line: of each request its kind, when it was due, the seconds from then to its answer, and the status, 0 for none.
What is late holds nothing back: a request that is due is sent on a connection that is free, or on a new one.
"""

import asyncio
import json
import sys
import time
from typing import Any

PATIENCE = 60  # seconds


class Kind:
    """Requests of one kind: the message, and how many a second."""

    def __init__(self, port: int, name: str, message: str, rate: float) -> None:
        self.port, self.name, self.message, self.rate = port, name, message.encode(), rate
        self.free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.records: list[tuple[str, float, float, int]] = []

    async def run(self, end: asyncio.Event) -> None:
        """Send each when it is due."""
        start, sent, tasks = time.monotonic(), 0, []
        while not end.is_set():
            due = start + sent / self.rate
            await asyncio.sleep(due - time.monotonic())
            tasks.append(asyncio.create_task(self.ask(due)))
            sent += 1
        await asyncio.gather(*tasks)

    async def ask(self, due: float) -> None:
        """Send one, and record what came of it."""
        try:
            async with asyncio.timeout(PATIENCE):
                status = await self.exchange()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            status = 0
        self.records.append((self.name, due, time.monotonic() - due, status))

    async def exchange(self) -> int:
        """The status of the response."""
        connection = self.free.pop() if self.free else await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = connection
        try:
            writer.write(self.message)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        except BaseException:
            writer.close()
            raise
        if "connection: close" in head:
            writer.close()
        else:
            self.free.append(connection)
        return int(head.split()[1])


async def main(options: dict[str, Any]) -> None:
    """Until the input ends."""
    end = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, end.set)
    kinds = [Kind(options["port"], *kind) for kind in options["kinds"]]
    await asyncio.gather(*(kind.run(end) for kind in kinds))
    print(json.dumps([record for kind in kinds for record in kind.records]))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
