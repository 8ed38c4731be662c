"""Messages between the service and its workers: a head in JSON, then parts of bytes."""

import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

PREFIX = struct.Struct("<IQ")  # bytes of the head, and of the head and all parts together
Bytes = bytes | memoryview
Message = tuple[dict[str, Any], Sequence[Bytes]]


def encode(head: dict[str, Any], *parts: Bytes | list[bytes]) -> list[Bytes]:
    """The message, in pieces to send one after another; a part may be in pieces already, since joining large ones takes long."""
    pieces = [part if isinstance(part, list) else [part] for part in parts]
    sizes = [sum(map(len, part)) for part in pieces]
    text = json.dumps({**head, "sizes": sizes}).encode()
    return [PREFIX.pack(len(text), len(text) + sum(sizes)), text, *(piece for part in pieces for piece in part)]


def decode(content: memoryview, at: int) -> Message:
    """The message that follows its prefix, with a head of so many bytes."""
    head: dict[str, Any] = json.loads(bytes(content[:at]))
    parts = []
    for size in head.pop("sizes"):
        parts.append(content[at : at + size])
        at += size
    return head, parts


def read(source: BinaryIO) -> Iterator[Message]:
    """The messages in the file, until it ends."""
    while len(prefix := source.read(PREFIX.size)) == PREFIX.size:
        length, _ = PREFIX.unpack(prefix)
        head: dict[str, Any] = json.loads(source.read(length))
        yield head, [source.read(size) for size in head.pop("sizes")]
