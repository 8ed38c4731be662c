"""Workbooks as people keep them: which sheet is read, what is the header, and what no one may open."""

import io
import zipfile
from pathlib import Path

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors, tables
from late_flights.factory.tables import compressed, excel

from machinery.tables import excel_files

DATA = [["n", "word"], [1, "x"], [2, "y"]]
NOTE = [["This is a note"], ["that explains the data"]]
FILE = Path("a.xlsx")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr(contract, "SHEET", raising=False)


def rows(*sheets, sheet="", **options):
    FILE.write_bytes(excel_files.workbook(*sheets, **options))
    return tables.scan(FILE, sheet=sheet).collect().rows()


def test_only_sheet_with_rows_is_read_wherever_it_is():
    assert rows([], DATA, []) == rows(DATA) == rows(NOTE, DATA, hidden=1) == [(1, "x"), (2, "y")]
    assert tables.sheet(FILE) == "Sheet2"


@pytest.mark.parametrize("count, named", [(2, "Sheet1; Sheet2"), (100, "Sheet1; Sheet2; Sheet3; Sheet4; Sheet5; and 95 more")])
def test_several_sheets_are_named_and_one_is_asked_for(count, named):
    with pytest.raises(errors.FactoryError) as error:
        rows(*[DATA] * count)
    assert str(error.value) == f"a.xlsx: {count} sheets have rows: name one by --sheet: {named}"
    assert rows(NOTE, DATA, sheet="Sheet2") == [(1, "x"), (2, "y")]


def test_sheet_that_is_not_there_is_named():
    with pytest.raises(errors.FactoryError, match=r"^a.xlsx: no sheet sheet2: did you mean Sheet2\?$"):
        rows(NOTE, DATA, sheet="sheet2")
    with pytest.raises(errors.FactoryError, match=r"^a.xlsx: no sheet Umsatz: there are Sheet1; Sheet2$"):
        rows(NOTE, DATA, sheet="Umsatz")
    Path("a.csv").write_text("a\n1\n")
    with pytest.raises(errors.FactoryError, match=r"^a.csv: has no sheets: leave out --sheet$"):
        tables.scan(Path("a.csv"), sheet="Sheet1")


def test_contract_remembers_the_sheet(monkeypatch, caplog):
    assert rows(NOTE, DATA, sheet=None) == [("that explains the data",)], "as before there was a name"
    assert "a.xlsx: only the first sheet, Sheet1, is read, not Sheet2" in caplog.text
    monkeypatch.setattr(contract, "SHEET", "Sheet2", raising=False)
    assert rows(NOTE, DATA, sheet=None) == [(1, "x"), (2, "y")]
    assert rows(NOTE, sheet=None) == [("that explains the data",)]
    monkeypatch.setattr(contract, "SHEET", "Umsatz", raising=False)
    with pytest.raises(errors.FactoryError, match="2 sheets have rows"):
        rows(NOTE, DATA, sheet=None)


def test_no_other_sheet_is_loaded_where_the_first_is_certain(monkeypatch):
    FILE.write_bytes(excel_files.workbook(*[DATA] * 30))
    loaded, first_row = [], excel._first_row
    monkeypatch.setattr(excel, "_first_row", lambda book, title: loaded.append(title) or first_row(book, title))
    assert tables.read(FILE, checked=True).rows() == [(1, "x"), (2, "y")] and loaded == ["Sheet1"]


def test_header_may_be_merged_below_a_title_in_the_middle_of_the_sheet():
    grid = [
        [None, "Report 2024", None, None],
        [],
        [None, "size", None, "colour"],
        [None, "min", "max", None],
        [None, 1, 2.5, "red"],
        [None, 2, "#DIV/0!", None],
    ]
    FILE.write_bytes(excel_files.workbook(grid, merged=["B1:D1", "B3:C3", "D3:D4"]))
    read = tables.scan(FILE).collect()
    assert read.equals(pl.DataFrame({"size min": [1, 2], "size max": [2.5, None], "colour": ["red", None]}))


def test_columns_without_name_and_values_are_none_and_errors_are_unknown():
    assert rows([["n", None, "m"], [1, None, "#N/A"], [2, None, 0.5], ["#REF!", None, 1.5]]) == [(1, None), (2, 0.5), (None, 1.5)]
    with pytest.raises(errors.FactoryError, match=r"^a.xlsx: column 2 has no name in the header$"):
        rows([["n", None, "m"], [1, 5, 2]])


def test_merged_values_are_spoken_of(caplog):
    assert rows([["g", "v"], ["a", 1], [None, 2]], merged=["A2:A3"]) == [("a", 1), (None, 2)]
    assert "a.xlsx: row 2: of merged cells only the first has a value" in caplog.text


def test_workbook_that_would_fill_the_memory_is_not_opened(monkeypatch):
    monkeypatch.setattr(compressed, "SMALL", 1 << 20)
    monkeypatch.setattr(compressed, "RATIO", 10)
    with pytest.raises(errors.FactoryError, match=r"^a.xlsx: unpacks to 0.00\d+ GB, more than 0.001 GB: save the table as CSV$"):
        rows(DATA, padding=" " * (3 << 20))


def test_damaged_part_is_found():
    content = excel_files.workbook([["word"], ["unchanged"]])
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        stored = io.BytesIO()
        with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as copy:
            for name in book.namelist():
                copy.writestr(name, book.read(name))
    FILE.write_bytes(stored.getvalue().replace(b"unchanged", b"unchangeD", 1))
    with pytest.raises(errors.FactoryError, match=r"^a.xlsx: damaged, or not an Excel file: xl/worksheets/sheet1.xml$"):
        tables.scan(FILE)
