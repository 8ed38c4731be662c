"""Queries of PostgreSQL, SQLite and DuckDB as deliveries: read as they are, recorded, and unable to change anything."""

import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from late_flights.factory import config, tables
from late_flights.factory.data import databases, ledger, prepare, query
from late_flights.factory.errors import FactoryError
from late_flights.factory.paths import RAW
from tests.factory.cli_runner import refused, run

from machinery.data import postgres

TABLE = "CREATE TABLE orders AS SELECT 1 AS id, 'a' AS kind UNION ALL SELECT 2, 'b';"
POSTGRES = f"""{TABLE}
CREATE TABLE toy AS SELECT 'k' || g AS key, 'x' AS note FROM generate_series(1, 3) AS g;
CREATE DATABASE old ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;
CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0;
"""
SLOW = {
    "postgresql": "SELECT pg_sleep(60)",
    "sqlite": "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT max(x) AS x FROM n",
    "duckdb": "SELECT sum(a.range * b.range) AS x FROM range(10000000) AS a, range(10000000) AS b",
}
TYPES = {
    "true": True,
    "1::int2": 1,
    "3000000000": 3_000_000_000,
    "1.5::float8": 1.5,
    "'infinity'::float8": float("inf"),
    "12345678901234567890.50": "12345678901234567890.50",
    "'NaN'::numeric": "NaN",
    "'é'::char(3)": "é",
    """'{"a": 1}'::jsonb""": '{"a": 1}',
    "'c58dae34-12e4-4f99-8c63-817bd1cf7698'::uuid": "c58dae34-12e4-4f99-8c63-817bd1cf7698",
    "ARRAY['a', NULL]": "{a,NULL}",
    "interval '1 day 02:00'": "1 day 02:00:00",
    "'10.0.0.1'::inet": "10.0.0.1/32",
    "'12.5'::money": "$12.50",
    "ROW(1, 2)": "(1,2)",
    "NULL": None,
    "date '2024-02-29'": date(2024, 2, 29),
    "timestamp '2024-02-29 10:00'": datetime(2024, 2, 29, 10),
    "timestamptz '2024-02-29 10:00+02'": datetime(2024, 2, 29, 8, tzinfo=UTC),
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if not postgres.programs():
        pytest.skip("needs Debian's package postgresql")
    with postgres.running(POSTGRES) as url:
        yield url


@pytest.fixture(params=["postgresql", "sqlite", "duckdb"])
def url(request, tmp_path, monkeypatch) -> str:
    """A database of each kind with a table of two orders."""
    monkeypatch.setenv("PGPASSWORD", postgres.PASSWORD)
    if request.param == "postgresql":
        return request.getfixturevalue("server")
    file = tmp_path / f"shop.{request.param}"
    connection = (sqlite3 if request.param == "sqlite" else duckdb).connect(file)
    connection.execute(TABLE)
    connection.commit()
    connection.close()
    return f"{request.param}:///{file}"


@pytest.fixture
def written(tmp_path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "orders.sql"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def rows(file: Path, url: str) -> pl.DataFrame:
    with query.fetched(file, url) as table:
        return tables.read(table)


def problem(file: Path, url: str) -> str:
    with pytest.raises(FactoryError) as error:
        rows(file, url)
    (line,) = str(error.value).splitlines()
    return line.removeprefix(f"{file}: ")


def test_rows_and_record(written, url):
    text = '-- of the shop; all of it\nSELECT id, kind, \';--\' AS "x""y" FROM orders ORDER BY id'
    with query.fetched(written(f"{text}; -- the end\n;"), url) as table:
        assert tables.read(table).rows() == [(1, "a", ";--"), (2, "b", ";--")]
        assert tables.read(table).columns == ["id", "kind", 'x"y']
        assert table.name.startswith("orders-20") and table.suffix == ".parquet"
        record = pl.read_parquet_metadata(table)
        assert record[query.QUERY] == text
        assert abs(datetime.now(UTC) - datetime.fromisoformat(record[query.TIME])).seconds < 60
        product = {"postgresql": "PostgreSQL", "sqlite": "SQLite", "duckdb": "DuckDB"}[url.partition(":")[0]]
        assert product in record[query.SERVER] and url.rpartition("/")[2] in record[query.SERVER]
        assert "orders.sql" in f"{query.source(table)}" and record[query.SERVER] in f"{query.source(table)}"
        assert postgres.PASSWORD.encode() not in table.read_bytes() and f"{postgres.USER}@".encode() not in table.read_bytes()
    assert not table.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT id FROM orders;\n\nDELETE FROM orders", "line 1: a second statement follows"),
        ("DELETE FROM orders", "begins with DELETE: only a query that reads is run"),
        ("COPY orders TO '/tmp/orders'", "begins with COPY"),
        (" -- nothing\n;", "holds no query"),
        ("SELECT id FROM orders WHERE id > 2", "returns no rows"),
        ("SELECT id, kind AS id FROM orders", "two columns are named id: name them with AS"),
        ("SELECT nothing FROM orders", "nothing"),
        ("SELECT id, FROM WHERE", "syntax error"),
    ],
)
def test_refusals(written, url, text, reason):
    assert reason in problem(written(text), url)


