"""Names of columns as tools write them: each is one that a contract can have, and found again in the next delivery."""

import polars as pl
import pytest
from late_flights.factory import errors, tables
from late_flights.factory.tables import names

from machinery.tables import excel_files

READ = {
    "of pandas and R": (["", "x"], ["Unnamed: 0", "x"]),
    "of several levels": (["", " ", "x"], ["Unnamed: 0", "Unnamed: 1", "x"]),
    "behind a last delimiter": (["a", "b", ""], ["a", "b", "Unnamed: 2"]),
    "with line breaks": (["area\nin m²", "a \r\n b", "c\u2028"], ["area in m²", "a b", "c"]),
    "as they are": ([" a", "b ", "A", "a[1]", "²"], [" a", "b ", "A", "a[1]", "²"]),
    "repeated": (["a", "b", "a", "a"], ["a", "b", "a.1", "a.2"]),
    "repeated beside such a name": (["a.1", "a", "a"], ["a.1", "a", "a.2"]),
    "repeated before such a name": (["a", "a", "a.1"], ["a", "a.1", "a.1.1"]),
    "repeated by a line break": (["a b", "a\nb"], ["a b", "a b.1"]),
}


@pytest.mark.parametrize("header, expected", READ.values(), ids=READ)
def test_names_are_told_apart(header, expected):
    assert names.of_header(header, "a.csv") == expected


@pytest.mark.parametrize("header", [["a", "", "c"], ["", "a", "", "c"], ["a", ""], ["a", "", ""], ["", " "], [""]])
def test_a_column_between_others_needs_a_name(header):
    with pytest.raises(errors.FactoryError, match=r"^a\.csv: column \d has no name in the header$"):
        names.of_header(header, "a.csv")


def test_every_format_has_the_same_names(tmp_path, caplog):
    header = ["", "a\nb", "a b"]
    (tmp_path / "a.csv").write_text('"","a\nb","a b"\n1,2,3\n', "utf-8")
    (tmp_path / "a.xlsx").write_bytes(excel_files.workbook([header, [1, 2, 3]]))
    pl.DataFrame([[1], [2], [3]], schema=["Unnamed: 0", *header[1:]]).write_parquet(tmp_path / "a.parquet")
    for path in sorted(tmp_path.iterdir()):
        caplog.clear()
        assert tables.read(path).columns == ["Unnamed: 0", "a b", "a b.1"]
        assert caplog.messages == [f"{path}: several columns have the same name; the last of them is read as a b.1"]


INDEX = ["Unnamed: 0", "Unnamed: 0.1", "unnamed:12", "__index_level_0__", "rownames", "row.names", "row_names", "...1", "_c0"]


@pytest.mark.parametrize("name", INDEX)
def test_numbers_of_rows_are_known_by_name(name):
    assert names.is_index(name)


@pytest.mark.parametrize("name", ["", "index", "row", "unnamed", "Unnamed: 0 x", "id", "x", "brownames"])
def test_other_names_are_the_users(name):
    assert not names.is_index(name)


def test_a_wide_header_is_read_at_once():
    wide = [f"x{number}" for number in range(100_000)]
    assert names.of_header(wide, "a.csv") == wide
    assert len(set(names.of_header(["a"] * 100_000, "a.csv", quiet=True))) == 100_000
