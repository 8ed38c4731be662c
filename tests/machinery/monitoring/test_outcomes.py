"""Outcomes: taken in once, by id or by request and position, and joined to what was captured."""

import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import config
from late_flights.factory.errors import CannotEvaluate
from late_flights.factory.manifest import sha256
from late_flights.factory.monitoring import labelled, outcomes
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.monitoring import captured

ANSWER: dict[str, list[Any]] = {"classification": [True, False], "multiclass": ["low", "high"], "regression": [7.25, -3.0]}
pytestmark = pytest.mark.usefixtures("project")


def write(name: str, **columns: object) -> Path:
    path = Path(name)
    pl.DataFrame(columns).write_csv(path)
    return path


def capture(rows: pl.DataFrame, **columns: object) -> pl.DataFrame:
    """Rows of the toy without their answers, as they were captured, in requests of ten."""
    table = captured.table(rows.drop("answer").to_dict() | columns)
    captured.write(table, table["_at"][0].date())
    return table


def take(*files: Path) -> str:
    result = run("outcomes", *files)
    assert result.exit_code == 0, result.output
    return result.stdout


def joined(table: pl.DataFrame) -> list[object]:
    return outcomes.read(config.load()).join(table)["_outcome"].to_list()


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_outcomes_by_id_count_once(problem):
    table = capture(toy.rows(4, problem))
    first, second = ANSWER[problem]
    file = write("one.csv", key=["k0", "k3", "k9", "k1"], answer=[first, second, first, None], other=[1] * 4)
    assert take(file) == (
        "✓ one.csv: 3 outcomes, 3 of them new, 1 row without one\nof captured rows: 2 outcomes\n"
        "! of rows that were not captured: 1 outcome: key k9\n"
    )
    assert joined(table) == [first, None, None, second]
    again = write("two.csv", key=["k3", "k1", "k1"], answer=[second, first, first])
    assert "two.csv: 3 outcomes, 1 of them new\nof captured" in take(file, again)
    assert joined(table) == [first, first, None, second]
    kept = list(Path("outcomes").glob("*/*.parquet"))
    assert Path("outcomes/.gitignore").read_text() == "*\n"
    assert len(kept) == 2 and {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_on_some_days_nothing_becomes_known(suffix):
    capture(toy.rows(1))
    rows = toy.rows(1)[:0].select("key", "answer")
    rows.write_csv("one.csv") if suffix == "csv" else rows.write_parquet("one.parquet")
    assert take(Path(f"one.{suffix}")) == f"✓ one.{suffix}: 0 outcomes, 0 of them new\nof captured rows: 0 outcomes\n"


def test_contradictions_are_refused_and_name_ids():
    table = capture(toy.rows(4))
    take(write("one.csv", key=["k0", "k1"], answer=[True, True]))
    new = write("new.csv", key=["k2"], answer=[True])
    reason = refused("outcomes", new, write("two.csv", key=["k1", "k3"], answer=[False, True]))
    assert reason.startswith("two.csv: 1 outcome differs from others of the same rows: key k1: correct the file, or if")
    reason = refused("outcomes", write("three.csv", key=["k3", "k3"], answer=[True, False]))
    assert reason.startswith("three.csv: 2 outcomes differ from others of the same rows: key k3: correct")
    assert joined(table) == [True, True, None, None], "all or nothing"


def test_outcomes_by_request_and_position():
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "time": "seen"}))
    clients = {"_client_request": ["order-7", "order-7"], "_caller": ["shop", "bank"], "_row": [0, 0], "_request": ["a", "b"]}
    table = capture(toy.rows(25))
    others = captured.table(toy.rows(2).drop("answer", "key").to_dict() | clients)
    request = table["_request"][12]
    own = write("own.csv", _request=[request, request, "gone"], _row=[0, 2, 0], answer=[True, False, True])
    assert "not captured: 1 outcome: _request gone 0" in take(own)
    assert joined(table) == [None] * 10 + [True, None, False] + [None] * 12
    take(write("client.csv", _client_request=["order-7"], _caller=["bank"], _row=[0], answer=[True]))
    assert joined(others) == [None, True], "clients may repeat the ids of others"


