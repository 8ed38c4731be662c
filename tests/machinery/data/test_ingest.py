"""New deliveries: all of them or none, and nothing that was there is touched."""

import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors, manifest, tables
from late_flights.factory.data import ingest, ledger
from late_flights.factory.paths import RAW
from tests.factory import toy
from tests.factory.cli_runner import refused, run
from tests.factory.conftest import ROOT

pytestmark = pytest.mark.usefixtures("project")


def column(name, value, share=0.1):
    """A change of that column in the first rows."""
    spoilt = pl.int_range(pl.len()) < share * pl.len()
    return lambda rows: rows.with_columns(pl.when(spoilt).then(value).otherwise(name).alias(name))


def text(rows):
    return rows.cast({"kind": pl.String})


FAULTS = {
    "renamed column": (
        lambda rows: rows.rename({"gap": "gaps"}),
        "gap: column missing; gaps: column not in the contract",
    ),
    "changed type": (
        lambda rows: rows.with_columns(amount=pl.lit("much")),
        "amount: not Float64, 100 of 100 rows, first in data row 1, e.g. much",
    ),
    "unit times 100": (
        lambda rows: rows.with_columns(pl.col("amount") * 100),
        "amount: above max 100, 99 of 100 rows, first in data row ",
    ),
    "new category": (
        lambda rows: column("kind", pl.lit("pink"))(text(rows)),
        "kind: not one of red, green, blue, 10 of",
    ),
    "30 % nulls": (column("amount", None, 0.3), "amount: nullability (no value), 30 of 100 rows, first in data row 1"),
    "NaN": (column("amount", float("nan")), "amount: NaN, 10 of 100 rows"),
    "id twice": (column("key", pl.lit("k7")), "key: not unique, 10 of 100 rows, first in data row 1, e.g. k7"),
    "future": (
        column("seen", datetime.now() + timedelta(days=9)),
        "seen: in the future, 10 of 100 rows, first in data row 1, e.g. 20",
    ),
    "broken invariant": (lambda rows: rows.with_columns(gap=pl.lit(None, pl.Int16)), "not so: gap is mostly known"),
    "no rows": (lambda rows: rows.clear(), "no rows"),
}


@pytest.mark.parametrize("suffix", tables.WRITTEN)
@pytest.mark.parametrize("spoil, message", FAULTS.values(), ids=FAULTS)
def test_fault_is_named_and_nothing_is_kept(monkeypatch, suffix, spoil, message):
    monkeypatch.setattr(contract, "DELIVERY", {"gap is mostly known": pl.col("gap").is_null().mean() < 0.5})
    tables.sink(toy.rows(100).lazy(), Path(f"good{suffix}"))
    tables.sink(spoil(toy.rows(100)).lazy(), Path(f"bad{suffix}"))
    refusal = refused("ingest", f"good{suffix}", f"bad{suffix}")
    assert refusal.startswith(f"bad{suffix}: ") and message in refusal
    assert not ledger.is_started() and not list(RAW.iterdir())


def deliver(name, rows):
    tables.sink(rows.lazy(), Path(name))
    assert run("ingest", name, "--source", "the toy shop").exit_code == 0


def test_delivery_is_recorded():
    deliver("ä b.csv", toy.rows(50))
    (entry,) = ledger.entries()
    assert (entry.file, entry.rows, entry.by) == ("ä b.csv", "50", "Zoë 李 <zoe@example.com>")
    assert entry.source == "the toy shop" and entry.sha256 == manifest.file_sha256(entry.path)
    assert datetime.fromisoformat(entry.received).utcoffset() == timedelta(0)


def test_earlier_delivery_is_never_replaced():
    deliver("rows.csv", toy.rows(50))
    before, recorded = Path("data/raw/rows.csv").read_bytes(), ledger.entries()
    Path("new").mkdir()
    toy.rows(50, first=50).write_csv("new/rows.csv")
    assert "is an earlier delivery" in refused("ingest", "new/rows.csv")
    assert Path("data/raw/rows.csv").read_bytes() == before and ledger.entries() == recorded


def test_name_of_a_delivery_is_by_the_policy():
    toy.rows(100).write_parquet("May.parquet")
    Path("policy.yaml").write_text("names: {delivery: '[a-z]+-\\d{4}-\\d{2}\\..+'}", encoding="utf-8")
    reason = r"POLICY: the name of the delivery is May.parquet, and must match [a-z]+-\d{4}-\d{2}\..+ by policy.yaml: "
    assert refused("ingest", "May.parquet").startswith(reason)
    assert ledger.entries() == []
    Path("May.parquet").rename("flights-2013-05.parquet")
    assert run("ingest", "flights-2013-05.parquet").exit_code == 0


