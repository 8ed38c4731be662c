"""Captured rows whose outcome is known become a delivery, once, by the contract, with their origin."""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from late_flights.factory import tables
from late_flights.factory.data import ledger, prepare
from late_flights.factory.data import refused as refused_deliveries
from late_flights.factory.manifest import sha256
from late_flights.factory.monitoring import monitor
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.monitoring import captured

pytestmark = pytest.mark.usefixtures("project")


def capture(rows: pl.DataFrame, name: str = "a", **columns: Any) -> pl.DataFrame:
    """Rows of the toy as they were captured, without the columns whose value is None."""
    table = captured.table(rows.drop("answer").to_dict() | {key: each for key, each in columns.items() if each is not None})
    table = table.drop(key for key, each in columns.items() if each is None)
    captured.write(table, name=name)
    return table


def outcomes(name: str, rows: pl.DataFrame) -> None:
    rows.write_parquet(name)
    assert run("outcomes", name).exit_code == 0


def deliver(name: str) -> str:
    result = run("outcomes", "--as-delivery", name)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_labelled_rows_become_a_delivery_once(problem):
    rows = toy.rows(40, problem)
    capture(rows)
    outcomes("one.parquet", rows[5:25].select("key", "answer"))
    shown = deliver("may.parquet")
    assert "✓ data/raw/may.parquet: 20 rows, captures of 2026-11-20 to 2026-11-20, v1, with outcomes\nNext: git add" in shown
    [entry] = ledger.entries()
    assert entry.source == "captures of 2026-11-20 to 2026-11-20, v1, with outcomes"
    assert prepare.check(entry.path, toy.params(problem)).equals(rows[5:25])
    assert deliver("june.parquet") == "No new rows whose outcome is known\n"
    outcomes("two.parquet", rows[20:30].select("key", "answer"))
    assert "june.parquet: 5 rows" in deliver("june.parquet")


def test_without_ids_rows_are_told_apart_by_their_values():
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "time": "seen"}))
    rows = pl.concat([toy.rows(3), toy.rows(3)])
    table = capture(rows)
    named = table.select("_request", "_row").hstack(rows.select("answer"))
    outcomes("one.parquet", named[:4])
    assert "may.parquet: 4 rows" in deliver("may.parquet")
    outcomes("two.parquet", named)
    assert "june.parquet: 2 rows" in deliver("june.parquet"), "of two equal rows the second is no copy of the first"
    assert deliver("july.parquet").startswith("No new rows")
    delivered = pl.concat([tables.read(entry.path) for entry in ledger.entries()])
    assert delivered.sort("key").equals(rows.sort("key", maintain_order=True))


def test_rows_that_come_as_a_delivery_too_are_not_doubled():
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "time": "seen"}))
    rows = toy.rows(40)
    rows[:30].write_csv("regular.csv")
    assert run("ingest", "regular.csv").exit_code == 0
    named = capture(rows).select("_request", "_row").hstack(rows.select("answer"))
    outcomes("one.parquet", named)
    assert "may.parquet: 10 rows" in deliver("may.parquet")


def test_rows_scored_twice_are_one_row_of_an_id():
    rows = toy.rows(3)
    capture(rows)
    capture(rows.with_columns(amount=pl.lit(1.0)), "b", _at=[datetime(2026, 11, 20, 18, tzinfo=captured.UTC)] * 3)
    outcomes("one.parquet", rows.select("key", "answer"))
    assert "may.parquet: 3 rows" in deliver("may.parquet")
    assert tables.read(Path("data/raw/may.parquet"))["amount"].to_list() == rows["amount"].to_list(), "as first asked for"


def test_hashed_ids_are_named_by_the_outcomes_and_personal_values_are_not_learned(monkeypatch):
    rows = toy.rows(3)
    hashed = [sha256(id.encode()) for id in rows["key"]]
    table = capture(rows, key=hashed)
    outcomes("one.parquet", rows[:2].select("key", "answer"))
    outcomes("two.parquet", table[2:].select("_request", "_row").with_columns(answer=True))
    shown = deliver("may.parquet")
    assert "! 1 row left out: only a hash of the id is known\n" in shown
    assert tables.read(Path("data/raw/may.parquet"))["key"].to_list() == ["k0", "k1"]


