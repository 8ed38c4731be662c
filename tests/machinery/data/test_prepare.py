"""Deliveries, as they were entered, become training and test rows."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors, manifest
from late_flights.factory.data import ledger, prepare
from late_flights.factory.paths import PREPARED
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.data.ledger_file import ledger_refusal


@pytest.fixture
def delivered(project):
    toy.rows(100).write_parquet("first.parquet")
    toy.rows(100, first=100).write_csv("second.csv")
    assert run("ingest", "first.parquet", "second.csv").exit_code == 0


@pytest.mark.usefixtures("delivered")
def test_each_row_is_in_one_part_and_whole():
    assert run("prepare").exit_code == 0
    train, test = prepare.read("train"), prepare.read("test")
    together = pl.concat([train, test]).sort("seen")
    assert together.equals(pl.concat([toy.rows(100), toy.rows(100, first=100)]))
    assert manifest.read_manifest(PREPARED)["ledger"] == ledger.sha256(ledger.entries())


@pytest.mark.usefixtures("delivered")
def test_prepared_bytes_are_the_same_each_time():
    run("prepare")
    before = manifest.file_sha256(PREPARED / "manifest.json")
    run("prepare")
    assert manifest.file_sha256(PREPARED / "manifest.json") == before


@pytest.mark.usefixtures("delivered")
@pytest.mark.parametrize("column", ["kind", "key"])
def test_time_that_is_none_is_refused(column):
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "time": column}), encoding="utf-8")
    assert refused("prepare").startswith(f"params.yaml: data.time: {column} is not a time but ")


@pytest.mark.usefixtures("project")
def test_rows_that_are_not_prepared_yet():
    with pytest.raises(errors.FactoryError, match=r"data/prepared/test\.parquet is missing"):
        prepare.read("test")


@pytest.mark.usefixtures("delivered")
def test_altered_delivery_is_refused():
    path = Path("data/raw/second.csv")
    path.write_bytes(path.read_bytes().replace(b"green", b"blue", 1))
    message = "LEDGER: data/raw/second.csv is not what data/raw/second.csv.dvc records (its sha256 differs): restore it"
    assert ledger_refusal("prepare") == message
    assert not PREPARED.exists()


@pytest.mark.usefixtures("delivered")
def test_missing_delivery_is_refused():
    Path("data/raw/second.csv").unlink()
    assert refused("prepare") == "data/raw/second.csv is missing: fetch it with `uv run dvc pull`"


@pytest.mark.usefixtures("delivered")
def test_delivery_that_a_tightened_contract_refuses(monkeypatch):
    monkeypatch.setattr(contract, "DELIVERY", {"few rows": pl.len() < 10})
    assert refused("prepare") == "data/raw/first.parquet: not so: few rows"


@pytest.mark.usefixtures("project")
def test_nothing_delivered_is_refused():
    assert "no delivery yet: add one with `uv run factory ingest FILE`" in refused("prepare")


@pytest.mark.usefixtures("delivered")
@pytest.mark.parametrize("role", ["target", "id", "time"])
def test_role_that_no_column_plays_is_refused(role):
    sections = {"data": toy.settings()["data"] | {role: "nobody"}}
    Path("params.yaml").write_text(toy.text(**sections), encoding="utf-8")
    assert refused("prepare").startswith("params.yaml: contract.py has no column nobody, there are key, seen, ")


def test_tomorrow_is_a_matter_of_time_zones():
    hours = pl.Series("seen", [0, 12, 36])
    times = (hours * 3_600_000).cast(pl.Duration("ms")) + datetime.now()
    prepare.check_not_future(times[:2])
    with pytest.raises(errors.ContractViolation, match="seen: in the future, 1 of 3 rows"):
        prepare.check_not_future(times)
