"""One person's rows leave captures."""

import hashlib
import os
import stat
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import tables
from late_flights.factory.data import erasure
from tests.factory import toy
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

from machinery.data.erasing import KEPT, capture, erase

SECOND = Path("data/raw/second.csv")
pytestmark = pytest.mark.usefixtures("erasable")


def test_prepared_rows_and_half_written_captures_go_as_well():
    file = capture("a", ("k417", "one", "c1"))
    half, fresh = file.with_name("half.tmp"), file.with_name("fresh.tmp")
    half.write_bytes(b"k417")
    fresh.touch()
    os.utime(half, (0, 0))
    assert "half-written: 1 file" in run("erase", "--id", "nobody", "--captures", KEPT).stdout and half.exists()
    erase("--id", "k417", "--captures", KEPT)
    assert not half.exists() and not file.exists() and fresh.exists()
    assert not list(Path("data/prepared").glob("*.parquet"))


def test_captures_that_go_at_the_same_time_are_no_failure(monkeypatch):
    for name in "ab":
        capture(name, ("k1", "one", "c1"), *([("k2", "two", "c2")] if name == "b" else []))
    left = KEPT / "2026-11-29/b.tmp"
    left.touch(0o666)
    monkeypatch.setattr(erasure, "commit", lambda *arguments: [file.unlink() for file in KEPT.glob("*/*.parquet")])
    erase("--id", "k1", "--captures", KEPT)
    assert not list(KEPT.glob("*/*.parquet"))


def test_captures_by_id():
    mixed = capture("a", ("k1", "one", "c1"), ("k2", "one", "c1"), ("k2", "two", None))
    alone = capture("b", ("k2", "three", None))
    hashed = capture("c", (hashlib.sha256(b"k2").hexdigest(), "four", None), ("k3", "five", None))
    other = capture("d", ("k3", "two", None))
    content = other.read_bytes()
    pl.read_parquet(capture("e", ("k2", "six", None))).drop("key").write_parquet(KEPT / "2026-11-29/e.parquet")
    mixed.with_suffix(".tmp").touch(0o666)
    shown = erase("--id", "k2", "--captures", KEPT)
    assert "captures: 4 rows in 3 files\n! 1 file of captures without the ids: --request finds their rows\n" in shown
    assert pl.read_parquet(mixed)["key"].to_list() == ["k1"] and pl.read_parquet(hashed)["key"].to_list() == ["k3"]
    assert not alone.exists() and other.read_bytes() == content
    assert {stat.S_IMODE(file.stat().st_mode) for file in (mixed, hashed)} == {0o600}
    assert len(list(mixed.parent.iterdir())) == 4, "nothing is left half-written"


@pytest.mark.parametrize("request_id", ["one", "c1"])
def test_captures_and_training_data_by_request(request_id):
    hashed = hashlib.sha256(b"k417").hexdigest()
    capture("a", ("k2", "one", "c1"), (hashed, "one", "c1"), ("k3", "two", None))
    capture("b", ("k417", "three", None), ("k4", "three", None))
    shown = erase("--request", request_id, "--captures", KEPT)
    assert "captures: 3 rows in 2 files\ndata/raw/first.parquet: 1 of 300 rows\ndata/raw/second.csv: 1 of 300 rows" in shown
    left = pl.read_parquet(KEPT / "*/*.parquet")["key"].to_list()
    assert sorted(left) == ["k3", "k4"] and "k417" not in tables.read(SECOND)["key"]


def test_id_that_clients_gave_to_several_requests_is_refused():
    capture("a", ("k2", "one", "1"), ("k3", "two", "1"), ("k4", "three", "3"))
    older = pl.DataFrame({"_request": ["old"] * 2, "_caller": ["shop", "bank"], "key": ["k5", "k6"]})
    older.write_parquet(KEPT / "2026-11-29/b.parquet")
    asked = "--captures", KEPT, "-m", "asked for", "--yes"
    assert refused("erase", "--request", "1", *asked) == "2 requests have the id 1: name one of one, two"
    assert refused("erase", "--request", "old", *asked) == "2 requests have the id old: use --id"
    assert pl.read_parquet(KEPT / "*/a.parquet").height == 3 and not git("status", "--porcelain")


def test_folder_of_captures_in_the_environment_may_have_a_colon(monkeypatch):
    folder = KEPT.with_name("a:b")
    capture("a", ("k1", "one", "c1"))
    KEPT.rename(folder)
    monkeypatch.setenv("FACTORY_CAPTURE", str(folder))
    assert "captures: 1 row in 1 file" in run("erase", "--id", "k1").stdout


def test_captures_without_any_id(project):
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "time": "seen"}))
    file = capture("a", ("k2", "one", "c1"), ("k3", "two", None))
    assert refused("erase", "--id", "k2").startswith("params.yaml: data.id names no column")
    assert "captures: 1 row in 1 file\ntraining data: no such rows" in erase("--request", "one", "--captures", KEPT, why="")
    assert pl.read_parquet(file)["key"].to_list() == ["k3"] and not git("status", "--porcelain", "data")


def receive(name: str, **columns: list[object]) -> Path:
    """Outcomes as they are kept."""
    file = Path("outcomes/2026-11-29", f"{name}.parquet")
    file.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns, schema_overrides={"_row": pl.UInt32}).write_parquet(file)
    return file


def test_outcomes_go_as_well_whatever_names_them():
    older = capture("a", ("k1", "one", "c1"), ("k2", "one", "c1"), ("k3", "one", "c1"), ("k2", "two", "c2"))
    pl.read_parquet(older).with_columns(_caller=pl.lit("shop")).write_parquet(older)
    hashed = hashlib.sha256(b"k2").hexdigest()
    by_id = receive("ids", key=["k1", "k2", hashed], answer=[True] * 3)
    by_row = receive("rows", _request=["one"] * 3 + ["two"], _row=[0, 1, 2, 0], answer=[True] * 4)
    alone = receive("alone", _client_request=["c2", "c2"], _caller=["bank", "shop"], _row=[0, 0], answer=[True] * 2)
    half = alone.with_suffix(".tmp")
    half.touch()
    os.utime(half, (0, 0))
    assert "outcomes: 5 rows in 3 files\n" in run("erase", "--id", "k2", "--captures", KEPT).stdout and half.exists()
    erase("--id", "k2", "--captures", KEPT)
    assert pl.read_parquet(by_id)["key"].to_list() == ["k1"] and not half.exists()
    assert pl.read_parquet(by_row)["_row"].to_list() == [0, 2] == pl.read_parquet(older)["_row"].to_list(), "as before"
    assert "outcomes: 3 rows in 2 files\n" in run("erase", "--request", "one", "--captures", KEPT).stdout, "and k1's by its id"


def test_outcomes_without_captures():
    file = receive("ids", key=["k417", "k1"], answer=[True, False])
    assert "outcomes: 1 row in 1 file" in erase("--id", "k417")
    assert pl.read_parquet(file)["key"].to_list() == ["k1"]