def test_what_was_not_captured_is_not_made_up():
    rows = toy.rows(4)
    capture(rows[:2], amount=None)
    capture(rows[2:], "b", kind=["red", "pink"], _model=["v2"] * 2)
    outcomes("one.parquet", rows.select("key", "answer"))
    assert deliver("may.parquet") == (
        "! 2 rows left out: captured without amount\n! 2 rows left out: kind: not one of red, green, blue\n"
        "No new rows whose outcome is known\n"
    )


def test_the_contract_decides_and_stops_nothing():
    rows = toy.rows(2)
    capture(rows, amount=[200.0, 1.0])
    outcomes("one.parquet", rows.select("key", "answer"))
    assert deliver("may.parquet").startswith("! 2 rows left out: amount: above max 100, 1 of 2 rows")
    assert not ledger.entries() and not refused_deliveries.read(), "a service's rows are no delivery that somebody sent"
    assert "has to be named like" in refused("outcomes", "--as-delivery", "../may.parquet")
    assert not list(Path(".dvc/tmp/labelled").iterdir())


def test_personal_values_that_are_needed_are_missing(monkeypatch):
    rows = toy.rows(2)
    capture(rows, kind=[sha256(kind.encode()) for kind in rows["kind"]])
    outcomes("one.parquet", rows.select("key", "answer"))
    assert deliver("may.parquet").startswith("! 2 rows left out: captured without kind\n")


def test_shadow_is_no_second_copy():
    rows = toy.rows(2)
    table = capture(rows)
    captured.write(table.with_columns(_role=pl.lit("shadow"), _model=pl.lit("v2")), name="shadow")
    outcomes("one.parquet", rows.select("key", "answer"))
    assert "may.parquet: 2 rows, captures of 2026-11-20 to 2026-11-20, v1, with" in deliver("may.parquet")


def test_inbox_is_taken_once(monkeypatch, tmp_path_factory):
    from late_flights.factory.data import ingest

    storage = tmp_path_factory.mktemp("storage")
    rows = toy.rows(3)
    capture(rows)
    rows.select("key", "answer").write_parquet(storage / "one.parquet")

    def dvc(command: str, *rest: str) -> str:
        if command == "get-url":
            Path(rest[1]).write_bytes((storage / rest[0].rpartition("/")[2]).read_bytes())
        return "\n".join(path.name for path in storage.iterdir()) if command == "list-url" else "storage"

    monkeypatch.setattr(ingest, "dvc", dvc)
    assert "one.parquet: 3 outcomes, 3 of them new" in run("outcomes", "--inbox").stdout
    assert run("outcomes", "--inbox").stdout == "Nothing new\n"
    rows[:1].select("key").with_columns(answer=~rows["answer"][:1]).write_parquet(storage / "a.parquet")
    toy.rows(1, first=9).select("key", "answer").write_parquet(storage / "b.parquet")
    done = run("outcomes", "--inbox", "--as-delivery", "may.parquet")
    assert done.exit_code == 1 and "Error: remote://storage/inbox/outcomes/a.parquet: 1 outcome differs" in done.stderr
    done_anyway = run("outcomes", "--inbox", "--lenient")
    assert done_anyway.exit_code == 0 and "! remote://storage/inbox/outcomes/a.parquet: 1 outcome differs" in done_anyway.stderr
    parts = {key: [] for key in ("windows", "alerts", "notices")}
    monkeypatch.setattr(monitor, "run", lambda params, places, day, states: {"until": f"{day}", "states": states, **parts})
    done_anyway = run("monitor", "--inbox")
    assert done_anyway.exit_code == 2 and "! OUTCOMES: remote://storage/inbox/outcomes/a.parquet: 1" in done_anyway.stdout
    assert "b.parquet: 1 outcome, 1 of them new" in done.stdout and "may.parquet: 3 rows" in done.stdout, "others do not wait"
