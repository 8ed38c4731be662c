"""What people hand over: folders as Spark, Hive and desktops leave them, archives of tables, a sheet of a workbook."""

import io
import zipfile
from pathlib import Path

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import config, errors
from late_flights.factory.adopt import source
from late_flights.factory.data import ingest, ledger, prepare
from late_flights.factory.data.incoming import incoming
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.tables import excel_files

pytestmark = pytest.mark.usefixtures("project")


def write(rows, name):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(name) if name.endswith(".parquet") else rows.write_csv(name)


def text(rows):
    return rows.cast({"kind": pl.String, "seen": pl.String})


def typed():
    return [prepare.load(entry, config.load(), Path(f"typed-{entry.file}")).collect() for entry in ledger.entries()]


def left(folder=ingest.GATHERED):
    return folder.exists()


def test_what_systems_leave_in_a_folder_is_no_delivery(caplog):
    write(toy.rows(20), "in/jan.csv")
    for name in ("._jan.csv", "~$jan.xlsx", ".DS_Store", "_SUCCESS", ".part.crc", "a.parquet.crc", "readme.txt"):
        Path("in", name).write_bytes(b"\0\5\26\7")
    write(toy.rows(5), "in/old/dec.csv")
    assert run("ingest", "in").exit_code == 0
    assert [(entry.file, entry.source) for entry in ledger.entries()] == [("jan.csv", "in/jan.csv")]
    assert "in: left out, as not a table: readme.txt" in caplog.text and "in: its folders are not read: old" in caplog.text


@pytest.mark.parametrize("end", [".parquet", ".csv"])
def test_partitions_are_one_table_with_their_column(end):
    rows = toy.rows(60)
    for kind in toy.KINDS:
        part = rows.filter(pl.col("kind") == kind).drop("kind")
        write(part.head(5), f"in/kind={kind}/part-0{end}")
        write(part.tail(-5), f"in/kind={kind}/part-1{end}")
    Path("in/_SUCCESS").touch()
    Path("in/kind=red/part-2.csv").touch()  # as Spark writes a part without rows
    assert run("ingest", "in").exit_code == 0
    (entry,) = ledger.entries()
    assert (entry.file, entry.source, entry.rows) == ("in.parquet", "in", "60") and not left()
    (read,) = typed()
    order = [pl.col("kind").cast(pl.String).rank("dense"), pl.col("key").str.slice(1).cast(pl.Int64)]
    assert read.sort("key").equals(rows.sort("key")) and read.equals(read.sort(order, maintain_order=True))


def test_one_partition_has_the_column_that_the_contract_knows():
    write(toy.rows(60).filter(pl.col("kind") == "red").drop("kind"), "year=2024/kind=red/part-0.parquet")
    assert run("ingest", "year=2024/kind=red").exit_code == 0
    assert ledger.entries()[0].file == "kind=red.parquet" and typed()[0]["kind"].unique().to_list() == ["red"]


def test_parts_of_spark_are_one_table():
    write(toy.rows(20), "in/part-00000-c000.snappy.parquet")
    write(toy.rows(20, first=20).with_row_index("__index_level_0__"), "in/part-00001-c000.snappy.parquet")
    assert run("ingest", "in").exit_code == 0
    (read,) = typed()
    assert ledger.entries()[0].file == "in.parquet" and read.height == 40


REFUSED = {
    "columns": ("in/part-1.parquet", {"b": [1]}, "in/part-1.parquet: its columns differ from those of in/part-0.parquet: a; b"),
    "types": ("in/part-1.parquet", {"a": [b"1"]}, "in: the types of its parts differ: "),
    "delta": ("in/_delta_log/0.json", {"a": [1]}, "in: a Delta table, whose log says which of the files count"),
    "nothing": ("out/other/a.csv", {"a": [1]}, "out: no table in this folder: name one of other"),
}


@pytest.mark.parametrize("name, rows, message", REFUSED.values(), ids=REFUSED)
def test_folder_that_is_no_table_is_refused(name, rows, message):
    write(pl.DataFrame({"a": [1]}), "in/part-0.parquet")
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    write(pl.DataFrame(rows), name)
    assert message in refused("ingest", name.partition("/")[0])
    assert not ledger.is_started() and not left()


