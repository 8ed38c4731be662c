"""Workbooks: one of the sheets, whose header may be below a title."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import polars as pl

from ..errors import FactoryError, close, listed
from . import compressed, header, merged_cells
from .names import of_header, without_nothing

if TYPE_CHECKING:
    import fastexcel

FORMATS = (".xlsx", ".xlsm", ".xls", ".ods")
PROTECTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container that both protected files and .xls are
EXACT = 2**53
FEW = 5  # sheets that a message names
CELLS: dict[str, Any] = {"header_row": None, "dtypes": "string", "skip_rows": 0}  # as texts, from the first row


def read(file: BinaryIO, name: object, *, sheet: str | None = None, quiet: bool = False) -> pl.DataFrame:
    """The rows, typed as their cells are; whole numbers are integers. Raises FactoryError with the file's name.

    Without the name of a `sheet`, it is SHEET of contract.py, or else the first one; with an empty name, the only one with rows.
    """
    with _opened(file, name) as (book, content):
        return _table(book, content, _chosen(book, name, sheet, quiet), name, quiet)


def only_sheet(file: BinaryIO, name: object) -> str:
    """The name of the only sheet with rows. Raises FactoryError."""
    with _opened(file, name) as (book, _):
        return _chosen(book, name, "", quiet=True)


@contextmanager
def _opened(file: BinaryIO, name: object) -> Iterator[tuple["fastexcel.ExcelReader", bytes]]:
    """The workbook and its content; errors of what is damaged are one line."""
    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns about each column without values
    file.seek(0)
    content = file.read()
    compressed.check_office(content, name)
    try:
        yield fastexcel.read_excel(content), content
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError) as error:
        if content.startswith(PROTECTED):
            raise FactoryError(f"{name}: encrypted, or damaged: save it as .xlsx without a password") from error
        reason = str(error).partition("\n")[0]
        raise FactoryError(f"{name}: damaged, or not an Excel file: {reason}") from error


def remembered() -> str | None:
    """The sheet that holds the table, by SHEET of contract.py; None where the contract has no word of it."""
    from ... import contract  # which imports this package

    return getattr(contract, "SHEET", None)


def _chosen(book: "fastexcel.ExcelReader", name: object, sheet: str | None, quiet: bool) -> str:
    """The name of the sheet to read. Raises FactoryError where it is not there, or several could be meant."""
    titles = book.sheet_names
    if sheet and sheet not in titles:
        meant = close(sheet, titles)
        hint = f"did you mean {meant}?" if meant else f"there are {_named(titles)}"
        raise FactoryError(f"{name}: no sheet {sheet}: {hint}")
    known = remembered() if sheet is None else sheet
    if known in titles:
        return f"{known}"
    if known is None and quiet and _first_row(book, titles[0]).total_height:
        return titles[0]
    sheets = [_first_row(book, each) for each in titles]
    filled = [each.name for each in sheets if each.total_height and each.visible == "visible"]
    if known is None and sheets[0].total_height:
        if not quiet and (others := [each for each in filled if each != titles[0]]):
            others_too = "%s: only the first sheet, %s, is read, not %s"
            logging.getLogger(__name__).warning(others_too, name, titles[0], _named(others))
        return titles[0]
    if len(filled) > 1:
        raise FactoryError(f"{name}: {len(filled)} sheets have rows: name one by --sheet: {_named(filled)}")
    return filled[0] if filled else titles[0]


def _first_row(book: "fastexcel.ExcelReader", title: str) -> "fastexcel.ExcelSheet":
    sheet: fastexcel.ExcelSheet = book.load_sheet(title, **CELLS, n_rows=1)
    return sheet


def _named(titles: list[str]) -> str:
    return listed(titles, FEW)


def _table(book: "fastexcel.ExcelReader", content: bytes, title: str, name: object, quiet: bool) -> pl.DataFrame:
    """The rows of the sheet. Raises FactoryError where its header is not complete."""
    sheet = book.load_sheet(title, **CELLS)
    cells = sheet.to_polars()
    used = [
        column for column in cells.columns if cells[column].null_count() < cells.height
    ]  # others are only formatted
    if not used:
        raise FactoryError(f"{name}: no header in the sheet {title}")
    places = {
        column.absolute_index: used.index(column.name) for column in sheet.available_columns() if column.name in used
    }
    merged = _among(merged_cells.ranges(content, title), places)
    first, titles = header.find(cells.head(header.TOP).select(used).rows(), merged)
    if below := [f"{top + 1:,}" for top, *_ in merged if top >= first and not quiet]:
        logging.getLogger(__name__).warning("%s: row %s: of merged cells only the first has a value", name, below[0])
    names = of_header(titles, name, quiet=quiet)
    rows = book.load_sheet(
        title, header_row=None, skip_rows=first, schema_sample_rows=None, skip_whitespace_tail_rows=True
    ).to_polars()
    texts = cells.slice(first, rows.height)
    table = pl.DataFrame(
        [_typed(rows[column], texts[column]).alias(each) for column, each in zip(used, names, strict=True)]
    )
    return without_nothing(table.lazy(), titles, name, checked=quiet).collect()


def _among(merged: list[header.Range], places: dict[int, int]) -> list[header.Range]:
    """The merged cells, with columns counted among those that are used."""
    found = (
        (top, bottom, [places[each] for each in range(left, right + 1) if each in places])
        for top, bottom, left, right in merged
    )
    return [(top, bottom, columns[0], columns[-1]) for top, bottom, columns in found if columns]


def _typed(column: pl.Series, text: pl.Series) -> pl.Series:
    """The column: text if there are texts among the numbers, integers, which Excel lacks, if all are whole."""
    if column.null_count() > text.null_count():
        return text
    if not column.dtype.is_float():
        return column
    whole = ((column == column.round()) & (column.abs() <= EXACT)).all()
    return column.cast(pl.Int64) if whole else column
