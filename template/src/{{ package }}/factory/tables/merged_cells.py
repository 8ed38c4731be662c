"""Which cells of a sheet are merged, of which only the first has a value: fastexcel does not give them."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree

from .header import Range

BLOCK, LONGEST = 1 << 20, 100  # bytes: read at a time, and of an element
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
RELATIONS, BOOK = "xl/_rels/workbook.xml.rels", "xl/workbook.xml"


def ranges(content: bytes, sheet: str) -> list[Range]:
    """The merged cells of a sheet, counted from 0; none of a workbook in another format than Excel's of today."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book, book.open(_part(book, sheet)) as part:
            return [*_found(part)]
    except (zipfile.BadZipFile, KeyError):  # .xls, .ods
        return []


def _part(book: zipfile.ZipFile, sheet: str) -> str:
    """The file of the sheet. Raises KeyError."""
    with book.open(BOOK) as names, book.open(RELATIONS) as places:
        sheets = ElementTree.parse(names).iterfind(".//{*}sheet")
        targets = ElementTree.parse(places).getroot()
    key = next(
        value for each in sheets if each.get("name") == sheet for name, value in each.items() if name.endswith("}id")
    )
    target = next(each.get("Target", "") for each in targets if each.get("Id") == key)
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _found(part: IO[bytes]) -> Iterator[Range]:
    kept = b""
    while block := part.read(BLOCK):
        text = kept + block
        end = 0
        for match in MERGED.finditer(text):
            left, top, right, bottom = match.groups()
            yield int(top) - 1, int(bottom) - 1, _number(left), _number(right)
            end = match.end()
        kept = text[max(end, len(text) - LONGEST) :]


def _number(letters: bytes) -> int:
    """The number of a column, from 0."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number - 1
