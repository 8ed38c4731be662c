"""Where the header of a sheet of cells is: below titles and blank rows, in one row or in merged ones."""

import re
from collections.abc import Sequence

TOP = 50  # rows, in which the header is looked for
NUMBER = re.compile(r"\W*\d[\d\W]*([eE][+-]?\d+)?\W*")

Cells = Sequence[str | None]
Row = list[str]
Range = tuple[int, int, int, int]
"""Merged cells: the first and the last row, the first and the last column, from 0 and inclusive."""


def find(rows: Sequence[Cells], merged: Sequence[Range] = ()) -> tuple[int, Row]:
    """The row of the first value below the header, and the names; those of columns that have none are empty.

    The header is the first row with a value, unless names are missing in it and those above a row of names are a title.
    """
    cells = [[(cell or "").strip() for cell in row] for row in rows]
    first = next((place for place, row in enumerate(cells) if any(row)), len(cells))
    if first == len(cells):
        return first, []
    if all(cells[first]) or _is_index(cells[first]):
        return first + 1, cells[first]
    for place in range(first, len(cells)):
        last = _last(place, merged)
        names = _joined(cells[place : last + 1], place, merged)
        if _is_header(names) and all(map(_is_title, cells[first:place])) and _is_certain(cells, first, place, last):
            return last + 1, names
    return first + 1, cells[first]


def _is_index(row: Row) -> bool:
    """Whether only the first column has no name: pandas writes an index so."""
    return len(row) > 1 and not row[0] and all(row[1:]) and not any(map(NUMBER.fullmatch, row[1:]))


def _is_title(row: Row) -> bool:
    return sum(map(bool, row)) <= max(1, len(row) // 2)


def _is_header(names: Row) -> bool:
    return (all(names) or _is_index(names)) and len({*names}) == len(names) and not all(map(NUMBER.fullmatch, names))


def _is_certain(cells: list[Row], first: int, place: int, last: int) -> bool:
    """Whether it can be no row of values: it has merged cells, a blank row is above, or it is all text above numbers."""
    if last > place or place == first:
        return sum(map(bool, cells[place])) > 1  # one cell merged over all columns is a title
    has_numbers = any(NUMBER.fullmatch(cell) for row in cells[place + 1 :] for cell in row)
    return not any(cells[place - 1]) or (has_numbers and not any(map(NUMBER.fullmatch, cells[place])))


def _last(place: int, merged: Sequence[Range]) -> int:
    """The last row of the header that begins in a row: below a name of several columns are theirs."""
    last = place
    for top, bottom, left, right in sorted(merged):
        if place <= top <= last:
            last = max(last, bottom + (right > left))
    return last


def _joined(block: list[Row], place: int, merged: Sequence[Range]) -> Row:
    """The names of the columns, from the top to the bottom of the header, which begins at that row."""
    block = [[*row] for row in block]
    for top, bottom, left, right in merged:
        if place <= top <= bottom < place + len(block):
            block[top - place][left : right + 1] = [block[top - place][left]] * (right + 1 - left)
    return [" ".join(filter(None, names)) for names in zip(*block, strict=True)]
