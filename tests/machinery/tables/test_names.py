"""Names of columns as tools write them: each is one that a contract can have, and found again in the next delivery."""

import polars as pl
import pytest
from late_flights.factory import errors, tables
from late_flights.factory.tables import names

from machinery.tables import excel_files

READ = {
    "of pandas and R": (["", "x"], ["Unnamed: 0", "x"]),
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


@pytest.mark.parametrize(
    "header", [["a", "", "c"], ["", "a", "", "c"], ["", " ", "x"], ["a", ""], ["a", "", ""], ["", " "], [""]]
)
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


NAMELESS = {
    "counts": (0, [0, 1, 2, 3, 4, 5], True),
    "of a filter, sorted by another column": (0, [17, 3, 8, 0, 21, 5], True),
    "of tables one below the other": (0, [*range(9), *range(9), *range(9)], True),
    "of a sample with replacement": (0, [4, 4, 0, 2, 5, 1], True),
    "names of R": (0, ["Mazda RX4", "Datsun 710", "Fiat 128"], True),
    "nothing in front": (0, [None, " ", None], True),
    "nothing at the end": (2, [None, None, " "], True),
    "a label": (0, [0, 1, 0, 0, 1, 0], False),
    "words": (0, ["no", "yes", "no", "no"], False),
    "measurements": (0, [1.5, 2.25, 0.5], False),
    "times": (0, ["2024-01-01", "2024-01-02", "2024-01-03T12:00:00Z"], False),
    "gaps": (0, [1, None, 3], False),
    "numbers at the end": (2, [0, 1, 2], False),
    "a value at the end": (2, [None, "x", None], False),
}


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("place, values, is_read", NAMELESS.values(), ids=NAMELESS)
def test_no_value_of_a_column_without_a_name_is_lost(tmp_path, kind, place, values, is_read):
    columns = [[f"p{number}" for number, _ in enumerate(values)], [f"q{number}" for number, _ in enumerate(values)]]
    columns.insert(place, values)
    header = ["a", "b"]
    header.insert(place, "")
    known = [name or "nameless" for name in header]
    table, path = pl.DataFrame(columns, known, strict=False).rename({"nameless": ""}), tmp_path / f"a.{kind}"
    if kind == "xlsx":
        path.write_bytes(excel_files.workbook([header, *table.rows()]))
    else:
        table.write_csv(path) if kind == "csv" else table.write_parquet(path)
    if not is_read:
        with pytest.raises(errors.FactoryError, match=rf"^{path}: column {place + 1} has no name in the header$"):
            tables.read(path)
        return
    rows = tables.read(path)
    assert rows.columns in (["Unnamed: 0", "a", "b"], ["a", "b"]) and (place == 0 or len(rows.columns) == 2)
    assert rows.equals(tables.read(path, checked=True)) and rows["a"][0] == "p0"


INDEX = [
    "Unnamed: 0",
    "Unnamed: 0.1",
    "unnamed:0",
    "__index_level_0__",
    "rownames",
    "row.names",
    "row_names",
    "...1",
    "_c0",
    "Unnamed: 0_level_0",
]


@pytest.mark.parametrize("name", INDEX)
def test_numbers_of_rows_are_known_by_name(name):
    assert names.is_index(name)


@pytest.mark.parametrize("name", ["", "index", "row", "unnamed", "Unnamed: 0 x", "Unnamed: 7", "...3", "id", "x", "brownames"])
def test_other_names_are_the_users(name):
    assert not names.is_index(name)


def test_a_wide_header_is_read_at_once():
    wide = [f"x{number}" for number in range(100_000)]
    assert names.of_header(wide, "a.csv") == wide
    assert len(set(names.of_header(["a"] * 100_000, "a.csv", quiet=True))) == 100_000
