"""Deliveries become training and test rows that share nothing."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors, manifest
from late_flights.factory.data import ledger, prepare, split
from late_flights.factory.paths import PREPARED
from tests.factory import toy
from tests.factory.cli_runner import refused, run

BY_ID = {"data": {"target": "answer", "id": "key"}}


@pytest.fixture
def delivered(project):
    toy.rows(100).write_parquet("first.parquet")
    toy.rows(100, first=100).write_csv("second.csv")
    assert run("ingest", "first.parquet", "second.csv").exit_code == 0


@pytest.mark.usefixtures("delivered")
def test_each_row_is_on_one_side_and_whole():
    assert run("prepare").exit_code == 0
    train, test = prepare.read("train"), prepare.read("test")
    together = pl.concat([train, test]).sort("seen")
    assert together.equals(pl.concat([toy.rows(100), toy.rows(100, first=100)]))
    assert manifest.read_manifest(PREPARED)["ledger"] == manifest.file_sha256(ledger.LEDGER)


@pytest.mark.usefixtures("delivered")
def test_prepared_bytes_are_the_same_each_time():
    run("prepare")
    before = manifest.file_sha256(PREPARED / "manifest.json")
    run("prepare")
    assert manifest.file_sha256(PREPARED / "manifest.json") == before


@pytest.mark.usefixtures("delivered")
def test_altered_delivery_is_refused():
    path = Path("data/raw/second.csv")
    path.write_bytes(path.read_bytes().replace(b"green", b"blue", 1))
    assert refused("prepare").startswith("data/raw/second.csv is not what data/ledger.csv records")
    assert not PREPARED.exists()


@pytest.mark.usefixtures("delivered")
def test_missing_delivery_is_refused():
    Path("data/raw/second.csv").unlink()
    assert refused("prepare") == "data/raw/second.csv is missing: fetch it with `dvc pull`"


@pytest.mark.usefixtures("delivered")
def test_delivery_that_a_tightened_contract_refuses(monkeypatch):
    monkeypatch.setattr(contract, "DELIVERY", {"few rows": pl.len() < 10})
    assert refused("prepare") == "data/raw/first.parquet: not so: few rows"


@pytest.mark.usefixtures("project")
def test_nothing_delivered_is_refused():
    assert "no delivery yet: enter one with `factory ingest FILE`" in refused("prepare")


def test_newest_rows_are_the_test():
    train, test = split.split(toy.rows(200).sample(fraction=1, shuffle=True, seed=0), toy.params())
    assert train["seen"].max() < test["seen"].min()
    assert test.height == pytest.approx(50, abs=1)


def test_rows_of_one_time_stay_together():
    rows = toy.rows(200).with_columns(pl.col("seen").dt.truncate("1d"))
    train, test = split.split(rows, toy.params())
    assert train["seen"].max() < test["seen"].min()


def test_dates_split_like_times():
    train, test = split.split(toy.rows(400).with_columns(pl.col("seen").dt.date()), toy.params())
    assert train["seen"].max() < test["seen"].min()


def test_without_times_a_row_keeps_its_side_as_data_grows():
    few, many = (split.split(toy.rows(height), toy.params(**BY_ID))[1]["key"] for height in (200, 2000))
    assert set(few) == {key for key in many if int(key[1:]) < 200}
    assert len(many) == pytest.approx(500, rel=0.15)


@pytest.mark.parametrize("sections", [{}, BY_ID], ids=["by time", "by id"])
def test_rows_without_an_outcome_are_on_neither_side(sections):
    rows = toy.rows(400).with_columns(pl.when(pl.int_range(pl.len()) % 10 > 0).then("answer"))
    train, test = split.split(rows, toy.params(**sections))
    assert pl.concat([train, test]).sort("seen").equals(rows.drop_nulls("answer"))


def test_row_that_stands_twice_is_refused():
    rows = toy.rows(50)
    with pytest.raises(errors.FactoryError, match="key: 2 rows share their id with another"):
        split.split(pl.concat([rows, rows[7:8]]), toy.params())


@pytest.mark.parametrize("changed", [None, "test", "train"])
@pytest.mark.parametrize("sections", [{}, BY_ID], ids=["by time", "by id"])
def test_side_with_one_class_is_refused(changed, sections):
    params = toy.params(**sections)
    train, test = split.split(toy.rows(200), params)
    constant = pl.lit(True).alias("answer")
    sides = {"train": train, "test": test}
    rows = pl.concat(side.with_columns(constant) if changed in (None, name) else side for name, side in sides.items())
    with pytest.raises(errors.FactoryError, match=f"the {changed or 'train'} rows .* fewer than two values of answer"):
        split.split(rows, params)


def test_row_without_a_time_is_refused():
    rows = toy.rows(50).with_columns(pl.when(pl.col("key") != "k7").then("seen").alias("seen"))
    with pytest.raises(errors.FactoryError, match="seen: 1 rows have no time"):
        split.split(rows, toy.params())


@pytest.mark.usefixtures("delivered")
@pytest.mark.parametrize("role", ["target", "id", "time"])
def test_role_that_no_column_plays_is_refused(role):
    sections = {"data": toy.settings()["data"] | {role: "nobody"}}
    Path("params.yaml").write_text(toy.text(**sections), encoding="utf-8")
    assert refused("prepare").startswith("params.yaml: contract.py has no column nobody, there are key, seen, ")


@pytest.mark.parametrize(
    "problem, answers, wanted",
    [
        ("classification", ["yes", "no"], "true and false, or 1 and 0"),
        ("classification", [1, 2], "true and false, or 1 and 0"),
        ("regression", ["1", "2"], "numbers"),
    ],
)
def test_target_of_another_kind_is_refused(problem, answers, wanted):
    rows = toy.rows(100).with_columns(answer=pl.Series(answers * 50))
    with pytest.raises(errors.FactoryError, match=f"answer: the target of a {problem} is {wanted}"):
        split.split(rows, toy.params(problem))


def test_tomorrow_is_a_matter_of_time_zones():
    hours = pl.Series("seen", [0, 12, 36])
    times = (hours * 3_600_000).cast(pl.Duration("ms")) + datetime.now()
    prepare.check_not_future(times[:2])
    with pytest.raises(errors.ContractViolation, match="seen: in the future, 1 of 3 rows"):
        prepare.check_not_future(times)
