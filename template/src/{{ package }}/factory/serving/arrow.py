"""Checks of an Arrow IPC stream before it is read: a reader allocates what is claimed, which may end the process."""

import struct
from collections.abc import Iterator
from typing import Any

MAX_METADATA = 65_536  # bytes of one message's metadata, and as many more as there are columns, times a thousand
MAX_MESSAGES = 10_000
SCHEMA, DICTIONARY, RECORD_BATCH = 1, 2, 3
# polars has no intervals, unions, runs and views of lists
READABLE_TYPES = {*range(1, 11), 12, 13, *range(15, 22), 23, 24}


class InvalidArrow(ValueError):
    """The stream is damaged, or claims what it does not hold."""


def check(body: bytes, columns: int, max_rows: int) -> None:
    """Follow the messages of a stream that is to hold so many columns and rows. Raises InvalidArrow and struct.error."""
    for number, (header, kind, size) in enumerate(_messages(body, MAX_METADATA + 1000 * columns)):
        if number > MAX_MESSAGES:
            raise InvalidArrow("too many messages")
        if kind == SCHEMA:
            _check_fields(header, 1, [10 * columns + 100])
        elif kind in (DICTIONARY, RECORD_BATCH):
            _check_batch(header.table(1) if kind == DICTIONARY else header, size, max_rows)
        else:
            raise InvalidArrow("a message of no known kind")


class FlatbufferTable:
    """A table of flatbuffers, in the terms of their format."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._vtable = at - self._read("<i", at)

    def _read(self, form: str, at: int) -> int:
        return int(struct.unpack_from(form, self._data, at)[0])

    def position(self, slot: int) -> int:
        """Where the content of the slot is, or 0 if it is absent."""
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
            raise InvalidArrow("a part is missing")
        return FlatbufferTable(self._data, position + self._read("<I", position))

    def vector(self, slot: int, form: str) -> Iterator[tuple[Any, ...]]:
        """The numbers of each element of the vector in the slot."""
        position = self.position(slot)
        if not position:
            return iter(())
        start = position + self._read("<I", position)
        end = start + 4 + struct.calcsize(form) * self._read("<I", start)
        if end > len(self._data):
            raise InvalidArrow("a vector is longer than its message")
        return struct.iter_unpack(form, memoryview(self._data)[start + 4 : end])

    def tables(self, slot: int) -> Iterator["FlatbufferTable"]:
        """The tables of the vector in the slot."""
        position = self.position(slot)
        start = position + self._read("<I", position) + 4 if position else 0
        for index, (offset,) in enumerate(self.vector(slot, "<I")):
            yield FlatbufferTable(self._data, start + 4 * index + offset)


def _messages(body: bytes, max_metadata: int) -> Iterator[tuple[FlatbufferTable, int, int]]:
    """Header, its kind and the size of what follows it, of each message."""
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
            raise InvalidArrow("metadata too long, or cut off")
        data = body[at : at + size]
        message = FlatbufferTable(data, *struct.unpack_from("<I", data))
        body_size = message.number(3, "<q")
        if not 0 <= body_size <= len(body) - at - size:
            raise InvalidArrow("a body cut off")
        yield message.table(2), message.number(1, "<B"), body_size
        at += size + body_size


def _check_fields(table: FlatbufferTable, slot: int, budget: list[int]) -> None:
    """Tables may be shared, so that few bytes could hold any number of fields: `budget` holds how many are left."""
    for field in table.tables(slot):
        budget[0] -= 1
        if budget[0] < 0 or field.number(2, "<B") not in READABLE_TYPES:
            raise InvalidArrow("too many fields, or a type that polars has not")
        _check_fields(field, 5, budget)


def _check_batch(batch: FlatbufferTable, size: int, max_rows: int) -> None:
    if batch.position(3):
        raise InvalidArrow("compressed: its size cannot be known before it has been taken")
    buffers = list(batch.vector(2, "<qq"))
    lengths = [batch.number(0, "<q"), *(length for length, _ in batch.vector(1, "<qq"))]
    inside = all(offset >= 0 and length >= 0 and offset + length <= size for offset, length in buffers)
    view_buffers = [count for (count,) in batch.vector(4, "<q")]
    if not inside or not all(0 <= length <= max(8 * size, max_rows + 1) for length in lengths):
        raise InvalidArrow("more than the message holds")
    if not all(0 <= count <= len(buffers) for count in view_buffers):
        raise InvalidArrow("more buffers than there are")
