"""Databases that a query is read from: PostgreSQL, SQLite and DuckDB, opened so that nothing can be written.

Each gives the rows of a query as a lazy frame that streams them. Types that a table has no like of, such as numeric, uuid,
interval, json and arrays, are read as the text that the database writes for them. Integers beside other numbers in a column of SQLite are
floats, of which 53 bits are exact.
"""

import os
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

import polars as pl
from polars import selectors
from polars.io.plugins import register_io_source

from ..errors import FactoryError

CHUNK = 50_000  # rows
POSTGRES = re.compile("bool|char|date|float[48]|int[248]|name|text|time|timestamp|timestamptz|varchar")
DUCKDB = re.compile(
    "BOOLEAN|U?(TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE|VARCHAR|DATE|TIME|TIMESTAMP( WITH TIME ZONE)?"
)
"""Types that are read as they are."""
SQLITE = {
    frozenset({"integer"}): pl.Int64,
    frozenset({"real"}): pl.Float64,
    frozenset({"integer", "real"}): pl.Float64,
}
CONNECT_SECONDS = "15"
UNESCAPED = re.compile(r"[^/?#]*[/?#].*@|.*@.*@|.*%(?![0-9a-f]{2})|.*\s", re.IGNORECASE | re.DOTALL)
"""Of an address, what libpq would divide within a password, and name a part of it in its message."""


class Database(Protocol):
    """One connection."""

    server: str
    """Product and version."""

    def cancel(self) -> None:
        """End the query that runs, from another thread."""

    def read(self, query: str) -> pl.LazyFrame:
        """The rows of the query. Raises the driver's error, or FactoryError where columns have the same name."""


class Postgres:
    """By ADBC, which copies the rows in binary; libpq finds passwords in ~/.pgpass and PGPASSWORD."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        for setting in ("SET TRANSACTION READ ONLY", "SET client_encoding TO 'UTF8'"):
            self._cursor.execute(setting)
        self._cursor.execute("SELECT current_setting('server_version')")
        version = pl.DataFrame(self._cursor.fetch_arrow()).item()
        self.server = f"PostgreSQL {version.partition(' ')[0]}"

    def cancel(self) -> None:
        self._cursor.adbc_cancel()

    def read(self, query: str) -> pl.LazyFrame:
        import nanoarrow

        statement = self._cursor.adbc_statement
        statement.set_sql_query(query)
        statement.prepare()
        columns = nanoarrow.c_schema(statement.execute_schema()).children
        types = [(column.name, column.metadata[b"POSTGRESQL:type"].decode()) for column in columns]
        self._cursor.execute(_with_texts(query, types, POSTGRES))
        return pl.scan_arrow_c_stream(self._cursor.fetch_arrow())


class DuckDB:
    """By its own library."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.server = f"DuckDB {connection.sql('SELECT version()').fetchall()[0][0].removeprefix('v')}"

    def cancel(self) -> None:
        self._connection.interrupt()

    def read(self, query: str) -> pl.LazyFrame:
        relation = self._connection.sql(query)
        types = [(name, str(type)) for name, type in zip(relation.columns, relation.types, strict=True)]
        rows = pl.scan_arrow_c_stream(self._connection.sql(_with_texts(query, types, DUCKDB)))
        return rows.with_columns(selectors.datetime(time_zone="*").dt.convert_time_zone("UTC"))  # not the machine's


