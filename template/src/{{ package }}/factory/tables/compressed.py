"""Compressed tables: .gz, and .zip with one table in it, unpacked into a file that has no name."""

import gzip
import lzma
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, BinaryIO, cast

from ..errors import FactoryError

BLOCK = 1 << 20
DAMAGE = (
    EOFError,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,
)  # the last of compression that is not known


def unpack(path: Path, kinds: tuple[str, ...]) -> tuple[str, BinaryIO]:
    """The name of the table within and its content, which vanishes when it is closed. Raises FactoryError."""
    try:
        if path.suffix.lower() == ".gz":
            with gzip.open(path) as packed:
                return path.stem, _unpacked(cast(IO[bytes], packed))
        with zipfile.ZipFile(path) as archive:
            entry = _only(archive, path)
            if not entry.filename.lower().endswith(kinds):
                raise FactoryError(f"{path}: holds {entry.filename}, which is not a kind of table that I read")
            with archive.open(entry) as packed:
                return entry.filename, _unpacked(packed)
    except DAMAGE as error:
        raise FactoryError(f"{path}: damaged, or not a {path.suffix.lower()} file: {error}") from error


def _only(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    files = [entry for entry in archive.infolist() if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")]
    if len(files) != 1:
        raise FactoryError(f"{path}: holds {len(files)} files: pack one table alone")
    if files[0].flag_bits & 1:
        raise FactoryError(f"{path}: encrypted: unpack it first")
    return files[0]


def _unpacked(packed: IO[bytes]) -> BinaryIO:
    file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  whoever gets it closes it
    shutil.copyfileobj(packed, file, BLOCK)
    file.seek(0)
    return file
