"""Compressed tables: .gz, and .zip with one table in it, unpacked into an anonymous file."""

import gzip
import lzma
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, BinaryIO, cast

from ..errors import FactoryError

BLOCK = 1 << 20  # bytes
DAMAGE = (
    EOFError,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,  # of an unsupported compression method
)


def unpack(path: Path, formats: tuple[str, ...]) -> tuple[str, BinaryIO]:
    """The name of the table inside and its content, which is deleted when it is closed. Raises FactoryError."""
    try:
        if path.suffix.lower() == ".gz":
            with gzip.open(path) as stream:
                return path.stem, _decompressed(cast(IO[bytes], stream))
        with zipfile.ZipFile(path) as archive:
            entry = _only_file(archive, path)
            if not entry.filename.lower().endswith(formats):
                raise FactoryError(f"{path}: contains {entry.filename}: unsupported file type")
            with archive.open(entry) as stream:
                return entry.filename, _decompressed(stream)
    except DAMAGE as error:
        raise FactoryError(f"{path}: damaged, or not a {path.suffix.lower()} file: {error}") from error


def pack(plain: Path, name: str, path: Path) -> None:
    """Compress a file as the name of the path says; inside it has the name."""
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, name)
    elif path.suffix.lower() == ".gz":
        with plain.open("rb") as source, gzip.open(path, "wb") as target:
            shutil.copyfileobj(source, target, BLOCK)
    else:
        plain.replace(path)


def _only_file(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    files = [entry for entry in archive.infolist() if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")]
    if len(files) != 1:
        raise FactoryError(f"{path}: contains {len(files)} files: compress one table only")
    if files[0].flag_bits & 1:
        raise FactoryError(f"{path}: encrypted: unpack it first")
    return files[0]


def _decompressed(stream: IO[bytes]) -> BinaryIO:
    file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  the caller closes it
    shutil.copyfileobj(stream, file, BLOCK)
    file.seek(0)
    return file