def test_contradictions_by_id_and_by_request_count_for_nothing():
    table = capture(toy.rows(3))
    take(write("ids.csv", key=["k0", "k1", "k2"], answer=[True, True, False]))
    shown = take(write("rows.csv", _request=[table["_request"][0]] * 2, _row=[0, 1], answer=[True, False]))
    assert "! contradicted by those that name the row otherwise: outcomes of 1 row, which has none\n" in shown
    assert joined(table) == [True, None, False]


TIMES = {
    "UTC": datetime(2026, 11, 20, 11, 30, tzinfo=UTC),
    "no zone is UTC": datetime(2026, 11, 20, 11, 30),
    "another zone": datetime(2026, 11, 20, 12, 30, tzinfo=timezone(timedelta(hours=1))),
    "text": "2026-11-20T11:30Z",
    "text in another zone": "2026-11-20T12:30+01:00",
}


@pytest.mark.parametrize("at", TIMES.values(), ids=TIMES)
def test_times_of_outcomes(at):
    table = capture(toy.rows(2), _at=[captured.NOON - timedelta(minutes=minutes) for minutes in (31, 29)])
    pl.DataFrame({"key": ["k0", "k1"], "answer": [True] * 2, "_at": [at] * 2}).write_parquet("one.parquet")
    take(Path("one.parquet"))
    assert joined(table) == [True, None]


def test_hashed_ids_are_known_on_either_side():
    table = capture(toy.rows(3))
    hashed = table.with_columns(pl.col("key").map_elements(lambda id: sha256(id.encode()), pl.String))
    take(write("plain.csv", key=["k1"], answer=[True]))
    assert joined(hashed) == joined(table) == [None, True, None]
    take(write("hashed.csv", key=[sha256(b"k2"), sha256(b"k0")], answer=[False, True]))
    assert joined(hashed) == joined(table) == [True, True, False]
    assert joined(table.drop("key")) == [None] * 3


def test_where_ids_repeat_the_time_tells_which_row():
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "id": "key", "repeats": True, "time": "seen"}))
    table = capture(toy.rows(3), key=["k1"] * 3)
    reason = refused("outcomes", write("one.csv", key=["k1"], answer=[True]))
    assert reason == "one.csv: names no rows: it needs the columns key, seen or _request, _row"
    take(write("two.csv", key=["k1"] * 2, seen=["2020-01-01T01:00", "2020-01-01T02:00"], answer=[True, False]))
    assert joined(table) == [None, True, False]


def test_outcome_from_before_the_request_does_not_count():
    table = capture(toy.rows(3), _at=[captured.NOON + timedelta(hours=hour) for hour in range(3)])
    file = write("one.csv", key=["k0", "k1", "k2"], answer=[True] * 3, _at=["2026-11-20T12:30Z", "2026-11-20T12:30Z", None])
    assert "captured rows: 2 outcomes\n! known before the request, so that they do not count: 1 outcome; by" in take(file)
    assert joined(table) == [True, None, True]
    assert joined(table.with_columns(pl.lit(datetime(2099, 1, 1, tzinfo=UTC)).alias("_at"))) == [None] * 3


def test_outcome_that_came_in_before_its_row_was_scored_is_said_each_time():
    file = write("one.csv", key=["k0"], answer=[True])
    take(file)
    table = capture(toy.rows(1), _at=[datetime.now(UTC)])
    assert "0 of them new\nof captured rows: 0 outcomes\n! known before the request" in take(file) and joined(table) == [None]
    by_request = table.select("_request", "_row").with_columns(answer=True, _at=captured.NOON)
    by_request.write_parquet("two.parquet")
    assert "of captured rows: 1 outcome\n" in take(Path("two.parquet")) and joined(table) == [True]