def archive(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, rows in members.items():
            made.writestr(f"{name}.csv", text(rows).write_csv())
    return file.getvalue()


def test_tables_of_an_archive_are_deliveries_all_or_none():
    Path("a.zip").write_bytes(archive(jan=toy.rows(20), feb=toy.rows(20, first=20).with_columns(amount=pl.lit(-1.0))))
    message = refused("ingest", "a.zip")
    assert message.startswith("a.zip, feb.csv: amount: below min 0, 20 of 20 rows") and str(ingest.GATHERED) not in message
    assert not ledger.is_started() and not left()
    Path("a.zip").write_bytes(archive(jan=toy.rows(20), feb=toy.rows(20, first=20)))
    assert run("ingest", "a.zip").exit_code == 0
    assert {(entry.file, entry.source) for entry in ledger.entries()} == {
        ("feb.csv", "a.zip, feb.csv"),
        ("jan.csv", "a.zip, jan.csv"),
    }


def book(rows, other=(("note",), ("see the other one",))):
    return excel_files.workbook([*other], [text(rows).columns, *text(rows).rows()])


def test_sheet_that_is_named_is_read_again(monkeypatch):
    Path("a.xlsx").write_bytes(book(toy.rows(20)))
    assert run("ingest", "a.xlsx", "--sheet", "Sheet2").exit_code == 0
    assert (ledger.entries()[0].file, ledger.entries()[0].source) == ("a-Sheet2.parquet", "a.xlsx, sheet Sheet2")
    monkeypatch.setattr(contract, "SHEET", "Sheet2", raising=False)
    Path("b.xlsx").write_bytes(book(toy.rows(20, first=20)))
    assert run("ingest", "b.xlsx", "--sheet", "Sheet2").exit_code == 0
    assert Path("data/raw/b.xlsx").read_bytes() == Path("b.xlsx").read_bytes()
    assert pl.concat(typed()).equals(pl.concat([toy.rows(20), toy.rows(20, first=20)]))
    assert refused("ingest", "b.xlsx", "--sheet", "Sheet3") == "b.xlsx: no sheet Sheet3: did you mean Sheet2?"


def test_sheet_that_is_refused_can_be_compared():
    Path("a.xlsx").write_bytes(book(toy.rows(20).with_columns(more=1)))
    assert "see `factory contract --diff a.xlsx --sheet Sheet2`" in refused("ingest", "a.xlsx", "--sheet", "Sheet2")
    compared = run("contract", "--diff", "a.xlsx", "--sheet", "Sheet2")
    assert compared.exit_code == 1 and "✗ more is new" in compared.output
    Path("a.xlsx").write_bytes(book(toy.rows(20)))
    assert run("contract", "--diff", "a.xlsx", "--sheet", "Sheet2").exit_code == 0
    assert refused("contract", "--diff", "a.xlsx", "--sheet", "Sheet3") == "a.xlsx: no sheet Sheet3: did you mean Sheet2?"
    Path("a.csv").write_text("a,b\n1,2\n", "utf-8")
    assert refused("contract", "--diff", "a.csv", "--sheet", "x") == "a.csv: has no sheets: leave out --sheet"


def test_table_to_adopt_is_asked_for_where_several_are_meant():
    Path("a.xlsx").write_bytes(book(toy.rows(20)))
    several = r"^a.xlsx: 2 sheets have rows: name one by --sheet: Sheet1; Sheet2$"
    with source.files(Path("a.xlsx")) as files, pytest.raises(errors.FactoryError, match=several):
        source.one_table(files)
    with source.files(Path("a.xlsx"), "Sheet2") as files:
        assert source.one_table(files).collect().height == 20
    assert not left(source.GATHERED)


def test_file_that_is_no_table_is_left_to_those_who_read_it(tmp_path):
    found = incoming([Path("nowhere.csv"), Path("params.yaml")], tmp_path)
    assert [f"{each.file}" for each in found] == ["nowhere.csv", "params.yaml"]
