"""Which tables a file, a folder, a glob or a URL names, in which order, and what is left out."""

from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.tables import sources

ROWS = pl.DataFrame({"a": ["1", "2"]})


@pytest.fixture(autouse=True)
def inbox(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("day=1/part-1.parquet", "day=2/part-0.parquet", "a.csv", "b.csv.gz", "c/d.jsonl"):
        write(f"in/{name}")
    for name in ("_SUCCESS", ".a.csv.crc", "a.csv.crc", "._a.csv", "~$b.xlsx", "_temporary/0/x.parquet", ".hidden/x.csv"):
        write(f"in/{name}")


def write(name):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    ROWS.write_parquet(name) if name.endswith("parquet") else ROWS.write_csv(name, check_extension=False)


def names(place):
    return [source.name for source in sources.find(place)]


FOUND = {
    "in": ["a.csv", "b.csv.gz", "c/d.jsonl", "day=1/part-1.parquet", "day=2/part-0.parquet"],
    "in/day=1": ["part-1.parquet"],
    "in/a.csv": ["a.csv"],
    "in/_temporary/0/x.parquet": ["x.parquet"],
    "in/**/*.parquet": ["day=1/part-1.parquet", "day=2/part-0.parquet"],
    "in/day=*": ["day=1/part-1.parquet", "day=2/part-0.parquet"],
    "in/day=?/part-0.parquet": ["day=2/part-0.parquet"],
    "[i]n/a*": ["in/a.csv"],
}


@pytest.mark.parametrize("place", FOUND)
def test_tables_are_found_by_name_and_what_is_no_data_is_left_out(place):
    assert names(place) == FOUND[place]
    absolute = [source.name for source in sources.find(str(Path(place).absolute()))] if "[" not in place else FOUND[place]
    assert absolute == FOUND[place]


def test_a_file_url_is_a_file():
    (found,) = sources.find(Path("in/a.csv").absolute().as_uri())
    assert found.count() == 2 and next(found.batches()).equals(ROWS)


def test_a_name_with_a_wildcard_that_is_there_is_that_file():
    write("a[1].csv")
    assert names("a[1].csv") == ["a[1].csv"]


REFUSED = {
    "nowhere.csv": "nowhere.csv: no such file",
    "none/*.csv": "none/*.csv: no table there",
    "in/_temporary/0/*.csv": "no table there",
    "odd": "odd/notes.txt: unsupported file type",
}


@pytest.mark.parametrize("place", REFUSED)
def test_what_cannot_be_read_is_named(place):
    write("odd/notes.txt")
    with pytest.raises(errors.FactoryError) as error:
        [source.count() for source in sources.find(place)]
    assert REFUSED[place] in str(error.value) and "\n" not in str(error.value)


def test_columns_in_the_names_of_folders_are_added_where_they_are_wanted():
    write("in/day=2026-11-27/kind=a%2Fb/hour=__HIVE_DEFAULT_PARTITION__/x.csv")
    (found,) = sources.find("in/day=2026-11-27")
    (rows,) = found.batches(["kind", "hour", "a"])
    assert rows.rows(named=True) == [{"a": "1", "kind": "a/b", "hour": None}, {"a": "2", "kind": "a/b", "hour": None}]
    (rows,) = found.batches(["day"], offset=1, length=1)
    assert rows.rows() == [("2", "2026-11-27")]


def test_a_table_without_rows_has_one_chunk():
    ROWS.clear().write_csv("empty.csv")
    (found,) = sources.find("empty.csv")
    assert [rows.shape for rows in found.batches()] == [(0, 1)]


def test_a_storage_that_cannot_be_reached_is_named_without_secrets(monkeypatch):
    (found,) = sources.find("https://user:key@127.0.0.1:1/rows.xlsx?sig=secret")
    with pytest.raises(errors.FactoryError, match=r"^https://127.0.0.1:1/rows.xlsx: from a URL only .parquet, ") as error:
        found.count()
    assert "key" not in str(error.value) and "secret" not in str(error.value)