WRONG = {
    "another target": ({"key": ["k1"], "anwser": [True]}, "no column answer, did you mean anwser?"),
    "no target": ({"key": ["k1"], "x": [True]}, "no column answer, which holds the outcomes"),
    "no rows named": ({"x": ["k1"], "answer": [True]}, "names no rows: it needs the columns key or _request, _row"),
    "half a name": ({"_request": ["a"], "answer": [True]}, "names no rows: it needs"),
    "no id": ({"key": ["k1", None], "answer": [True, True]}, "1 of 2 outcomes name no row: they need key or _request, _row"),
    "no outcome": ({"key": ["k1", "k2"], "answer": ["true", "maybe"]}, "answer: not Boolean, 1 of 2 rows"),
    "no position": ({"_request": ["a"], "_row": [-1], "answer": [True]}, "_row: not UInt32, 1 of 1 rows"),
    "no zone": ({"key": ["k1"], "_at": ["2026-11-20T11:30"], "answer": [True]}, "_at: not a time with its zone, such as"),
}


@pytest.mark.parametrize("columns, reason", WRONG.values(), ids=WRONG)
def test_what_cannot_be_outcomes_is_refused(columns, reason):
    assert refused("outcomes", write("x.csv", **columns)).startswith(f"x.csv: {reason}")
    assert not list(Path("outcomes").glob("*/*"))


@pytest.mark.parametrize("problem", ["multiclass", "regression"])
def test_outcomes_keep_to_the_contract(problem):
    wrong, reason = (["hgih", "not one of low"]) if problem == "multiclass" else [1001.0, "above max 1000"]
    assert reason in refused("outcomes", write("x.csv", key=["k1", "k2"], answer=[ANSWER[problem][0], wrong]))


def test_other_categories_and_another_target_do_no_harm(monkeypatch):
    monkeypatch.setattr(contract, "LabelledRow", toy.Sorted)
    Path("params.yaml").write_text(toy.text("multiclass"))
    table = capture(toy.rows(2, "multiclass"))
    take(write("one.csv", key=["k0", "k1"], answer=["low", "high"]))
    monkeypatch.setattr(contract, "LabelledRow", type("Fewer", (toy.Row,), {"answer": toy.dy.Enum(["mid", "high"])}))
    assert joined(table) == [None, "high"]
    data = {"target": "gap", "id": "key", "time": "seen"}
    Path("params.yaml").write_text(toy.text("regression", data=data))
    assert joined(table) == [None, None]


def test_captures_that_are_away_and_damaged_outcomes_are_said():
    file = write("one.csv", key=["k0"], answer=[True])
    assert "! Nothing is joined yet: UNREACHABLE: captures: " in take(file)
    [kept] = Path("outcomes").glob("*/*.parquet")
    content = kept.read_bytes()
    for damaged in (b"PAR1", content[:4] + b"x" * 40 + content[44:]):
        kept.write_bytes(damaged)
        with pytest.raises(CannotEvaluate, match="OUTCOMES: outcomes"):
            outcomes.read(config.load())
        assert run("outcomes", file).exit_code == 2


def test_a_delivery_gets_the_name_of_the_day_and_without_outcomes_nothing_is_looked_for(monkeypatch):
    monkeypatch.setattr(labelled, "datetime", SimpleNamespace(now=lambda zone: datetime(2026, 11, 29, tzinfo=zone)))
    assert not Path("captures").exists()
    assert run("outcomes", "--as-delivery").stdout == "No new rows whose outcome is known\n"
    capture(toy.rows(4))
    result = run("outcomes", write("one.csv", key=["k0", "k3"], answer=[True, False]), "--as-delivery")
    assert "✓ data/raw/captured-2026-11-29.parquet: 2 rows, captures of" in result.stdout, result.output
    assert (
        "captured-2026-11-29-2.parquet: 1 row, "
        in run("outcomes", write("two.csv", key=["k1"], answer=[True]), "--as-delivery").stdout
    )
