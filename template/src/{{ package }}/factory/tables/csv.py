"""CSV files: the delimiter, and whether every line is complete; polars would fill short lines with null."""

import codecs
import csv
import os
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import FactoryError

DELIMITERS = ",;\t|"
BLOCK, HEAD = 1 << 22, 1 << 12  # bytes: read at a time, and looked at to distinguish text from binary
BINARY = "{}: binary file: not a CSV or JSON lines file"
NEWLINE, RETURN, QUOTE = b'\n\r"'

Positions = NDArray[np.intp]


def delimiter(file: BinaryIO) -> str:
    """The most frequent delimiter in the first line, outside quotes."""
    file.seek(0)
    plain = "".join(file.readline().decode(errors="replace").split('"')[::2])
    return max(DELIMITERS, key=plain.count)


def check(file: BinaryIO, name: object) -> None:
    """Refuse a CSV file that is damaged or truncated. Raises FactoryError with its name."""
    file.seek(0)
    check_is_text(file.read(HEAD), name)
    separator = delimiter(file)
    try:
        fields = _check_header(_lines(file), separator, name)
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            raise FactoryError(f"{name}: the last line has no newline: truncated? If the file is complete, add one")
        suspect = _first_suspect(file, ord(separator), fields, name)
        if suspect or fields == 1:  # with one column, an empty line has as many delimiters as others
            _check_lines(_lines(file), separator, fields, name)
    except UnicodeDecodeError as error:
        raise FactoryError(f"{name}: not UTF-8: convert it first") from error
    if suspect:
        raise FactoryError(f"{name}: line {suspect}: quote inside a field: double it, and quote the whole field")


def check_is_text(head: bytes, name: object) -> None:
    """Refuse a file whose first bytes are not UTF-8 text, or are HTML or XML. Raises FactoryError."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FactoryError(f"{name}: UTF-16, not UTF-8: convert it first")
    if b"\0" in head:
        raise FactoryError(BINARY.format(name))
    if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<"):
        raise FactoryError(f"{name}: HTML or XML, not a table")


def check_names(names: list[str], name: object) -> None:
    """Refuse a header with a column without a name, or with the name of another. Raises FactoryError."""
    nameless = [number for number, column in enumerate(names, 1) if not column.strip()]
    if nameless:
        raise FactoryError(f"{name}: column {nameless[0]} has no name in the header")
    repeated = sorted({column for column in names if names.count(column) > 1})
    if repeated:
        raise FactoryError(f"{name}: duplicate column: {', '.join(repeated)}")


def records(file: BinaryIO) -> Iterator[bytes]:
    """The header and each row of a file without damage, as they are."""
    file.seek(0)
    record, quotes = b"", 0
    for line in file:
        record, quotes = record + line, quotes + line.count(b'"')
        if quotes % 2 == 0:  # otherwise the newline is within quotes
            yield record
            record, quotes = b"", 0


def _lines(file: BinaryIO) -> Iterator[str]:
    file.seek(0)
    for number, line in enumerate(file):
        yield (line if number else line.removeprefix(codecs.BOM_UTF8)).decode()


def _check_header(lines: Iterator[str], separator: str, name: object) -> int:
    try:
        header = next(csv.reader(lines, strict=True, delimiter=separator), [])
    except csv.Error as error:
        raise FactoryError(f"{name}: line 1: {error}") from error
    if not header:
        raise FactoryError(f"{name}: no header")
    check_names(header, name)
    return len(header)


def _check_lines(lines: Iterator[str], separator: str, fields: int, name: object) -> None:
    reader = csv.reader(lines, strict=True, delimiter=separator)
    try:
        for row in reader:
            if len(row) != fields:
                raise FactoryError(f"{name}: line {reader.line_num} has {len(row)} fields, the header has {fields}")
    except csv.Error as error:
        raise FactoryError(f"{name}: line {reader.line_num}: {error}") from error


def _first_suspect(file: BinaryIO, separator: int, fields: int, name: object) -> int:
    """The number of the first line with another number of fields, or a quote inside one; 0 if there is none.

    Counts bytes in large blocks, since Python's csv is twenty times slower.
    """
    file.seek(0)
    line, carried, quoted = 1, 0, 0  # carried: delimiters on a line that began in an earlier block
    while block := file.read(BLOCK):
        block += file.readline()
        if b"\0" in block:
            raise FactoryError(BINARY.format(name))
        block.isascii() or block.decode()
        data = np.frombuffer(block.removeprefix(codecs.BOM_UTF8), np.uint8)
        newlines, delimiters, quotes = (np.flatnonzero(data == byte) for byte in (NEWLINE, separator, QUOTE))
        stray = _first_stray(data, quotes, quoted, separator)
        if stray is not None:
            return line + int(np.searchsorted(newlines, stray))
        ends, delimiters = (_outside(positions, quotes, quoted) for positions in (newlines, delimiters))
        passed = np.searchsorted(delimiters, ends)
        wrong = np.flatnonzero(np.diff(passed, prepend=-carried) != fields - 1)
        if len(wrong):
            return line + int(np.searchsorted(newlines, ends[wrong[0]]))
        carried = len(delimiters) - int(passed[-1]) if len(ends) else carried + len(delimiters)
        quoted = (quoted + len(quotes)) % 2
        line += len(newlines)
    return line if quoted else 0


def _outside(positions: Positions, quotes: Positions, quoted: int) -> Positions:
    """Those outside quotes."""
    return positions[(np.searchsorted(quotes, positions) + quoted) % 2 == 0] if len(quotes) or quoted else positions


def _first_stray(data: NDArray[np.uint8], quotes: Positions, quoted: int, separator: int) -> int | None:
    """The position of the first quote that neither starts nor ends a field and is not doubled."""
    opening, closing = quotes[quoted::2], quotes[1 - quoted :: 2]
    begins = np.isin(data[opening - 1], [separator, NEWLINE, QUOTE]) | (opening == 0)
    ends = np.isin(data[np.minimum(closing + 1, len(data) - 1)], [separator, NEWLINE, RETURN, QUOTE])
    stray = np.concatenate([opening[~begins], closing[~ends]])
    return int(stray.min()) if len(stray) else None
