"""Excel files: the first sheet, whose first row is the header."""

import logging
from typing import BinaryIO

import polars as pl

from ..errors import FactoryError, listed
from .csv import check_names

ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container that both encrypted files and the old .xls are
EXACT = 2**53


def read(file: BinaryIO, name: object, *, quiet: bool = False) -> pl.DataFrame:
    """The rows, typed as their cells are; whole numbers are integers. Raises FactoryError with the file's name."""
    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns about each column without values
    file.seek(0)
    content = file.read()
    if content.startswith(ENCRYPTED):
        raise FactoryError(f"{name}: encrypted, or in the old .xls format: save it as .xlsx without a password")
    try:
        book = fastexcel.read_excel(content)
        first, *others = book.sheet_names
        top = book.load_sheet(first, header_row=None, n_rows=1, dtypes="string").to_polars()
        if top.is_empty():
            raise FactoryError(f"{name}: no header in the first sheet, {first}")
        rows, texts = (
            book.load_sheet(first, schema_sample_rows=None, dtypes=kind, skip_whitespace_tail_rows=True).to_polars()
            for kind in (None, "string")
        )
        ignored = [title for title in others if book.load_sheet(title, header_row=None).total_height]
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise FactoryError(f"{name}: damaged, or not an Excel file: {reason}") from error
    if ignored and not quiet:
        logging.getLogger(__name__).warning(
            "%s: only the first sheet, %s, is read, not %s", name, first, listed(ignored)
        )
    header = [title or "" for title in top.row(0)]
    check_names(header, name)
    return pl.DataFrame([_typed(*pair).alias(title) for *pair, title in zip(rows, texts, header, strict=True)])


def _typed(column: pl.Series, text: pl.Series) -> pl.Series:
    """The column: text if there are texts among the numbers, integers, which Excel lacks, if all are whole."""
    if column.null_count() > text.null_count():
        return text
    if not column.dtype.is_float():
        return column
    whole = ((column == column.round()) & (column.abs() <= EXACT)).all()
    return column.cast(pl.Int64) if whole else column
