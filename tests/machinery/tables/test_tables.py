"""Files: what can be read whole is, and what cannot is refused with a reason."""

import polars as pl
import pytest
from late_flights.factory import errors, tables
from late_flights.factory.tables import csv, layout

DAMAGED_CSV = {
    "empty": (b"", "no header"),
    "header only": (b"a,b\n", "no rows"),
    "truncated in mid-line": (b"a,b\n1,2\n3,", "the last line has no newline"),
    "truncated last line": (b"a,b\n1,2\n3\n", "line 3 has 1 fields, the header has 2"),
    "more fields than columns": (b"a,b\n1,2,3\n", "line 2 has 3 fields, the header has 2"),
    "fewer fields than columns": (b"a,b\n1,2\n3\n4,5\n", "line 3 has 1 fields, the header has 2"),
    "empty line": (b"a,b\n1,2\n\n4,5\n", "line 3 has 0 fields"),
    "open quote": (b'a,b\n1,"2\n', "line 2: unexpected end of data"),
    "Latin-1 in the header": ("ä,b\n1,2\n".encode("latin-1"), "not UTF-8"),
    "Latin-1 in a row": ("a,b\n1,2\n1,ä\n".encode("latin-1"), "line 3 is not UTF-8: convert it first, such as with `iconv"),
    "half of UTF-16": ("a,b\n1,2\n".encode("utf-16")[:-1], "not UTF-16: truncated data"),
    "empty name": (b"a,,c\n1,2,3\n", "column 2 has no name"),
    "last of two without a name": (b"a,\n1,2\n", "column 2 has no name"),
    "quote within a field": (b'a,b\n1,2\n3,5" pipe\n6," x"\n', "line 3: quote inside a field"),
    "text behind a quote": (b'a,b\n1,"2"x\n', "line 2: ',' expected after"),
    "empty line in one column": (b"a\n1\n\n2\n", "line 3 has 0 fields"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\n", "binary file"),
    "a page": (b"\n<!DOCTYPE html>\n<p>1,2\n", "HTML or XML, not a table"),
    "zeros in a row": (b"a,b\n1,2\n\0\0,\0\n", "binary file"),
}


@pytest.mark.parametrize("content, message", DAMAGED_CSV.values(), ids=DAMAGED_CSV)
def test_damaged_csv_is_refused(tmp_path, content, message):
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(errors.FactoryError, match=message) as error:
        tables.read(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def test_bom_and_crlf_are_read(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n1,\r\n")
    assert tables.read(path).rows(named=True) == [{"a": "1", "b": None}]


@pytest.mark.parametrize("block", [1, 5, 1 << 22])
def test_lost_field_is_found_wherever_a_block_ends(monkeypatch, tmp_path, block):
    monkeypatch.setattr(csv, "BLOCK", block)
    path = tmp_path / "rows.csv"
    good = '\ufeff"a",b\n"x, ""y""\n",2\nä,"4"\n' + "5,6\n" * 9
    path.write_text(good, encoding="utf-8")
    assert tables.read(path)["a"][0] == 'x, "y"\n'
    path.write_text(good + '"7\n"\n' + "5,6\n", encoding="utf-8")
    with pytest.raises(errors.FactoryError, match="line 15 has 1 fields, the header has 2"):
        tables.read(path)


@pytest.mark.parametrize("delimiter", layout.DELIMITERS)
def test_delimiter_is_that_of_the_header(tmp_path, delimiter):
    path = tmp_path / "rows.csv"
    path.write_text(f'a{delimiter}"b,;|"\n1{delimiter}"2,5"\n', encoding="utf-8")
    assert tables.read(path).rows(named=True) == [{"a": "1", "b,;|": "2,5"}]


@pytest.mark.parametrize("keep", [0, 4, 200, -1])
def test_truncated_parquet_is_refused(tmp_path, keep):
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": range(1000)}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(errors.FactoryError, match="damaged, or not a table"):
        tables.read(path)


def test_parquet_with_a_damaged_page_is_refused(tmp_path):
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": range(1000)}).write_parquet(path)
    content = bytearray(path.read_bytes())
    content[4:60] = b"\xff" * 56
    path.write_bytes(content)
    with pytest.raises(errors.FactoryError, match="damaged, or not a table"):
        tables.read(path)


def test_parquet_without_rows_is_refused(tmp_path):
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": []}).write_parquet(path)
    with pytest.raises(errors.FactoryError, match="no rows"):
        tables.read(path)


@pytest.mark.parametrize(
    "name, message",
    [
        ("gone.csv", "no such file"),
        ("rows.doc", "unsupported file type"),
        (".", "unsupported file type"),
        ("d.csv", "is a folder"),
    ],
)
def test_other_files_are_refused(tmp_path, name, message):
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(errors.FactoryError, match=message):
        tables.read(tmp_path / name)


@pytest.mark.parametrize("suffix", tables.WRITTEN)
def test_file_name_is_no_pattern(tmp_path, suffix):
    path = tmp_path / f"[ab]*{suffix}"
    tables.sink(pl.LazyFrame({"a": [1, 2]}), path)
    assert tables.count(path) == 2
    with pytest.raises(errors.FactoryError, match="no such file"):
        tables.count(tmp_path / f"*{suffix}")


def test_private_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "rows.parquet"
    with pytest.raises(ZeroDivisionError), tables.private(path) as file:
        file.write_text("half")
        raise ZeroDivisionError
    assert not any(tmp_path.iterdir())
    with tables.private(path) as file:
        file.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole" and path.stat().st_mode & 0o777 == 0o600 and [*tmp_path.iterdir()] == [path]
