"""A load generator: sends requests on many kept-alive connections, as fast as they are answered, by options as JSON on its input.

Prints how many responses had which status, and what went wrong: a connection that ends before the response to what was sent.
"""

import asyncio
import base64
import json
import sys
import time
from collections import Counter
from itertools import cycle


class Hammer:
    def __init__(self, port: int, connections: int, messages: list[list[str]], requests: int = 0, seconds: float = 3600) -> None:
        self.port, self.connections, self.left = port, connections, requests or sys.maxsize
        self.messages = cycle([message(path, kind, base64.b64decode(body)) for path, kind, body in messages])
        self.end, self.counts, self.failures = time.monotonic() + seconds, Counter[str](), []

    async def run(self) -> None:
        await asyncio.gather(*(self.work() for _ in range(self.connections)))
        print(json.dumps({"statuses": self.counts, "failures": self.failures}))

    async def work(self) -> None:
        while self.left > 0 and time.monotonic() < self.end:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return  # it does not listen any more
            try:
                await self.send_on(reader, writer)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(repr(error))
            writer.close()

    async def send_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self.left > 0 and time.monotonic() < self.end:
            self.left -= 1
            writer.write(next(self.messages))
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
            status = head.split()[1]
            self.counts[status] += 1
            if status == "503":
                assert "retry-after: 1" in head
                await asyncio.sleep(0.02)
            if "connection: close" in head:
                return


def message(path: str, kind: str, body: bytes) -> bytes:
    kind, _, length = kind.partition("|")  # of tensors as bytes: where the JSON before them ends
    extra = f"Inference-Header-Content-Length: {length}\r\n" if length else ""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


if __name__ == "__main__":
    asyncio.run(Hammer(**json.load(sys.stdin)).run())
