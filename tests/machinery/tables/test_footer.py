"""What reports have below a table is refused, by its line, and what looks so by chance is read."""

import re
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import errors, tables
from late_flights.factory.tables import footer

from machinery.tables import excel_files

ROWS = 400
REGION = [("north", "south", "east", "total care")[i % 4] for i in range(ROWS)]
AMOUNT = [round(300 + 7.31 * (i * 37 % 101), 2) for i in range(ROWS)]
UNITS = [1 + i * 5 % 9 for i in range(ROWS)]
TABLE = pl.DataFrame({"region": REGION, "amount": AMOUNT, "units": UNITS, "churned": [i % 3 // 2 for i in range(ROWS)]})
SUM, MEAN = round(sum(AMOUNT), 2), round(sum(AMOUNT) / ROWS, 2)
LAST = ROWS + 2  # the line after the header and the rows


def written(*below: tuple[object, ...]) -> Path:
    path = Path("a.csv")
    path.write_text(TABLE.write_csv() + "".join(",".join(map(str, row)) + "\n" for row in below), "utf-8")
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


REFUSED = {
    "total": ([("Total", SUM, sum(UNITS), "")], LAST, "is a total or an average"),
    "total with a year": ([("TOTAL (2024):", SUM, sum(UNITS), "")], LAST, "is a total or an average"),
    "Gesamt of formatted numbers": ([("Gesamt", '"197.941,27 €"', '"2.000"', "")], LAST, "is a total or an average"),
    "Итого, with all filled": ([("Итого", SUM, sum(UNITS), 133)], LAST, "is a total or an average"),
    "小计 in another column": ([("", "小计", sum(UNITS), "")], LAST, "is a total or an average"),
    "average": ([("Ø", MEAN, 5, 0)], LAST, "is a total or an average"),
    "total and average": ([("Total", SUM, sum(UNITS), ""), ("Average", MEAN, 5, "")], LAST + 1, "is a total or an average"),
    "total above a row of nothing": ([("Total", SUM, sum(UNITS), ""), ("", "", "", "")], LAST, "is a total or an average"),
    "sums under a word of no list": (
        [("everything", SUM, sum(UNITS), "")],
        LAST,
        "has the sums of the rows above, of amount; units",
    ),
    "sums alone": ([("", SUM, sum(UNITS), "")], LAST, "has the sums of the rows above, of amount; units"),
    "rounded sums": ([("", round(SUM), "", "")], LAST, "has the sums of the rows above, of amount"),
    "note": ([("Source: the office of numbers", "", "", "")], LAST, "is a note below the table"),
}


@pytest.mark.parametrize("below, line, reason", REFUSED.values(), ids=REFUSED)
def test_what_is_below_a_table_is_refused(below, line, reason):
    path = written(*below)
    with pytest.raises(errors.FactoryError) as refusal:
        tables.read(path)
    assert str(refusal.value).startswith(f"a.csv: line {line} {reason}") and "\n" not in str(refusal.value)
    assert tables.read(path, checked=True).height == ROWS + len(below)  # a delivery of before stays one


READ = {
    "category": [("Total", 340, 2, 0), ("north", 350, 2, 0), ("Total", 340, 2, 0)],
    "name among names": [("Total", 340.5, 2, 0)],
    "customer without anything": [("c17", "", "", "")],
    "greatest row": [("north", 9999.5, 90, 1)],
    "one sum by chance": [("north", SUM, 3, 1)],
}


@pytest.mark.parametrize("below", READ.values(), ids=READ)
def test_rows_like_others_are_read(below):
    assert tables.read(written(*below)).height == ROWS + len(below)


@pytest.mark.parametrize("name", ["Anna Müller", "New York", "Rio de Janeiro", "St. Louis", "Washington D.C."])
def test_a_name_without_measurements_is_a_row_where_others_have_blanks_too(name):
    path = written((name, "", "", ""))
    path.write_text(path.read_text("utf-8").replace("north,", "Los Angeles,"), "utf-8")
    assert tables.read(path).height == ROWS + 1
    path.write_text(path.read_text("utf-8").replace(name, "Preliminary figures of all our shops"), "utf-8")
    with pytest.raises(errors.FactoryError, match=f"line {LAST} is a note"):
        tables.read(path)


def test_a_few_words_below_single_ones_are_a_note():
    path = written(("preliminary figures", "", "", ""))
    path.write_text(re.sub(r"^\w+ (?=\w+,\d)", "", path.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
    with pytest.raises(errors.FactoryError, match=f"line {LAST} is a note"):
        tables.read(path)


@pytest.mark.parametrize("rows", [[0, 0, 1, 0, 1], [1, 2, 3], [1, 1, 2], [0] * 50])
def test_few_numbers_are_no_sum(rows):
    Path("a.csv").write_text("a,b\n" + "".join(f"{value},{value}\n" for value in rows), "utf-8")
    assert tables.read(Path("a.csv")).height == len(rows)


def test_line_is_that_of_the_file():
    text = written(("Total", SUM, sum(UNITS), "")).read_text("utf-8")
    Path("a.csv").write_text("Sales report\n\n" + text.replace("north,", '"north\n",', 1), "utf-8")
    with pytest.raises(errors.FactoryError, match=f"a.csv: line {LAST + 3} is a total"):
        tables.read(Path("a.csv"))


BELOW = pl.concat([TABLE, pl.DataFrame({"region": ["Total"], "amount": [SUM], "units": [sum(UNITS)]})], how="diagonal")


def test_workbook():
    Path("a.xlsx").write_bytes(excel_files.workbook([BELOW.columns, *BELOW.rows()]))
    with pytest.raises(errors.FactoryError, match=f"a.xlsx: data row {ROWS + 1} is a total"):
        tables.read(Path("a.xlsx"))


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_what_programs_write_has_rows_only(kind, monkeypatch):
    monkeypatch.setattr(footer, "check", pytest.fail)  # JSON lines would be read several times for it
    BELOW.write_parquet("a.parquet")
    BELOW.write_ndjson("a.jsonl")
    assert tables.read(Path(f"a.{kind}")).height == ROWS + 1
