"""Tables without some of their rows: the others stay as they are."""

import gzip
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from late_flights.factory import errors, tables

from machinery.tables import excel_files

CSV = ["\ufeffid;note\r\n", '1;"a ""b""\n;c"\r\n', '2;"x\n"\r\n', '3;" 007 "\n', "4;\n"]
LINES = ['\ufeff {"id": 1, "note": "a\\n"}\n', '{"note":1.50,"id":2}\r\n', '{"id": 3}\n', '{"id":4, "note": null}']
FIRST_AND_THIRD = pl.Series([True, False, True, False])


def write(path, content):
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside/rows.csv", content)
    else:
        path.write_bytes(content)


def read(path):
    content = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(content).decode()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return archive.read("inside/rows.csv").decode()
    return content.decode()


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.csv.zip", "a.jsonl", "a.ndjson.gz"])
def test_text_stays_byte_by_byte(tmp_path, name):
    lines = CSV if ".csv" in name or ".tsv" in name else LINES
    header = len(lines) - 4
    kept = [*lines[:header], lines[header + 1], lines[header + 3]]
    old, new = tmp_path / name, tmp_path / "new" / name
    new.parent.mkdir()
    write(old, "".join(lines).encode())
    tables.copy_without(old, FIRST_AND_THIRD, new)
    assert read(new) == "".join(kept)
    assert [path.name for path in new.parent.iterdir()] == [name]


def test_blank_lines_of_json_lines_are_no_rows(tmp_path):
    (tmp_path / "a.jsonl").write_text(f"\n{LINES[1]}\n  \n{LINES[2]}{LINES[3]}\n{LINES[1]}")
    assert tables.read(tmp_path / "a.jsonl").height == 4
    tables.copy_without(tmp_path / "a.jsonl", FIRST_AND_THIRD, tmp_path / "b.jsonl")
    assert tables.read(tmp_path / "b.jsonl")["id"].to_list() == [3, 2]


def test_parquet_keeps_types_and_bits(tmp_path):
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    table = pl.DataFrame(
        {
            "float": [0.1, float("nan"), -0.0, 5e-324],
            "small": pl.Series([1, None, 3, -128], dtype=pl.Int8),
            "zoned": pl.Series([now, None, now, now + timedelta(microseconds=1)]).dt.convert_time_zone("Europe/Berlin"),
            "day": [date(1, 1, 1), None, date(9999, 12, 31), date(2026, 1, 1)],
            "enum": pl.Series(["a", "b", None, "a"], dtype=pl.Enum(["b", "a"])),
            "money": pl.Series([Decimal("1.10"), None, Decimal("0.01"), Decimal("-2.00")], dtype=pl.Decimal(10, 2)),
            "list": [[1], [], None, [2, 3]],
            "text": ["", None, "x", "\0"],
        }
    )
    table.write_parquet(tmp_path / "a.parquet")
    tables.copy_without(tmp_path / "a.parquet", FIRST_AND_THIRD, tmp_path / "b.parquet")
    copy = pl.read_parquet(tmp_path / "b.parquet")
    expected = table.filter(~FIRST_AND_THIRD)
    assert copy.schema == table.schema and copy.equals(expected)
    assert copy["float"].to_numpy().tobytes() == expected["float"].to_numpy().tobytes()


def test_an_excel_file_is_refused(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(excel_files.workbook([["a"], [1], [2], [3], [4]]))
    with pytest.raises(errors.FactoryError, match=r"a\.xlsx: rows cannot be taken out of an Excel file$"):
        tables.copy_without(tmp_path / "a.xlsx", FIRST_AND_THIRD, tmp_path / "b.xlsx")


@pytest.mark.parametrize("name, content", [("a.csv", CSV), ("a.jsonl", LINES)])
def test_rows_that_were_counted_in_another_way_are_refused(tmp_path, name, content):
    (tmp_path / name).write_text("".join(content))
    for rows in (FIRST_AND_THIRD[:3], FIRST_AND_THIRD.extend_constant(False, 1)):
        with pytest.raises(errors.FactoryError, match=f"{name}: its rows cannot be taken out one by one"):
            tables.copy_without(tmp_path / name, rows, tmp_path / f"copy-{name}")
