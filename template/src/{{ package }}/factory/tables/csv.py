"""CSV files: the names in the header, and whether every line is complete; polars would fill short lines with null."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import FactoryError
from . import layout
from .names import of_header

BLOCK, HEAD = 1 << 22, 1 << 12  # bytes: read at a time, and looked at to distinguish text from binary
TAIL = 1 << 16  # bytes: of rows with which the last one is compared
CONVERT = "convert it first, such as with `iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW`"
BINARY = "{}: binary file: not a CSV or JSON lines file"
NEWLINE, RETURN, QUOTE = b'\n\r"'
DECIMALS = re.compile(r"^[-+]?\d+[.,](\d+)$")

Positions = NDArray[np.intp]


class _Damage(Exception):
    """What is wrong with a line."""

    def __init__(self, line: int, reason: str) -> None:
        self.line, self.reason = line, reason


def check(file: BinaryIO, name: object, separator: str | None = None, left_out: Sequence[int] = ()) -> None:
    """Refuse a CSV file that is damaged or truncated. Raises FactoryError with its name.

    The lines are counted together with those that were `left_out`, by their numbers.
    """
    file.seek(0)
    check_is_text(file.read(HEAD), name)
    separator = separator or delimiter(file)
    try:
        fields = len(names(file, separator, name, quiet=True))
        suspect = _first_suspect(file, ord(separator), fields, name)
        if suspect or fields == 1:  # with one column, an empty line has as many delimiters as others
            _check_lines(_lines(file), separator, fields)
        if suspect:
            raise _Damage(suspect, ": quote inside a field: double it, and quote the whole field")
    except _Damage as damage:
        raise FactoryError(f"{name}: line {in_file(damage.line, left_out)}{damage.reason}") from damage
    except UnicodeDecodeError as error:
        raise FactoryError(f"{name}: not UTF-8: {CONVERT}") from error
    if not _is_complete(file, separator, fields):
        raise FactoryError(f"{name}: the last line has no newline: truncated? If the file is complete, add one")


def in_file(line: int, left_out: Sequence[int]) -> int:
    """The number that a line of the table has in the file, of which lines were left out."""
    for number in left_out:
        line += number <= line
    return line


def delimiter(file: BinaryIO) -> str:
    """The most frequent delimiter in the first line, outside quotes."""
    file.seek(0)
    return layout.delimiter(file.readline().decode(errors="replace"))


def names(file: BinaryIO, separator: str, name: object, *, quiet: bool = False) -> list[str]:
    """The names of the columns. Raises FactoryError."""
    return of_header(titles(file, separator, name), name, quiet=quiet)


def titles(file: BinaryIO, separator: str, name: object) -> list[str]:
    """The header as it is. Raises FactoryError."""
    try:
        header = next(csv.reader(_lines(file), strict=True, delimiter=separator), [])
    except csv.Error as error:
        raise FactoryError(f"{name}: line 1: {error}") from error
    if not header:
        raise FactoryError(f"{name}: no header")
    return header


def check_is_text(head: bytes, name: object) -> None:
    """Refuse a file whose first bytes are not UTF-8 text, or are HTML or XML. Raises FactoryError."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FactoryError(f"{name}: UTF-16, not UTF-8: convert it first")
    if b"\0" in head:
        raise FactoryError(BINARY.format(name))
    if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<"):
        raise FactoryError(f"{name}: HTML or XML, not a table")


def last_rows(file: BinaryIO, separator: str, fields: int, most: int) -> list[tuple[int, list[str]]]:
    """At most so many of the last rows of a file without damage, each with the number of lines from the one it begins in."""
    start = max(0, file.seek(0, io.SEEK_END) - TAIL)
    file.seek(start)
    lines = file.read().decode(errors="replace").removesuffix("\n").split("\n")
    reader, line, found = csv.reader(lines, delimiter=separator), 0, []
    for row in reader:
        if len(row) == fields and line:  # the first one is the header, or a part of a row
            found.append((len(lines) - line, row))
        line = reader.line_num
    return found[-most:]


def line(file: BinaryIO, to_end: int, left_out: Sequence[int]) -> int:
    """The number in the file of a line, counted from the end, the last being 1."""
    file.seek(0)
    return in_file(sum(1 for _ in file) - to_end + 1, left_out)


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


def _check_lines(lines: Iterator[str], separator: str, fields: int) -> None:
    reader = csv.reader(lines, strict=True, delimiter=separator)
    try:
        for row in reader:
            if len(row) != fields:
                raise _Damage(reader.line_num, f" has {len(row)} fields, the header has {fields}")
    except csv.Error as error:
        raise _Damage(reader.line_num, f": {error}") from error


def _is_complete(file: BinaryIO, separator: str, fields: int) -> bool:
    """Whether the last line has a newline, or certainly ends where it should: other rows have its last value, and none a longer one."""
    start = max(0, file.seek(0, io.SEEK_END) - TAIL)
    file.seek(start)
    lines = file.read().decode(errors="replace").split("\n")
    if not lines[-1]:
        return True
    try:
        *rows, last = csv.reader(lines[1:], strict=True, delimiter=separator)
    except (csv.Error, ValueError):
        return False
    others, value = {row[-1] for row in rows if len(row) == fields}, last[-1]
    if len(last) != fields or not others:
        return False
    decimals = {len(match[1]) if (match := DECIMALS.search(other)) else 0 for other in (*others, value)}
    longer = any(other != value and other.startswith(value) for other in others)
    return lines[-1].endswith('"') or (value in others and not longer) or (len(decimals) == 1 and 0 not in decimals)


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
        try:
            block.isascii() or block.decode()
        except UnicodeDecodeError as error:
            raise _Damage(line + block.count(b"\n", 0, error.start), f" is not UTF-8: {CONVERT}") from error
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
