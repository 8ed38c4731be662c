"""Tables named by a file, a folder, a glob or a URL: which they are, in the order of their names, and their rows.

A URL, such as s3://bucket/folder, is read by polars, with the credentials that it finds in the environment.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

import polars as pl

from ..errors import FactoryError, listed
from . import JSON_LINES, reading, scan, suffix, unsupported
from .chunks import collect, height, iter_chunks
from .compressed import IGNORED, is_ignored

REMOTE = (".parquet", ".csv", ".tsv", *JSON_LINES)
"""What is read from URLs."""
DELTA = "_delta_log"
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # of two letters at least: one is a drive
WILDCARD = re.compile(r"[*?\[]")
FILE = "_file"
FEW = 5  # files that a message names


@dataclass(frozen=True)
class Source:
    """A table: its path or URL, and its name below the folder in which it was found."""

    place: str
    name: str

    def __str__(self) -> str:
        return without_secrets(self.place)

    @property
    def path(self) -> Path | None:
        """The file, unless it is at a URL."""
        return None if URL.match(self.place) else Path(self.place)

    @property
    def partition(self) -> dict[str, str | None]:
        """Columns that are in the names of all its folders."""
        return partition(self.place)

    def scan(self, *, checked: bool = False) -> pl.LazyFrame:
        """The table as a lazy frame, as `tables.scan` gives it. Raises FactoryError."""
        if self.path:
            return scan(self.path, checked=checked)
        if suffix(self._file) not in REMOTE:
            raise FactoryError(f"{self}: from a URL only {', '.join(REMOTE)} are read: download it first")
        if suffix(self._file) == ".parquet":
            return pl.scan_parquet(self.place, glob=False, hive_partitioning=False)
        with TemporaryDirectory() as folder:  # it can be read until it is closed
            copy = Path(folder, self._file)
            lines = pl.scan_lines(self.place, glob=False)
            lines.sink_csv(copy, include_header=False, quote_style="never")
            return scan(copy, checked=checked, name=f"{self}")

    def batches(
        self, columns: Iterable[str] = (), *, checked: bool = False, offset: int = 0, length: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """The rows, or so many from an offset on, chunk by chunk in their order; one without rows where there are none.

        Of the `columns`, those that are only in the names of its folders are added. Raises FactoryError.
        """
        with self._reading():
            rows = self.scan(checked=checked)
            known = rows.collect_schema().names()
            named = {name: value for name, value in self.partition.items() if name in columns and name not in known}
            rows = rows.with_columns(pl.lit(value, pl.String).alias(name) for name, value in named.items())
            chunk = None
            for chunk in iter_chunks(rows.slice(offset, length)):
                yield chunk
            if chunk is None:
                yield collect(rows.head(0))

    def count(self) -> int:
        """The number of rows, without reading them where the format records it. Raises FactoryError."""
        with self._reading():
            return height(self.scan(checked=True))

    @property
    def is_sliceable(self) -> bool:
        """Whether some of the rows can be read without those before them."""
        return suffix(self._file) == ".parquet"

    @property
    def _file(self) -> str:
        return PurePath(urlsplit(self.place).path).name

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with reading(self), _reaching(self.place):
            yield


def find(place: str) -> list[Source]:
    """The tables there, sorted by name. Raises FactoryError where there is none, or a file is not a table."""
    if place.startswith("file://"):
        place = unquote(urlsplit(place).path)
    if URL.match(place):
        found = _at_url(place)
    elif Path(place).is_dir():
        found = list(_below(Path(place), [Path(place)]))
    elif Path(place).exists() or not WILDCARD.search(place):
        found = [Source(place, Path(place).name)]
    else:
        root = _fixed(place)
        found = list(_below(Path(root), Path(root).glob(place.removeprefix(root).lstrip("/"))))
    if not found:
        raise FactoryError(f"{without_secrets(place)}: no table there")
    return sorted(found, key=lambda source: source.name)


def below(folder: Path) -> list[Source]:
    """The tables in a folder and its folders, sorted by name; other files are left out, with a warning."""
    files = [*_files(folder, [folder])]
    if others := [source.name for source in files if not suffix(source.name)]:
        logging.getLogger(__name__).warning("%s: left out, as not a table: %s", folder, listed(others, FEW))
    return sorted((source for source in files if suffix(source.name)), key=lambda source: source.name)


def partition(place: str) -> dict[str, str | None]:
    """Columns that are in the names of the folders, as Hive and Spark write them: `day=2026-11-27`."""
    pairs = (part.partition("=") for part in re.split(r"[/\\]", place)[:-1])
    return {unquote(key): None if value == NO_VALUE else unquote(value) for key, equals, value in pairs if equals}


def without_secrets(text: str) -> str:
    """The text, of whose URLs user, password and query are left out: reports and issues have many readers."""
    return re.sub(r"(://[^\s?#]*)[?#]\S*", r"\1", re.sub(r"://[^/\s]*@", "://", text))


def _below(root: Path, places: Iterable[Path]) -> Iterator[Source]:
    """The tables among the files, and in the folders. Raises FactoryError where a file is none."""
    for source in _files(root, places):
        if not suffix(source.name):
            raise FactoryError(f"{unsupported(root / source.name)}; a glob such as '{root}/**/*.parquet' leaves it out")
        yield source


def _files(root: Path, places: Iterable[Path]) -> Iterator[Source]:
    """The files that may hold data. Raises FactoryError of a table whose files do not count alone."""
    for file in {file for place in places for file in (place.rglob("*") if place.is_dir() else [place])}:
        name = file.relative_to(root)
        if name.parts[-2:-1] == (DELTA,):
            raise FactoryError(
                f"{root}: a Delta table, whose log says which of the files count: export it as Parquet first"
            )
        if file.is_file() and not name.parts[-1].endswith(".crc") and not any(map(is_ignored, name.parts)):
            yield Source(str(file), name.as_posix())


def _fixed(place: str) -> str:
    """The folder before the first wildcard."""
    return re.split(r"[/\\]?[^/\\]*[*?\[]", place, maxsplit=1)[0] or ("/" if place.startswith("/") else ".")


def _at_url(url: str) -> list[Source]:
    web = url.startswith(("http://", "https://"))
    if web or (suffix(url) and not WILDCARD.search(url)):
        return [Source(url, PurePath(urlsplit(url).path).name)]
    root = _fixed(url).rstrip("/")
    patterns = [url] if suffix(url) else [f"{url.rstrip('/')}/**/*{each}" for each in REMOTE]
    names = (name for pattern in patterns for name in _listed(pattern))
    found = [Source(name, name.removeprefix(root).lstrip("/")) for name in names]
    return [source for source in found if not any(map(is_ignored, source.name.split("/")))]


def _listed(pattern: str) -> list[str]:
    """The files with rows at a pattern of URLs: polars lists those of which it can read something. Raises FactoryError."""
    try:
        with reading(without_secrets(pattern)), _reaching(pattern):
            rows = (
                pl.scan_parquet(
                    pattern,
                    include_file_paths=FILE,
                    hidden_file_prefix=[*IGNORED],
                    hive_partitioning=False,
                    missing_columns="insert",
                    extra_columns="ignore",
                )
                if suffix(pattern) == ".parquet"
                else pl.scan_lines(pattern, include_file_paths=FILE)
            )
            return collect(rows.select(pl.col(FILE).unique()))[FILE].to_list()
    except FactoryError as error:
        if "expanded paths were empty" in str(error):
            return []
        raise


@contextmanager
def _reaching(place: str) -> Iterator[None]:
    """Turn an error of the storage into one line."""
    try:
        yield
    except OSError as error:
        reason = str(error.strerror or error).partition("\n")[0]
        raise FactoryError(without_secrets(f"{place}: cannot be read: {reason[:300]}")) from error
