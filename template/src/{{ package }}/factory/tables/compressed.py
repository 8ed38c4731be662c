"""Compressed tables and archives, unpacked up to a limit: one that holds one table is read like the table."""

import bz2
import gzip
import io
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, BinaryIO, cast

from ..errors import FactoryError, listed
from .chunks import memory

STREAMS: dict[str, Callable[[Any], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
SHORT = {".tgz": ".tar.gz", ".tbz2": ".tar.bz2", ".txz": ".tar.xz"}
ARCHIVES = (".zip", ".tar", *(f".tar{stream}" for stream in STREAMS), *SHORT)
PACKED = (".zip", ".tar", *STREAMS, *SHORT)
IGNORED = (".", "_", "~$")
"""What the names of files and folders begin with that hold no data: of the system, of Spark, of an open workbook."""
DEEPEST = 4  # layers, such as a compressed table in a compressed archive
RATIO, SMALL = 200, 1 << 30  # what is larger than so many bytes, and so many times its packed size, is not unpacked
KEPT_FREE = 1 << 28  # bytes of the disk
BLOCK, FEW = 1 << 20, 5  # bytes read at a time; names in a message
DAMAGE = (
    EOFError,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,  # of an unsupported compression method
)


@dataclass(frozen=True)
class Member:
    """A file in an archive."""

    name: str
    open: Callable[[], Any]


class Limit:
    """How much may be unpacked from a file into a folder."""

    def __init__(self, path: Path, folder: str | Path) -> None:
        self.path, self.folder, self.unpacked = path, folder, 0
        self.most = max(SMALL, RATIO * path.stat().st_size)
        self.free = shutil.disk_usage(folder).free - KEPT_FREE

    def copy(self, source: IO[bytes], target: IO[bytes]) -> None:
        """Copy what is unpacked. Raises FactoryError beyond the limit."""
        while block := source.read(BLOCK):
            self.unpacked += len(block)
            if self.unpacked > self.most:
                raise FactoryError(
                    f"{self.path}: unpacks to more than {_gb(self.most)}, {RATIO} times its size: unpack it first"
                )
            if self.unpacked > self.free:
                raise FactoryError(
                    f"{self.path}: unpacks to more than the {_gb(self.free)} that are free in {self.folder}"
                )
            target.write(block)


def unpack(path: Path, suffixes: tuple[str, ...]) -> tuple[str, BinaryIO]:
    """The name of the only table inside, and its content, which is deleted when it is closed. Raises FactoryError."""
    name, file = path.name, cast(BinaryIO, path.open("rb"))
    with _damage(path):
        limit = Limit(path, tempfile.gettempdir())
        for _ in range(DEEPEST):
            if not name.lower().endswith(PACKED):
                return name, file
            with file:
                name, file = _inner(name, file, limit, suffixes)
    file.close()
    raise FactoryError(f"{path}: packed more than {DEEPEST - 1} times: unpack it first")


def unpack_all(path: Path, folder: Path, suffixes: tuple[str, ...]) -> list[str]:
    """Unpack an archive of several tables into a folder; their names there, none of another file. Raises FactoryError."""
    name, file = _long(path.name), cast(BinaryIO, path.open("rb"))
    if not name.lower().endswith(ARCHIVES):
        return []
    with _damage(path):
        limit = Limit(path, folder)
        while not name.lower().endswith((".zip", ".tar")):
            with file:
                name, file = _inner(name, file, limit, suffixes)
        with file, _archive(name, file, path, suffixes) as members:
            for member in members if len(members) > 1 else ():
                place = folder / member.name
                place.parent.mkdir(parents=True, exist_ok=True)
                with member.open() as source, place.open("xb") as target:
                    limit.copy(source, target)
            return [member.name for member in members] if len(members) > 1 else []


def pack(plain: Path, name: str, path: Path) -> None:
    """Compress a file as the name of the path says; inside it has the name."""
    kind = _long(path.name.lower())
    stream = next((each for each in STREAMS if kind.endswith(each)), "")
    if kind.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, name)
    elif kind.endswith((".tar", f".tar{stream}")):
        with tarfile.open(path, f"w:{stream[1:]}") as tar:  # type: ignore[call-overload]
            tar.add(plain, name)
    elif stream:
        with plain.open("rb") as source, STREAMS[stream](path, "wb") as target:  # type: ignore[call-arg]
            shutil.copyfileobj(source, target, BLOCK)
    else:
        plain.replace(path)


def check_office(content: bytes, name: object) -> None:
    """Refuse a damaged workbook, and one that would need more memory than there is. Raises FactoryError."""
    if not content.startswith(b"PK"):
        return
    with _damage(name, "an Excel"), zipfile.ZipFile(io.BytesIO(content)) as book:
        size = sum(entry.file_size for entry in book.infolist())
        most = min(max(SMALL, RATIO * len(content)), memory() // 2)
        if size > most:
            raise FactoryError(f"{name}: unpacks to {_gb(size)}, more than {_gb(most)}: save the table as CSV")
        if damaged := book.testzip():
            raise zipfile.BadZipFile(damaged)


def _inner(name: str, file: BinaryIO, limit: Limit, suffixes: tuple[str, ...]) -> tuple[str, BinaryIO]:
    """What is below one layer: the only table of an archive, or what was compressed."""
    name = _long(name)
    stem, dot, kind = name.rpartition(".")
    if stream := STREAMS.get(f"{dot}{kind}".lower()):
        with stream(file) as source:
            return stem, _copied(source, limit)
    with _archive(name, file, limit.path, suffixes) as members:
        if len(members) > 1:
            names = listed([member.name for member in members], FEW)
            raise FactoryError(
                f"{limit.path}: contains {len(members)} tables: unpack it first, and name one of {names}"
            )
        with members[0].open() as source:
            return members[0].name, _copied(source, limit)


@contextmanager
def _archive(name: str, file: BinaryIO, path: Path, suffixes: tuple[str, ...]) -> Iterator[list[Member]]:
    """The tables in a .zip or .tar. Raises FactoryError where there is none, or one with a name that is unsafe to write."""
    with zipfile.ZipFile(file) if name.lower().endswith(".zip") else tarfile.open(fileobj=file, mode="r:") as archive:
        members = [*_members(archive, path)]
        if len(members) > 1:
            members = [each for each in members if not any(map(is_ignored, PurePosixPath(each.name).parts))]
        tables = [member for member in members if member.name.lower().endswith(suffixes)]
        if not tables:
            names = listed([member.name for member in members], FEW)
            raise FactoryError(f"{path}: contains {names or 'no file'}: unsupported file type")
        unsafe = [each.name for each in tables if _leaves_folder(each.name)]
        twice = [each for each, times in Counter(member.name for member in tables).items() if times > 1]
        if unsafe or twice:
            raise FactoryError(f"{path}: contains {(unsafe or twice)[0]}{' twice' if twice else ''}: unpack it first")
        yield tables


def _leaves_folder(name: str) -> bool:
    """Whether a file of that name may be outside the folder it is unpacked into, on any system."""
    path = PureWindowsPath(name)
    return bool(path.anchor) or ".." in path.parts


def _members(archive: zipfile.ZipFile | tarfile.TarFile, path: Path) -> Iterator[Member]:
    if isinstance(archive, tarfile.TarFile):
        files = (each for each in archive if each.isfile())
        yield from (Member(each.name.removeprefix("./"), partial(archive.extractfile, each)) for each in files)
        return
    for entry in archive.infolist():
        if entry.flag_bits & 1:
            raise FactoryError(f"{path}: encrypted: unpack it first")
        if not entry.is_dir():
            yield Member(entry.filename.replace("\\", "/"), partial(archive.open, entry))


def is_ignored(part: str) -> bool:
    """Whether a file or folder of this name holds no data."""
    return part.startswith(IGNORED)


def _copied(source: IO[bytes], limit: Limit) -> BinaryIO:
    file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  the caller closes it
    try:
        limit.copy(source, file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _long(name: str) -> str:
    """The name without the short forms of .tar.gz and its like."""
    short = next((each for each in SHORT if name.lower().endswith(each)), "")
    return name[: -len(short)] + SHORT[short] if short else name


@contextmanager
def _damage(path: object, kind: str = "") -> Iterator[None]:
    """Turn an error of what is damaged, or of a disk that is full, into one line."""
    try:
        yield
    except DAMAGE as error:
        raise FactoryError(
            f"{path}: damaged, or not {kind or f'a {Path(str(path)).suffix.lower()}'} file: {error}"
        ) from error
    except OSError as error:
        reason = f"cannot be unpacked: {error.strerror}" if error.errno else f"damaged: {error}"  # bz2's has no number
        raise FactoryError(f"{path}: {reason}") from error


def _gb(size: int) -> str:
    return f"{size / 1e9:.2g} GB"