class SQLite:
    """By Python's own library. The values of a column may differ in type, so that a first pass looks at all of them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.server = f"SQLite {sqlite3.sqlite_version}"

    def cancel(self) -> None:
        self._connection.interrupt()

    def read(self, query: str) -> pl.LazyFrame:
        self._connection.execute("BEGIN")  # both passes see the same rows
        names = [column[0] for column in self._connection.execute(query).description]
        _check_unique(names)
        kinds = ", ".join(f"group_concat(DISTINCT typeof({_quoted(name)}))" for name in names)
        found = self._connection.execute(f"SELECT {kinds} FROM (\n{query}\n)").fetchone()
        schema = {
            name: SQLITE.get(frozenset((each or "").split(",")) - {"null"}, pl.String)
            for name, each in zip(names, found, strict=True)
        }
        columns = ", ".join(map(_as_text_or_number, schema, schema.values()))
        rows = self._connection.execute(f"SELECT {columns} FROM (\n{query}\n)")
        return _streamed(rows, schema)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The database at the URL. Raises FactoryError where there is none of these kinds, or no such file."""
    kind, _, address = url.partition("://")
    if kind in ("postgresql", "postgres"):
        import adbc_driver_postgresql.dbapi as postgres

        if UNESCAPED.match(address):
            raise FactoryError(
                "in the address write /, ?, #, @, % and blanks of names and passwords as %2F, %3F, %23, %40, %25 and %20"
            )
        os.environ.setdefault("PGCONNECT_TIMEOUT", CONNECT_SECONDS)
        with closing(postgres.connect(url)) as connection, closing(connection.cursor()) as cursor:
            yield Postgres(cursor)
    elif kind == "sqlite":
        file = f"{_file(url).resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(file, uri=True, check_same_thread=False, isolation_level=None)) as connection:
            yield SQLite(connection)
    elif kind == "duckdb":
        import duckdb

        with closing(duckdb.connect(_file(url), read_only=True)) as connection:
            yield DuckDB(connection)
    else:
        raise FactoryError(
            "the address of a database begins with postgresql://, sqlite:// or duckdb://, "
            "such as postgresql://user@host/shop or sqlite:///shop.db"
        )


def errors() -> tuple[type[Exception], ...]:
    """What the drivers that are installed raise."""
    found: list[type[Exception]] = [sqlite3.Error, pl.exceptions.ComputeError]
    with suppress(ImportError):
        from adbc_driver_manager import Error

        found.append(Error)
    with suppress(ImportError):
        import duckdb

        found.append(duckdb.Error)
    return tuple(found)


def _file(url: str) -> Path:
    """The file of `sqlite:///shop.db`, or of an absolute path after two or three slashes."""
    path = unquote(url.partition("://")[2])
    file = next((each for each in (path.removeprefix("/"), path) if Path(each).is_file()), None)
    if file is None:
        raise FactoryError(f"{path.removeprefix('/')}: no such database")
    return Path(file)


def _with_texts(query: str, types: list[tuple[str, str]], known: re.Pattern[str]) -> str:
    """The query, with columns of other types as texts."""
    _check_unique([name for name, _ in types])
    if all(known.fullmatch(type) for _, type in types):
        return query
    columns = ", ".join(
        _quoted(name) if known.fullmatch(type) else f"CAST({_quoted(name)} AS VARCHAR) AS {_quoted(name)}"
        for name, type in types
    )
    return f"SELECT {columns} FROM (\n{query}\n) AS query"


def _as_text_or_number(name: str, kind: type[pl.DataType]) -> str:
    quoted = _quoted(name)
    text = f"CASE typeof({quoted}) WHEN 'blob' THEN hex({quoted}) ELSE CAST({quoted} AS TEXT) END"
    return f"{text} AS {quoted}" if kind == pl.String else quoted


def _streamed(rows: sqlite3.Cursor, schema: Mapping[str, type[pl.DataType]]) -> pl.LazyFrame:
    """The rows, to be read once, as a whole: filters and limits are of no use to a cursor."""

    def chunks(columns: list[str] | None, predicate: object, limit: int | None, size: int | None) -> Any:
        while chunk := rows.fetchmany(CHUNK):
            yield pl.DataFrame(chunk, schema=schema, orient="row").select(columns or pl.all())

    return register_io_source(chunks, schema=dict(schema))


def _check_unique(names: list[str]) -> None:
    if not names:
        raise FactoryError("returns no columns: only a query that reads is run")
    if twice := next((name for name, times in Counter(names).items() if times > 1), None):
        raise FactoryError(f"two columns are named {twice}: name them with AS")


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
