"""What an Arrow IPC stream claims, looked at first: a reader allocates what is claimed, which may be the end of the process."""

import struct
from collections.abc import Iterator
from typing import Any

METADATA = 65_536  # bytes of one message's metadata, and as many more as there are columns, times a thousand
MESSAGES = 10_000
SCHEMA, DICTIONARY, RECORDS = 1, 2, 3
TYPES = {*range(1, 11), 12, 13, *range(15, 22), 23, 24}  # polars has no intervals, unions, runs and views of lists


class Unsafe(ValueError):
    """The stream is damaged, or claims what it does not hold."""


def check(body: bytes, columns: int, most: int) -> None:
    """Follow the messages of a stream that is to hold so many columns and rows. Raises Unsafe and struct.error."""
    for number, (header, kind, room) in enumerate(_messages(body, METADATA + 1000 * columns)):
        if number > MESSAGES:
            raise Unsafe("too many messages")
        if kind == SCHEMA:
            _check_fields(header, 1, [10 * columns + 100])
        elif kind in (DICTIONARY, RECORDS):
            _check_batch(header.table(1) if kind == DICTIONARY else header, room, most)
        else:
            raise Unsafe("a message of no known kind")


class Table:
    """A table of flatbuffers, in the terms of their format."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._vtable = at - self._read("<i", at)

    def _read(self, form: str, at: int) -> int:
        return int(struct.unpack_from(form, self._data, at)[0])

    def place(self, slot: int) -> int:
        """Where the content of the slot stands, or 0 if it is absent."""
        known = 6 + 2 * slot <= self._read("<H", self._vtable)
        offset = self._read("<H", self._vtable + 4 + 2 * slot) if known else 0
        return self._at + offset if offset else 0

    def number(self, slot: int, form: str) -> int:
        """The number in the slot."""
        place = self.place(slot)
        return self._read(form, place) if place else 0

    def table(self, slot: int) -> "Table":
        """The table in the slot."""
        place = self.place(slot)
        if not place:
            raise Unsafe("a part is missing")
        return Table(self._data, place + self._read("<I", place))

    def vector(self, slot: int, form: str) -> Iterator[tuple[Any, ...]]:
        """The numbers of each element of the vector in the slot."""
        place = self.place(slot)
        if not place:
            return iter(())
        start = place + self._read("<I", place)
        end = start + 4 + struct.calcsize(form) * self._read("<I", start)
        if end > len(self._data):
            raise Unsafe("a vector is longer than its message")
        return struct.iter_unpack(form, memoryview(self._data)[start + 4 : end])

    def tables(self, slot: int) -> Iterator["Table"]:
        """The tables of the vector in the slot."""
        place = self.place(slot)
        start = place + self._read("<I", place) + 4 if place else 0
        for index, (offset,) in enumerate(self.vector(slot, "<I")):
            yield Table(self._data, start + 4 * index + offset)


def _messages(body: bytes, most: int) -> Iterator[tuple[Table, int, int]]:
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
        if not 0 < size <= min(most, len(body) - at):
            raise Unsafe("metadata too long, or cut off")
        data = body[at : at + size]
        message = Table(data, *struct.unpack_from("<I", data))
        room = message.number(3, "<q")
        if not 0 <= room <= len(body) - at - size:
            raise Unsafe("a body cut off")
        yield message.table(2), message.number(1, "<B"), room
        at += size + room


def _check_fields(table: Table, slot: int, left: list[int]) -> None:
    """What the table names as its fields; tables may be shared, so that few bytes could hold any number of them."""
    for field in table.tables(slot):
        left[0] -= 1
        if left[0] < 0 or field.number(2, "<B") not in TYPES:
            raise Unsafe("too many fields, or a type that polars has not")
        _check_fields(field, 5, left)


def _check_batch(batch: Table, room: int, most: int) -> None:
    if batch.place(3):
        raise Unsafe("compressed: its size cannot be known before it has been taken")
    buffers = list(batch.vector(2, "<qq"))
    lengths = [batch.number(0, "<q"), *(length for length, _ in batch.vector(1, "<qq"))]
    inside = all(offset >= 0 and length >= 0 and offset + length <= room for offset, length in buffers)
    views = [count for (count,) in batch.vector(4, "<q")]
    if not inside or not all(0 <= length <= max(8 * room, most + 1) for length in lengths):
        raise Unsafe("more than the message holds")
    if not all(0 <= count <= len(buffers) for count in views):
        raise Unsafe("more buffers than there are")