def test_file_that_lies_in_the_way_is_not_replaced():
    Path("data/raw/rows.csv").write_text("somebody's")
    toy.rows(50).write_csv("rows.csv")
    assert "exists but is not in the ledger" in refused("ingest", "rows.csv")
    assert Path("data/raw/rows.csv").read_text() == "somebody's"


def test_file_in_its_place_is_entered_where_it_is():
    toy.rows(50).write_csv("data/raw/rows.csv")
    assert run("ingest", "data/raw/rows.csv").exit_code == 0
    assert [entry.file for entry in ledger.entries()] == ["rows.csv"]


def test_row_of_an_earlier_delivery_is_refused():
    deliver("first.parquet", toy.rows(50))
    toy.rows(50, first=49).write_csv("second.csv")
    assert "key: already in data/raw/first.parquet, 1 of 50 rows, first in data row 1, e.g. k49" in refused(
        "ingest", "second.csv"
    )


def test_same_file_under_another_name_is_refused():
    deliver("rows.csv", toy.rows(50))
    Path("other.csv").write_bytes(Path("rows.csv").read_bytes())
    assert refused("ingest", "other.csv").startswith("other.csv: same content as data/raw/rows.csv")


def test_row_in_two_new_files_is_refused():
    toy.rows(50).write_parquet("first.parquet")
    toy.rows(50, first=49).write_csv("second.csv")
    assert "second.csv: key: already in first.parquet, 1 of 50 rows" in refused("ingest", "first.parquet", "second.csv")


def test_two_files_of_one_name_are_refused():
    Path("new").mkdir()
    toy.rows(50).write_csv("rows.csv")
    toy.rows(50, first=50).write_csv("new/rows.csv")
    assert "two files are named rows.csv" in refused("ingest", "rows.csv", "new/rows.csv")
    assert not ledger.is_started()


@pytest.mark.parametrize("name", ["rows[1].csv", "-rows.csv", "#rows *?.csv", "rows .csv", "!rows\\.csv"])
def test_files_of_odd_names_stay_out_of_git(name):
    toy.rows(50).write_csv(name)
    run("ingest", "--", name)
    run("prepare")
    assert (RAW / name).exists() and ledger.entries()[0].file == name
    shutil.copy(ROOT / ".gitignore", ".")
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], check=True)
    listed = subprocess.run(["git", "ls-files", "-z", "data/raw"], check=True, capture_output=True, text=True).stdout
    assert f"data/raw/{name}.dvc" in listed.split("\0") and f"data/raw/{name}" not in listed.split("\0")


@pytest.mark.parametrize("name", ["a\nb.csv", "a\tb.csv", ".rows.csv"])
def test_names_that_no_list_holds_are_refused(name):
    toy.rows(50).write_csv(name)
    assert f"{name!r}: rename the file" in refused("ingest", name)
    assert not ledger.is_started()


def test_names_that_differ_in_case_only_are_refused():
    toy.rows(50).write_csv("rows.csv")
    toy.rows(50, first=50).write_csv("Rows.csv")
    assert "Rows.csv differs from rows.csv in case only" in refused("ingest", "rows.csv", "Rows.csv")
    run("ingest", "rows.csv")
    assert "Rows.csv differs from rows.csv in case only" in refused("ingest", "Rows.csv")


def test_numbers_of_the_rows_are_in_no_contract_and_ignored():
    for number, name in enumerate(["", "Unnamed: 0", "__index_level_0__", "rownames"]):
        rows = toy.rows(50, first=50 * number).with_row_index(name or "index")
        (rows.rename({"index": ""}) if not name else rows).write_csv(f"{number}.csv")
        run("ingest", f"{number}.csv")
    run("prepare")
    toy.rows(50, first=900).with_row_index("index").write_csv("other.csv")
    assert "index: column not in the contract" in refused("ingest", "other.csv")


def test_failing_dvc_leaves_nothing(monkeypatch):
    def fail(*command):
        Path("data/raw/a.csv.dvc").touch()
        raise errors.FactoryError("`dvc add` failed: disk full")

    monkeypatch.setattr(ingest, "run", fail)
    toy.rows(50).write_csv("a.csv")
    toy.rows(50, first=50).write_csv("b.csv")
    assert "disk full" in refused("ingest", "a.csv", "b.csv")
    assert not ledger.is_started() and not list(RAW.iterdir())


def test_full_disk_leaves_nothing(monkeypatch):
    def fail(source, target):
        Path(target).write_bytes(Path(source).read_bytes()[:100])
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", fail)
    toy.rows(50).write_csv("a.csv")
    assert refused("ingest", "a.csv") == "data/.ingest.tmp/a.csv: No space left on device"
    assert not list(RAW.iterdir())
