"""Checks of an Arrow IPC stream before it is read, since a reader allocates whatever the stream declares."""

import struct
from collections.abc import Iterator
from typing import Any

MAX_METADATA = 65_536  # bytes of a message's metadata; 1,000 more for each column
MAX_MESSAGES = 10_000
SCHEMA, DICTIONARY, RECORD_BATCH = 1, 2, 3
# all but intervals, unions, run-end encoding and list views, which polars lacks
READABLE_TYPES = {*range(1, 11), 12, 13, *range(15, 22), 23, 24}


class InvalidArrow(ValueError):
    """The stream is damaged, or declares more than it holds."""


def check(body: bytes, columns: int) -> None:
    """Check each message of a stream that may hold so many columns. Raises InvalidArrow and struct.error."""
    for number, (header, kind, size) in enumerate(_messages(body, MAX_METADATA + 1000 * columns)):
        if number > MAX_MESSAGES:
            raise InvalidArrow("too many messages")
        if kind == SCHEMA:
            _check_fields(header, 1, [10 * columns + 100])
        elif kind in (DICTIONARY, RECORD_BATCH):
            _check_batch(header.table(1) if kind == DICTIONARY else header, size)
        else:
            raise InvalidArrow("unknown message type")


class FlatbufferTable:
    """A FlatBuffers table, in the terms of that format."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._vtable = at - self._read("<i", at)

    def _read(self, form: str, at: int) -> int:
        return int(struct.unpack_from(form, self._data, at)[0])

    def position(self, slot: int) -> int:
        """The position of the slot's content, 0 if it is absent."""
        present = 6 + 2 * slot <= self._read("<H", self._vtable)
        offset = self._read("<H", self._vtable + 4 + 2 * slot) if present else 0
        return self._at + offset if offset else 0

    def number(self, slot: int, form: str) -> int:
        """The number in the slot."""
        position = self.position(slot)
        return self._read(form, position) if position else 0

    def table(self, slot: int) -> "FlatbufferTable":
        """The table in the slot."""
        position = self.position(slot)
        if not position:
            raise InvalidArrow("incomplete message")
        return FlatbufferTable(self._data, position + self._read("<I", position))

    def vector(self, slot: int, form: str) -> Iterator[tuple[Any, ...]]:
        """The elements of the vector in the slot, unpacked by the form."""
        position = self.position(slot)
        if not position:
            return iter(())
        start = position + self._read("<I", position)
        end = start + 4 + struct.calcsize(form) * self._read("<I", start)
        if end > len(self._data):
            raise InvalidArrow("a vector exceeds its message")
        return struct.iter_unpack(form, memoryview(self._data)[start + 4 : end])

    def tables(self, slot: int) -> Iterator["FlatbufferTable"]:
        """The tables of the vector in the slot."""
        position = self.position(slot)
        start = position + self._read("<I", position) + 4 if position else 0
        for index, (offset,) in enumerate(self.vector(slot, "<I")):
            yield FlatbufferTable(self._data, start + 4 * index + offset)


def _messages(body: bytes, max_metadata: int) -> Iterator[tuple[FlatbufferTable, int, int]]:
    """The header, its type and the size of the body of each message."""
    at = 0
    while at < len(body):
        (size,) = struct.unpack_from("<i", body, at)
        if size == -1:
            at += 4
            (size,) = struct.unpack_from("<i", body, at)
        at += 4
        if size == 0:
            return
        if not 0 < size <= min(max_metadata, len(body) - at):
            raise InvalidArrow("metadata too long or truncated")
        data = body[at : at + size]
        message = FlatbufferTable(data, *struct.unpack_from("<I", data))
        body_size = message.number(3, "<q")
        if not 0 <= body_size <= len(body) - at - size:
            raise InvalidArrow("truncated body")
        yield message.table(2), message.number(1, "<B"), body_size
        at += size + body_size


def _check_fields(table: FlatbufferTable, slot: int, budget: list[int]) -> None:
    """Tables may be shared, so that a few bytes can declare any number of fields: `budget` holds how many are left."""
    for field in table.tables(slot):
        budget[0] -= 1
        if budget[0] < 0 or field.number(2, "<B") not in READABLE_TYPES:
            raise InvalidArrow("too many fields, or a type that polars lacks")
        _check_fields(field, 5, budget)


def _check_batch(batch: FlatbufferTable, size: int) -> None:
    if batch.position(3):
        raise InvalidArrow("compressed, so that its size is unknown before it is read")
    buffers = list(batch.vector(2, "<qq"))
    lengths = [batch.number(0, "<q"), *(length for length, _ in batch.vector(1, "<qq"))]
    inside = all(offset >= 0 and length >= 0 and offset + length <= size for offset, length in buffers)
    view_buffers = [count for (count,) in batch.vector(4, "<q")]
    if not inside or not all(0 <= length <= 8 * size for length in lengths):  # a value is a bit or more
        raise InvalidArrow("declares more than the message holds")
    if not all(0 <= count <= len(buffers) for count in view_buffers):
        raise InvalidArrow("declares buffers that are missing")
