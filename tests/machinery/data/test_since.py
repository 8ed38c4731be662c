"""A column that came later is null in the deliveries before the one that the contract names, and required from then on."""

from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory.data import prepare
from tests.factory import toy
from tests.factory.cli_runner import refused, run


class WithFuel(toy.Classified):
    fuel = dy.Enum(["gas", "oil"], nullable=True)


def rows(first, height=100):
    return toy.rows(height, first=first).with_columns(fuel=pl.lit("gas"))


@pytest.fixture(autouse=True)
def delivered(project, monkeypatch):
    """Two deliveries without the column, which the contract has had since, and a file with it."""
    toy.rows(100).write_parquet("first.parquet")
    toy.rows(100, first=100).write_csv("second.csv")
    assert run("ingest", "first.parquet", "second.csv").exit_code == 0
    rows(200).write_csv("third.csv")
    monkeypatch.setattr(contract, "LabelledRow", WithFuel)
    monkeypatch.setattr(contract, "SINCE", {"fuel": "data/raw/third.csv"})


def test_earlier_deliveries_are_null_there():
    assert run("ingest", "third.csv").exit_code == 0
    assert run("prepare").exit_code == 0
    prepared = pl.concat([prepare.read("train"), prepare.read("test")]).sort("seen")
    assert prepared.schema["fuel"] == WithFuel.columns()["fuel"].dtype
    assert prepared["fuel"].to_list() == [None] * 200 + ["gas"] * 100


@pytest.mark.parametrize("first, with_it", [("third.csv", {"third.csv"}), ("data/raw/late.csv", {"late.csv"})])
def test_files_that_are_ingested_together_follow_in_their_order(monkeypatch, first, with_it):
    monkeypatch.setattr(contract, "SINCE", {"fuel": first})
    for name, start in {"third.csv": 200, "late.csv": 300}.items():
        (rows if name in with_it else toy.rows)(first=start, height=100).write_csv(name)
    if first == "third.csv":
        assert "late.csv: fuel: column missing" in refused("ingest", "third.csv", "late.csv")
    else:
        assert run("ingest", "third.csv", "late.csv").exit_code == 0 and run("prepare").exit_code == 0


def test_later_delivery_without_the_column_is_refused():
    assert run("ingest", "third.csv").exit_code == 0
    toy.rows(100, first=300).write_csv("fourth.csv")
    assert refused("ingest", "fourth.csv").startswith("fourth.csv: fuel: column missing")
    toy.rows(100, first=200).write_csv("third.csv")
    assert run("contract", "--diff", "fourth.csv").exit_code == run("contract", "--diff", "third.csv").exit_code == 1


def test_first_delivery_needs_the_column():
    toy.rows(100, first=200).write_csv("third.csv")
    assert refused("ingest", "third.csv").startswith("third.csv: fuel: column missing")


def test_difference_of_an_earlier_delivery_is_none():
    assert run("ingest", "third.csv").exit_code == 0
    for name in ("first.parquet", "second.csv", "third.csv"):
        assert run("contract", "--diff", f"data/raw/{name}").exit_code == 0


def test_contract_without_it_is_refused_with_what_to_add(monkeypatch):
    monkeypatch.setattr(contract, "SINCE", {})
    assert run("ingest", "third.csv").exit_code == 0
    message = refused("prepare")
    assert message.startswith("data/raw/first.parquet: fuel: column missing") and 'SINCE = {"fuel": "data/raw/…"}' in message


INVALID = {
    "unknown delivery": ({"fuel": "data/raw/gone.csv"}, "fuel names data/raw/gone.csv, which is not a delivery"),
    "unknown column": ({"fule": "third.csv"}, "fule is not a column"),
    "column that needs a value": ({"amount": "third.csv"}, "amount has to be nullable"),
}


@pytest.mark.parametrize("since, message", INVALID.values(), ids=INVALID)
def test_what_cannot_hold_is_an_error(monkeypatch, since, message):
    monkeypatch.setattr(contract, "SINCE", since)
    for command in (["ingest", "third.csv"], ["prepare"], ["contract", "--diff", "third.csv"]):
        assert refused(*command).startswith(f"contract.py: SINCE: {message}")


def test_invariant_of_the_column_holds_since(monkeypatch):
    monkeypatch.setattr(contract, "DELIVERY", {"fuel is known": pl.col("fuel").is_not_null().all()})
    assert run("ingest", "third.csv").exit_code == 0 and run("prepare").exit_code == 0
    rows(300).with_columns(fuel=None).write_csv("fourth.csv")
    assert "not so: fuel is known" in refused("ingest", "fourth.csv")
    assert not Path("data/raw/fourth.csv").exists()
