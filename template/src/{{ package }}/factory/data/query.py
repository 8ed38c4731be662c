"""A query of a database as a delivery: its rows in a Parquet file, which records the query, the time and the server."""

import logging
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from .. import tables
from ..errors import FactoryError
from . import databases
from .databases import Database

TOKEN = re.compile(
    r"""(?P<comment>\s+|--[^\n]*|/\*.*?\*/)|(?P<end>;)|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|"""
    r"""(?P<quote>\$\w*\$).*?(?P=quote)|\w+|.""",
    re.DOTALL,
)
READS = re.compile(r"(select|with|values|table|from)\b|\(", re.IGNORECASE)
SOURCE, QUERY, TIME, SERVER = (f"factory.query.{name}" for name in ("source", "text", "time", "server"))
"""What the metadata of the Parquet file holds."""
PROGRESS_SECONDS = 15
LATEST = {pl.Date: 2_932_896, "ms": 253_402_300_799_999, "us": 253_402_300_799_999_999, "ns": 2**63 - 2}
"""The last day and moment of the year 9999, as numbers."""


@dataclass(frozen=True)
class Query:
    """One statement, and the file that holds it."""

    file: Path
    text: str

    @classmethod
    def of(cls, file: Path) -> "Query":
        """The query in the file. Raises FactoryError where it is not a single one that reads."""
        try:
            text = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise FactoryError(f"{file}: not UTF-8: save it as that") from error
        tokens = [match for match in TOKEN.finditer(text) if not match["comment"]]
        while tokens and tokens[-1]["end"]:
            tokens.pop()
        if not tokens:
            raise FactoryError(f"{file}: holds no query")
        if end := next((token for token in tokens if token["end"]), None):
            line = text.count("\n", 0, end.end()) + 1
            raise FactoryError(f"{file}: line {line}: a second statement follows: leave one query")
        if not READS.match(text, tokens[0].start()):
            raise FactoryError(f"{file}: begins with {tokens[0][0]}: only a query that reads is run, such as SELECT")
        return cls(file, text[: tokens[-1].end()])


@contextmanager
def fetched(file: Path, url: str) -> Iterator[Path]:
    """The rows of the query as a new Parquet file, which is there until the block ends. Raises FactoryError."""
    query, time = Query.of(file), datetime.now(UTC)
    with TemporaryDirectory() as folder:
        table = Path(folder, f"{file.stem}-{time:%Y%m%dT%H%M%S-%f}.parquet")
        with _explained(query, url), databases.opened(url) as database:
            server = f"{database.server} at {address(url)}"
            source = f"{file.name} of {server}, {time:%Y-%m-%d %H:%M:%S} UTC"
            record = {SOURCE: source, QUERY: query.text, TIME: time.isoformat(), SERVER: server}
            _in_thread(database, query, table, record)
        _check(query, table)
        yield table


def address(url: str) -> str:
    """The URL without user, password and options."""
    return re.sub(r"://.*@", "://", url, flags=re.DOTALL).partition("?")[0]


def source(file: Path) -> str | None:
    """Where the rows of a Parquet file come from, if they are of a query."""
    return pl.read_parquet_metadata(file).get(SOURCE) if tables.suffix(file) == ".parquet" else None


def _in_thread(database: Database, query: Query, table: Path, record: dict[str, str]) -> None:
    """Write the rows. Drivers hold signals back while they wait: an interrupted query is cancelled from here."""

    def write() -> None:
        tables.sink(database.read(query.text), table, record)

    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write)
        try:
            _wait(written, query, table)
        except BaseException:
            while not written.done():  # it may have been between two queries
                database.cancel()
                wait([written], 0.2)
            raise


def _wait(written: Future[None], query: Query, table: Path) -> None:
    while not written.done():
        wait([written], PROGRESS_SECONDS)
        if not written.done():
            size = table.stat().st_size / 1e6 if table.exists() else 0
            logging.getLogger(__name__).warning("%s: running, %.0f MB so far", query.file, size)
    written.result()


@contextmanager
def _explained(query: Query, url: str) -> Iterator[None]:
    """Turn an error of the database into one line."""
    try:
        yield
    except FactoryError as error:
        raise FactoryError(f"{query.file}: {error}") from error
    except databases.errors() as error:
        text = re.split(r"\n\s*\n(?!LINE)|Query was:", str(error))[0]
        reason = " ".join(re.sub(r".*ERROR: |^\w+: \[libpq\] |\^\s*$", "", text, flags=re.DOTALL).split())
        raise FactoryError(f"{query.file}: {address(url)}: {reason.replace(url, address(url))}") from error


def _check(query: Query, table: Path) -> None:
    """Refuse a result without rows, or with times beyond the calendar, such as PostgreSQL's infinity."""
    rows = pl.scan_parquet(table)
    if not tables.count(table):
        raise FactoryError(f"{query.file}: returns no rows")
    for name, dtype in rows.collect_schema().items():
        if latest := LATEST.get(getattr(dtype, "time_unit", dtype.base_type())) if dtype.is_temporal() else None:
            beyond = rows.filter(pl.col(name).to_physical().abs() > latest).select(pl.len()).collect().item()
            if beyond:
                raise FactoryError(
                    f"{query.file}: {name}: beyond the year 9999 in {beyond:,} of {tables.count(table):,} rows: "
                    f"write NULLIF({name}, 'infinity') in the query"
                )
