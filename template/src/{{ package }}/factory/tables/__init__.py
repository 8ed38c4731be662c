"""Tables on disk in common formats, refused with a reason where they cannot be read completely."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import polars as pl

from ..errors import FactoryError
from . import compressed, csv, excel, footer, jsonlines, layout, names
from .chunks import filter_rows, height, iter_chunks

JSON_LINES = (".jsonl", ".ndjson")
TEXT = (".csv", ".tsv", *JSON_LINES)
FORMATS = (*TEXT, ".parquet", *excel.FORMATS)
SUFFIXES = (*FORMATS, *(f"{text}{stream}" for stream in compressed.STREAMS for text in TEXT), *compressed.ARCHIVES)
WRITTEN = (".csv", ".parquet")
ROW_GROUP = 2**18  # rows; with polars' default the bytes of the files would depend on the number of threads


def suffix(name: str | Path) -> str:
    """What the name of a table ends in, such as ".csv.gz"; empty if the type is not supported."""
    name = str(name).lower()
    return max((suffix for suffix in SUFFIXES if name.endswith(suffix)), key=len, default="")


def unsupported(path: Path) -> str:
    """The message about a file that is of none of the supported types."""
    return f"{path}: unsupported file type, use one of {', '.join(SUFFIXES)}"


def scan(path: Path, *, checked: bool = False, name: object = None, sheet: str | None = None) -> pl.LazyFrame:
    """The table as a lazy frame; the fields of a CSV file are text, null where empty. Raises FactoryError.

    A file that was `checked` before and has not changed is not checked for damage again. Errors call it by its `name`.
    Of a workbook `sheet` is read, which is meant as in `excel.read`.
    """
    inner, file = _opened(path)
    format, name = suffix(inner), name or path
    with file, reading(name):
        if sheet and format not in excel.FORMATS:
            raise FactoryError(f"{name}: has no sheets: leave out --sheet")
        if format in (".csv", ".tsv"):
            return _scan_csv(file, name, checked)
        rows = _scan(file, format, name, checked, sheet)
        if format in excel.FORMATS and not checked:
            last = rows.tail(footer.LAST).collect()
            footer.check(rows, last, name, lambda n: f"data row {height(rows) - n + 1:,}")
        return rows


def _scan(file: BinaryIO, format: str, name: object, checked: bool, sheet: str | None) -> pl.LazyFrame:
    if format in excel.FORMATS:
        return excel.read(file, name, sheet=sheet, quiet=checked).lazy()
    if format == ".parquet":
        return names.renamed(pl.scan_parquet(file), name, checked=checked)
    if not checked:
        jsonlines.check(file, name)
    file.seek(0)
    return pl.scan_ndjson(file, infer_schema_length=None)


def _scan_csv(file: BinaryIO, name: object, checked: bool) -> pl.LazyFrame:
    found = layout.find(file)
    text, left_out = layout.plain(file, found, name)
    with text:
        if not checked:
            csv.check(text, name, found.separator, left_out)
            layout.warn(found, name)
        titles = csv.titles(text, found.separator, name)
        header = names.of_header(titles, name, quiet=checked)
        last = [] if checked else csv.last_rows(text, found.separator, len(header), footer.LAST)
        text.seek(0)
        rows = pl.scan_csv(text, separator=found.separator, infer_schema=False, new_columns=header)
        rows = names.without_nothing(rows, titles, name, checked=checked)
        if last:
            table = pl.DataFrame([row for _, row in last], dict.fromkeys(header, pl.String), orient="row")
            footer.check(rows, table, name, lambda n: f"line {csv.line(text, last[-n][0], left_out):,}")
        return rows


def sheet(path: Path) -> str:
    """The only sheet with rows of a workbook; empty if the file is none. Raises FactoryError."""
    name, file = _opened(path)
    with file:
        return excel.only_sheet(file, path) if suffix(name) in excel.FORMATS else ""


def read(path: Path, *, checked: bool = False) -> pl.DataFrame:
    """The table in memory. Raises FactoryError where a part cannot be read, or there are no rows."""
    with reading(path):
        rows = scan(path, checked=checked).collect()
    if rows.is_empty():
        raise FactoryError(f"{path}: no rows")
    return rows


def batches(path: Path, *, checked: bool = False) -> Iterator[pl.DataFrame]:
    """The table's rows in their order, chunk by chunk. Raises FactoryError as `read` does."""
    empty = True
    with reading(path):
        for rows in iter_chunks(scan(path, checked=checked)):
            empty = empty and rows.is_empty()
            yield rows
    if empty:
        raise FactoryError(f"{path}: no rows")


def count(path: Path) -> int:
    """The number of rows, without reading them where the format records it. Raises FactoryError."""
    with reading(path):
        return int(scan(path, checked=True).select(pl.len()).collect().item())


def sink(rows: pl.LazyFrame, path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write the rows batch by batch, in their order; the metadata into a Parquet file. Raises OSError where the disk is full."""
    with writing(path):
        if path.suffix == ".parquet":
            rows.sink_parquet(path, row_group_size=ROW_GROUP, metadata=metadata)
        else:
            rows.sink_csv(path)


def copy_without(path: Path, unwanted: pl.Series, copy: Path) -> None:
    """Copy a file without some of its rows; of text, the others stay byte by byte. Raises FactoryError of an Excel file."""
    name, file = _opened(path)
    format = suffix(name)
    with file, reading(path), TemporaryDirectory(dir=copy.parent) as folder:
        plain = Path(folder, f"plain{format}")
        if format in excel.FORMATS:
            raise FactoryError(f"{path}: rows cannot be taken out of an Excel file")
        if format == ".parquet":
            sink(filter_rows(pl.scan_parquet(file), ~unwanted), plain)
        else:
            wanted = [*([] if format in JSON_LINES else [True]), *~unwanted]
            if format not in JSON_LINES:
                file, _ = layout.plain(file, layout.find(file), path)
            records = jsonlines.records(file) if format in JSON_LINES else csv.records(file)
            try:
                with plain.open("wb") as target:
                    target.writelines(record for record, keep in zip(records, wanted, strict=True) if keep)
            except ValueError as error:
                raise FactoryError(f"{path}: its rows cannot be taken out one by one") from error
        compressed.pack(plain, name, copy)


@contextmanager
def reading(path: object) -> Iterator[None]:
    """Turn polars' error about a damaged file into one line."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise FactoryError(f"{path}: damaged, or not a table: {reason}") from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise OSError where the disk is full, which polars reports as a damaged Parquet file."""
    try:
        yield
    except pl.exceptions.ComputeError as error:
        reason = str(error).partition("underlying IO error: ")[2]
        if not reason:
            raise
        raise OSError(None, reason, str(path)) from error


@contextmanager
def private(path: Path) -> Iterator[Path]:
    """As `whole`, a file that only this user can read."""
    with whole(path) as temporary:
        temporary.touch(0o600)
        yield temporary


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file beside the path, to be written; it replaces the path at the block's end, and is gone if that fails."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _opened(path: Path) -> tuple[str, BinaryIO]:
    """The name of the table, possibly inside a compressed file, and its content."""
    format = suffix(path)
    if not format:
        raise FactoryError(unsupported(path))
    if not path.is_file():
        raise FactoryError(f"{path}: {'is a folder: name a file in it' if path.is_dir() else 'no such file'}")
    return (path.name, path.open("rb")) if format in FORMATS else compressed.unpack(path, SUFFIXES)
