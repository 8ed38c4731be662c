"""Deliveries as people send them: entered as they are, or not at all."""

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import config
from late_flights.factory.data import ledger, prepare
from late_flights.factory.paths import RAW
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.tables import excel_files

pytestmark = pytest.mark.usefixtures("project")


def content(name, rows):
    text = rows.cast({"kind": pl.String, "seen": pl.String})
    if name.endswith(".zip"):
        with zipfile.ZipFile("made", "w") as archive:
            archive.writestr("rows.csv", rows.write_csv(separator=";"))
        return Path("made").read_bytes()
    if name.endswith(".xlsx"):
        return excel_files.workbook([text.columns, *text.rows()])
    return text.write_ndjson().encode() if name.endswith(".jsonl") else gzip.compress(rows.write_csv().encode())


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.CSV.gz", "rows.zip", "rows.jsonl"])
def test_delivery_in_another_format_is_entered_as_it_is(monkeypatch, name):
    monkeypatch.setattr(contract, "IGNORED", {"note": "free text"}, raising=False)
    Path(name).write_bytes(content(name, toy.rows(50).with_columns(note=pl.lit("x"))))
    assert run("ingest", name).exit_code == 0
    (entry,) = ledger.entries()
    assert entry.path.read_bytes() == Path(name).read_bytes() and entry.rows == "50"
    assert prepare.load(entry, config.load(), Path("typed")).collect().equals(toy.rows(50))


def test_delivery_that_spells_unknown_in_its_own_way_is_understood(monkeypatch):
    monkeypatch.setattr(contract, "MISSING", ["?"], raising=False)
    toy.rows(50).cast({"gap": pl.String}).with_columns(pl.col("gap").fill_null(" ?")).write_csv("rows.csv")
    assert run("ingest", "rows.csv").exit_code == 0
    assert prepare.load(ledger.entries()[0], config.load(), Path("typed")).collect().equals(toy.rows(50))


@pytest.mark.parametrize("place", ["rows.csv", "data/raw/rows.csv"])
def test_file_that_changes_while_it_is_read_is_refused(monkeypatch, place):
    toy.rows(50).write_csv(place)
    check = prepare.load_validated

    def checked(path, *others, **options):
        rows = check(path, *others, **options)
        with path.open("a") as file:
            file.write("k50,")
        return rows

    monkeypatch.setattr(prepare, "load_validated", checked)
    assert "changed while it was read" in refused("ingest", place)
    left = [file.name for file in RAW.iterdir()]
    assert not ledger.is_started() and left == ["rows.csv"] * place.startswith("data")


@pytest.mark.parametrize("place", ["..", "."])
def test_folder_that_the_project_is_in_is_refused(project, place):
    toy.rows(50).write_csv("rows.csv")
    assert refused("ingest", place) == f"{place}: this project is in that folder: name a folder of tables alone"
    assert not ledger.is_started()
