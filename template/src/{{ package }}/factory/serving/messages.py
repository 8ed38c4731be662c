"""Messages between the service and its workers: a head in JSON, then parts of bytes."""

import json
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

PREFIX = struct.Struct("<IQ")  # bytes of the head, and of the head and all parts together
Message = tuple[dict[str, Any], list[bytes]]


def encode(head: dict[str, Any], *parts: bytes) -> list[bytes]:
    """The message, as pieces to send one after another."""
    sizes = [len(part) for part in parts]
    text = json.dumps({**head, "sizes": sizes}).encode()
    return [PREFIX.pack(len(text), len(text) + sum(sizes)), text, *parts]


def decode(content: memoryview, at: int) -> Message:
    """The message that follows its prefix, with a head of so many bytes."""
    head: dict[str, Any] = json.loads(bytes(content[:at]))
    parts = []
    for size in head.pop("sizes"):
        parts.append(bytes(content[at : at + size]))
        at += size
    return head, parts


def read(source: BinaryIO) -> Iterator[Message]:
    """The messages in the file, until it ends."""
    while len(prefix := source.read(PREFIX.size)) == PREFIX.size:
        at, size = PREFIX.unpack(prefix)
        yield decode(memoryview(source.read(size)), at)