def test_nothing_is_changed(written, url):
    problem(written("WITH gone AS (DELETE FROM orders RETURNING id) SELECT id FROM gone"), url)
    with databases.opened(url) as database, pytest.raises(databases.errors()):
        tables.sink(database.read("INSERT INTO orders VALUES (3, 'c') RETURNING id"), Path("never.parquet"))
    assert rows(written("TABLE orders" if "sqlite" not in url else "SELECT * FROM orders"), url).height == 2


def test_failure_between_the_rows(written, server, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", postgres.PASSWORD)
    text = "SELECT 1 / (150000 - g) AS x FROM generate_series(1, 200000) AS g"
    assert problem(written(text), server).endswith("postgres: division by zero")


def test_interrupted_query_ends(written, url, monkeypatch):
    def interrupt(*_: object) -> None:
        time.sleep(0.7)
        raise KeyboardInterrupt

    monkeypatch.setattr(query, "_wait", interrupt)
    start, threads = time.monotonic(), threading.active_count()
    with pytest.raises(KeyboardInterrupt), query.fetched(written(SLOW[url.partition(":")[0]]), url):
        pass
    assert time.monotonic() - start < 20 and threading.active_count() <= threads


def test_types_of_postgresql(written, server, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", postgres.PASSWORD)
    columns = ", ".join(f"{value} AS c{number}" for number, value in enumerate(TYPES))
    assert rows(written(f"SELECT {columns}"), server).row(0) == tuple(TYPES.values())
    for kind in ("date", "timestamp", "timestamptz"):
        text = f"SELECT * FROM (VALUES (1, now()::{kind}), (2, '-infinity')) AS t (id, until)"
        assert problem(written(text), server) == (
            "until: beyond the year 9999 in 1 of 2 rows: write NULLIF(until, 'infinity') in the query"
        )


def test_texts_of_other_encodings(written, server, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", postgres.PASSWORD)
    assert rows(written("SELECT chr(233) AS c"), server.replace("/postgres", "/old")).item() == "é"
    assert "0xe9" in problem(written("SELECT E'\\xe9' AS c"), server.replace("/postgres", "/bytes"))


def test_sqlite_values_of_several_types(written, tmp_path):
    file = tmp_path / "mixed.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE t (a, b, c, d)")
        values = [(n, n / 2 if n % 2 else n, "late" if n == 60_001 else None, b"\xff" if n else "x") for n in range(60_002)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", values)
    found = rows(written("SELECT *, NULL AS e FROM t"), f"sqlite://{file}")
    assert found.dtypes == [pl.Int64, pl.Float64, pl.String, pl.String, pl.String]
    assert found["c"].drop_nulls().to_list() == ["late"] and found["d"].head(2).to_list() == ["x", "FF"]
    assert found["a"].sum() == sum(range(60_002)) and found["b"][3] == 1.5


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://shop", "the address of a database begins with postgresql://, sqlite:// or duckdb://"),
        ("sqlite:///nowhere.db", "nowhere.db: no such database"),
        ("postgresql://zoe:geheim@127.0.0.1:1/shop?connect_timeout=1&password=geheim", "refused"),
        *(
            (
                f"postgresql://zoe:{word}@127.0.0.1:1/shop",
                "in the address write /, ?, #, @, % and blanks of names and passwords as %2F",
            )
            for word in ("ge/heim", "ge#heim", "ge?heim", "ge@heim", "1%zzheim", "ge heim", "12/heim", "ge[heim/")
        ),
        ("postgresql://zoe:ge%2Fheim@127.0.0.1:1/shop?connect_timeout=1", "refused"),
    ],
)
def test_unreachable_databases(written, url, reason):
    line = problem(written("SELECT 1 AS a"), url)
    assert reason in line and "geheim" not in line and "heim" not in line


def test_wrong_password(written, server, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "wrong")
    assert 'password authentication failed for user "reader"' in problem(written("SELECT 1 AS a"), server)


ROWS = """SELECT 'k' || g AS key, timestamp '2020-01-01' + g * interval '1 hour' AS seen, '{kind}' AS kind,
  (g * 1.25)::numeric(5, 2) AS amount, NULLIF(g % 10, 0) AS gap, g % 2 = 0 AS answer FROM generate_series(1, 50) AS g"""


def test_delivery_from_a_query(project, written, server, monkeypatch):
    """The password is in .pgpass alone, and the address in the environment."""
    Path("pgpass").write_text(f"127.0.0.1:*:*:{postgres.USER}:{postgres.PASSWORD}\n")
    Path("pgpass").chmod(0o600)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", "pgpass")
    monkeypatch.setenv("FACTORY_DATABASE", server)
    assert run("ingest", "--query", written(ROWS.format(kind="red"))).exit_code == 0
    (entry,) = ledger.entries()
    assert entry.source.startswith("orders.sql of PostgreSQL ") and server.rpartition("@")[2] in entry.source
    assert entry.rows == "50" and prepare.load(entry, config.load(), Path("typed")).collect()["amount"].sum() == 1593.75
    file = written(ROWS.format(kind="violet"))
    line = refused("ingest", "--query", file)
    assert line.startswith("orders-20") and "kind: not one of red, green, blue, 50 of 50 rows" in line
    assert line.endswith(f"; see `factory contract --query {file}`")
    assert "new value 'violet' in 50 of 50 rows" in run("contract", "--query", file).output
    assert len(ledger.entries()) == 1 and sorted(each.name for each in RAW.iterdir()) == [entry.file, f"{entry.file}.dvc"]


def test_wrong_calls(project, written, monkeypatch):
    monkeypatch.delenv("FACTORY_DATABASE", raising=False)
    file = written("SELECT 1 AS a")
    for words in (["ingest", "--query", file], ["contract", "--query", file]):
        assert "--from URL is missing, and FACTORY_DATABASE is not set" in run(*words).stderr
    for words in (["ingest"], ["ingest", "--query", file, "rows.csv"], ["ingest", "--query", file, "--inbox"], ["contract"]):
        assert run(*words).exit_code == 2


def test_driver_that_is_not_installed(project, written, monkeypatch):
    for name, url in (("adbc_driver_postgresql", "postgresql://x"), ("duckdb", f"duckdb:///{__file__}")):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, f"{name}.dbapi", raising=False)
        line = refused("ingest", "--query", written("SELECT 1 AS a"), "--from", url)
        assert line.startswith(name) and line.endswith(" is not installed: run `uv sync --group factory-sql`")
