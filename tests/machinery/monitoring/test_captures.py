"""Captures are read day by day, and what cannot be used is said."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory.errors import CannotEvaluate
from late_flights.factory.monitoring import captures

from machinery.monitoring.captured import DAY, table, write

NEXT = DAY + timedelta(days=1)
PLACES = ["captures"]
KEY = ("v1", "champion")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def days(*places, until=NEXT):
    return list(captures.days(places or PLACES, until))


def problems(*places):
    return [(problem.code, problem.text) for day in days(*places) for problem in day.problems]


def test_a_day_has_the_rows_of_its_time():
    write(table({"x": [1, 2]}, datetime(2026, 11, 20, 23, 59, tzinfo=UTC)), NEXT)
    write(table({"x": [3]}, NEXT), NEXT, "late")
    first, second = days()
    assert (first.date, first.tables[KEY]["x"].to_list()) == (DAY, [1, 2])
    assert (second.date, second.tables[KEY]["x"].to_list()) == (NEXT, [3])
    assert [day.date for day in days(until=DAY)] == [DAY]


def test_models_and_roles_are_apart():
    for model, role in [("v1", "champion"), ("v2", "challenger"), ("v2", "shadow")]:
        write(table({"x": [1]}, model=model, role=role), name=f"{model}{role}")
    [day] = days()
    assert list(day.tables) == [("v1", "champion"), ("v2", "challenger")] and list(day.shadow) == ["v2"]


def test_rows_count_once():
    rows = table({"x": range(30)})
    write(rows)
    write(rows[5:25], name="copied", place="elsewhere/[instance] *?")
    write(table({"x": [30], "_request": ["other"]}), name="other [1]*", place="elsewhere/[instance] *?")
    [day] = days("captures", "elsewhere", "captures")
    assert day.tables[KEY]["x"].to_list() == list(range(31))


def test_columns_that_other_programs_have_written_are_read():
    rows = table({"x": [1, 2, 3]})
    write(rows[:2])
    write(rows.with_columns(pl.col("_row").cast(pl.Int64), pl.col("_client_request").cast(pl.Null)), name="compacted")
    [day] = days()
    assert day.tables[KEY]["x"].to_list() == [1, 2, 3] and problems() == []


def test_clients_may_repeat_their_ids():
    write(table({"x": [1, 2], "_request": ["one", "one"], "_caller": ["shop", "bank"], "_row": [0, 0]}))
    assert days()[0].tables[KEY].height == 2


def test_older_captures_are_read():
    write(table({"x": range(25)}).drop("_row", "_client_request"))
    [day] = days()
    assert day.tables[KEY]["_row"].to_list() == [*range(10), *range(10), *range(5)]
    assert day.tables[KEY]["_client_request"].null_count() == 25


def test_times_are_in_utc():
    rows = table({"x": [1]}, datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
    for name, at in {
        "naive": pl.col("_at").dt.replace_time_zone(None),
        "zoned": pl.col("_at").dt.convert_time_zone("Asia/Tokyo"),
    }.items():
        write(rows.with_columns(at, _request=pl.lit(name)), NEXT, name)
    [day] = days()
    assert (day.date, day.tables[KEY].height) == (DAY, 2)


def test_what_cannot_be_read_is_said_and_the_rest_counts():
    whole = write(table({"x": [1]}), name="whole").read_bytes()
    write(table({"x": [1]}), name="half").write_bytes(whole[: len(whole) // 2])
    write(table({"x": [1]}), name="empty").write_bytes(b"")
    write(pl.DataFrame({"x": [1]}), name="foreign")
    write(table({"x": [1]}).with_columns(_model=pl.lit(None, pl.String)), name="nameless")
    Path("captures/2026-11-20/cut.tmp").write_bytes(whole[:9])
    [day] = days()
    assert day.tables[KEY].height == 1
    assert [(code, text.split(".parquet")[0].rpartition("/")[2]) for code, text in problems()] == [
        ("DAMAGED", name) for name in ("empty", "foreign", "half", "nameless")
    ]


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)])
def test_a_wrong_clock_is_said(at):
    write(table({"x": [1, 2]}, at))
    write(table({"x": [3]}), name="right")
    [day] = days()
    assert day.tables[KEY]["x"].to_list() == [3]
    assert [code for code, _ in problems()] == ["CLOCK"] and "2 rows" in problems()[0][1]


def test_columns_that_differ_are_not_mixed():
    write(table({"x": [1], "y": [1], "z": [1]}))
    write(table({"x": [2], "y": ["a"], "_request": ["other"], "_explanation": ["{}"]}), name="other")
    [day] = days()
    assert day.tables[KEY]["x"].to_list() == [1, 2] and not {"y", "z"} & set(day.tables[KEY].columns)
    assert problems() == [("SCHEMA", "v1 on 2026-11-20: y, z: not in all captures, or of several types")]


def test_places_that_are_away_are_said():
    Path("captures").mkdir()
    with pytest.raises(CannotEvaluate, match="UNREACHABLE: nowhere: its captures cannot be read: no such folder"):
        days("captures", "nowhere")
    with pytest.raises(CannotEvaluate, match=r"UNREACHABLE: abfs://a/b: Install adlfs .* dvc"):
        days("abfs://a/b")
    assert days() == []


def test_a_file_that_is_deleted_meanwhile_is_none(monkeypatch):
    path = write(table({"x": [1]}))
    write(table({"x": [2]}), name="stays")
    found = captures.find(PLACES)
    path.unlink()
    [day] = captures.read(found, NEXT)
    assert day.tables[KEY]["x"].to_list() == [2]


def test_refusals_are_counted_by_day_model_and_column():
    write(table({"x": [1]}))
    for name, content in {"a": {"x": 2}, "b": {"x": 1, "others": 4}}.items():
        found = [{"model": "v1", "role": "champion", "columns": content}]
        Path(f"captures/{DAY}/{name}.refused.json").write_text(json.dumps(found))
    Path("captures", f"{NEXT}").mkdir()
    Path(f"captures/{NEXT}/c.refused.json").write_text('[{"model":')
    first, second = days()
    assert first.refused == {KEY: {"x": 3, "others": 4}} and not second.refused and not second.tables
    assert [problem.code for problem in second.problems] == ["DAMAGED"]
