"""Where the table in a text file begins and ends, and how it is encoded: reports, instruments and spreadsheets write more than rows.

All is found in the file alone, so that it is read in the same way each time. A file whose first line is the header is left as it is.
"""

import codecs
import csv
import io
import logging
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, cast

from ..errors import FactoryError
from . import names

DELIMITERS = ",;\t|"
HEAD, TAIL = 1 << 20, 1 << 12  # bytes: where the header is looked for, and blank lines behind the last row
MOST_RECORDS = 200  # that are compared to find the header
UTF_8 = "utf-8-sig"
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""What a file in another encoding than UTF-8 begins with."""
SEPARATOR = re.compile(r'^"?sep=(.)"?\s*$', re.IGNORECASE)
NUMBER = re.compile(r"[-+]?[\d.,' \u00a0\u202f]*\d[\d.,]*(e[-+]?\d+)? ?%?", re.IGNORECASE)

Record = tuple[int, list[str]]  # with the number of lines before it


@dataclass(frozen=True)
class Layout:
    """How a file is read: the lines above the header and, where they have comments, all comments are left out."""

    separator: str
    encoding: str = UTF_8
    newline: str = "\n"
    fields: int = 0
    above: int = 0
    comments: bool = False
    blank_end: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the table is the whole file, as it is."""
        return self == Layout(self.separator, fields=self.fields)


def find(file: BinaryIO) -> Layout:
    """The layout of a file."""
    file.seek(0)
    head = file.read(HEAD)
    encoding = next((name for mark, name in MARKS.items() if head.startswith(mark)), UTF_8)
    text = head.decode(encoding, "ignore")
    newline = "\r" if "\r" in text and "\n" not in text else "\n"
    separator, fields, above = _header(text, delimiter(text.partition(newline)[0]), whole=len(head) < HEAD)
    comments = any(line.startswith("#") for line in text.split(newline, above)[:above])
    return Layout(separator, encoding, newline, fields, above, comments, fields > 1 and _ends_blank(file))


def delimiter(line: str) -> str:
    """The most frequent delimiter in a line, outside quotes."""
    return max(DELIMITERS, key="".join(line.split('"')[::2]).count)


def warn(layout: Layout, name: object) -> None:
    """Log what of the file is above its header, and whether it was converted."""
    found = []
    if layout.above:
        found.append(f"the header is line {layout.above + 1}; what is above it is left out")
    if layout.encoding != UTF_8:
        found.append(f"read as {layout.encoding.upper()}")
    if found:
        logging.getLogger(__name__).warning("%s: %s", name, "; ".join(found))


def plain(file: BinaryIO, layout: Layout, name: object) -> tuple[BinaryIO, list[int]]:
    """The table alone, in UTF-8 with the usual line ends, and the numbers of the lines left out. Raises FactoryError."""
    file.seek(0)
    if layout.is_plain:
        return file, []
    copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  the caller closes it
    left_out = [*range(1, layout.above + 1)]
    try:
        text = io.TextIOWrapper(file, layout.encoding, newline=layout.newline)
        copy.writelines(_table(text, layout, left_out, name))
    except UnicodeDecodeError as error:
        copy.close()
        raise FactoryError(f"{name}: not {layout.encoding.removesuffix('-sig').upper()}: {error.reason}") from error
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy, left_out


def _table(lines: Iterator[str], layout: Layout, left_out: list[int], name: object) -> Iterator[bytes]:
    """The lines of the table; the numbers of the others are added to those left out."""
    quoted, blank = False, 0
    for number, line in enumerate(lines, 1):
        if number <= layout.above:
            continue
        if layout.comments and not quoted and line.startswith("#"):
            if len(next(csv.reader([line], delimiter=layout.separator))) == layout.fields:
                raise FactoryError(f"{name}: line {number} is like a comment and like a row: take it out, or quote it")
            left_out.append(number)
        elif layout.blank_end and not quoted and not line.strip():
            blank += 1
        else:
            yield b"\n" * blank  # they are not at the end: the check finds them
            quoted, blank = quoted ^ bool(line.count('"') % 2), 0
            yield (line if layout.newline == "\n" else line.replace("\r", "\n")).encode()


def _header(text: str, first: str, *, whole: bool) -> tuple[str, int, int]:
    """The delimiter, the number of fields, and of the lines above the header: none where no other line is certain to be one."""
    records = _first_records(text, first, whole=whole, strict=True)
    fields = len(records[0][1]) if records else 0
    is_table = {len(record) for _, record in records} == {fields} and _is_header(records[0][1])
    if is_table and (fields > 1 or _is_column([text for _, (text,) in records])):
        return first, fields, 0
    best = (0, 0, 0, first)
    declared = SEPARATOR.match(text.partition("\n")[0])
    for separator in declared[1] if declared else DELIMITERS:
        records = _first_records(text, separator, whole=whole)
        counts = Counter(len(record) for _, record in records if len(record) > 1)
        for width, rows in counts.most_common(1):
            best = max(best, (rows, width, _above(records, width), separator))
    rows, width, above, separator = best
    return (separator, width, above) if above and rows > 1 else (first, fields, 0)


def _first_records(text: str, separator: str, *, whole: bool, strict: bool = False) -> list[Record]:
    """The first records, each with the number of lines before it; the last of a part of the text may be a part."""
    reader, line, records = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict), 0, []
    with suppress(csv.Error):  # of a damaged file, whose check names the line
        for record in islice(reader, MOST_RECORDS):
            records.append((line, record))
            line = reader.line_num
    return records if whole or len(records) in (1, MOST_RECORDS) else records[:-1]


def _above(records: list[Record], fields: int) -> int:
    """The number of lines above the first header of so many fields; 0 if more than titles and comments are above it.

    Of a line directly above, at most half as wide as the table is a title: it could be half the header.
    """
    widest, most = 0, max(1, fields // 2)
    for line, record in records:
        titles = [title.strip() for title in record if title.strip()]
        is_comment = record[:1] != [] and record[0].startswith("#")
        if len(record) == fields and not is_comment and _is_header(record):
            return 0 if widest > most or all(map(NUMBER.fullmatch, titles)) else line
        if not titles:
            most = fields - 1
        elif not is_comment:
            widest = max(widest, len(titles))
    return 0


def _is_column(texts: list[str]) -> bool:
    """Whether the first text is rather the name of the only column than a title above a table of another delimiter."""
    return texts[0].strip().isidentifier() or any(re.search("[,;] ", text) for text in texts)


def _is_header(record: list[str]) -> bool:
    try:
        return bool(names.of_header(record, "", quiet=True))
    except FactoryError:
        return False


def _ends_blank(file: BinaryIO) -> bool:
    """Whether lines without anything follow the last row of a table of several columns."""
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - TAIL))
    return bool(re.search(rb"\n\s*\n\s*$", file.read().replace(b"\0", b"")))
