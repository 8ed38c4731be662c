"""`factory monitor`: windows, and what stays of them."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory.monitoring import evaluation, monitor
from late_flights.factory.scoring.scorer import Scorer
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run

from machinery.monitoring.captured import table, write
from machinery.monitoring.watched import DAY, LAST, ROWS, capture, codes, monitored, promote, spans


def test_each_day_is_a_window(served):
    report = monitored()
    assert (report["until"], report["champion"], report["places"]) == (f"{LAST}", "v1", ["captures"])
    assert spans(report) == [f"{day}-{day}" for day in range(20, 30)] and report["states"] == []
    assert report["champion_names"] == ["v1"]
    window = report["windows"][0]
    assert (window["model"], window["role"], window["rows"], window["requests"]) == ("v1", "champion", 250, 25)
    assert window["callers"] == {"shop": 250} and window["unjudged"] == [] and window["reference"]
    assert sum(window["counts"]["kind"]) == 250 and {check["code"] for check in window["checks"]} >= {"ROWS"}


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_scores_of_each_problem_are_judged_and_measured(trained, monkeypatch, problem):
    git_repository.environment(monkeypatch)
    git_repository.start()
    promote()
    scores = Scorer.load().score(ROWS).drop("key")
    for number in range(3):
        capture(DAY + timedelta(days=number), ROWS.hstack(scores.rename(lambda name: f"_{name}")))
    toy.rows(250, problem).select("key", "answer").write_csv("outcomes.csv")
    assert run("outcomes", "outcomes.csv").exit_code == 0
    report = monitored(code=2)  # nothing on the days after these
    assert codes(report) == ["NO_DATA"] and all(window["unjudged"] == [] for window in report["windows"])
    assert [sum(window["counts"]["_score"]) for window in report["windows"]] == [250] * 3
    assert ("_decision" in report["windows"][0]["counts"]) == (problem == "multiclass")
    outcome = report["windows"][0]["outcomes"]
    assert outcome["rows"] == 250 and outcome["metric"]["name"] == toy.METRIC[problem]
    assert (outcome["estimated"] is None) == (problem == "regression")


def test_twice_the_same(served):
    monitored()
    first = monitor.REPORT.read_bytes()
    monitored()
    assert monitor.REPORT.read_bytes() == first
    monitored("--until", f"{DAY + timedelta(days=4)}")
    assert len(monitored()["windows"]) == 10 and monitor.REPORT.read_bytes() == first


def test_windows_of_deleted_captures_stay(served):
    whole = monitored()
    for number in range(4):
        shutil.rmtree(f"captures/{DAY + timedelta(days=number)}")
    write(table(ROWS[:3].to_dict(), datetime(2026, 10, 23, 23, 59, tzinfo=UTC)), DAY + timedelta(days=4), "late")
    assert monitored() == whole


def test_thin_days_are_merged_and_keep_their_limits(served):
    shutil.rmtree("captures")
    for number in range(10):
        capture(DAY + timedelta(days=number), ROWS[:70])
    assert spans(monitored()) == ["20-22", "23-25", "26-28", "29-29"]
    for number in range(4):
        shutil.rmtree(f"captures/{DAY + timedelta(days=number)}")
    assert spans(monitored()) == ["20-22", "23-25", "26-28", "29-29"]
    capture(LAST + timedelta(days=1), ROWS[:150])
    assert spans(monitored("--until", f"{LAST + timedelta(days=1)}")) == ["20-22", "23-25", "26-28", "29-30"]


def test_limits_of_windows_stay_while_days_are_deleted_one_by_one(served):
    shutil.rmtree("captures")
    capture(date(1970, 1, 1), ROWS[:3])  # a machine whose clock was wrong
    for number in range(10):
        capture(DAY + timedelta(days=number), ROWS[:70])
    whole = monitored()
    assert spans(whole) == ["01-01", "20-22", "23-25", "26-28", "29-29"]
    for number in range(4):
        shutil.rmtree(f"captures/{DAY + timedelta(days=number)}")
        assert monitored()["windows"] == whole["windows"]
    (Path("captures") / f"{DAY + timedelta(days=7)}" / "120000.000000-v1.parquet").write_bytes(b"damaged")
    assert monitored(code=2)["windows"] == whole["windows"]


def test_late_files_are_added_to_windows_of_several_days(served):
    shutil.rmtree("captures")
    for number in range(6):
        capture(DAY + timedelta(days=number), ROWS[:70])
    monitored(code=2)
    capture(DAY + timedelta(days=1), model="late", _model=pl.lit("v1"))
    report = monitored(code=2)
    assert spans(report) == ["20-22", "23-25"] and report["windows"][0]["rows"] == 3 * 70 + 250


def test_few_rows_are_not_shown_by_their_counts(served):
    shutil.rmtree("captures")
    capture(LAST, ROWS[:19])
    [window] = monitored()["windows"]
    assert (window["rows"], window["counts"], window["medians"], window["unjudged"]) == (19, {}, {}, [])


def test_late_files_are_added(served):
    late = capture(DAY + timedelta(days=2))
    moved = late.rename("late.parquet")
    assert spans(monitored())[1:3] == ["21-21", "23-23"]
    shutil.move(moved, late)
    assert spans(monitored())[1:4] == ["21-21", "22-22", "23-23"]


def test_all_models_that_serve_side_by_side_are_watched(served, monkeypatch):
    promote()
    capture(LAST, model="v2")
    seen = []
    monkeypatch.setattr(evaluation.incidents, "find", lambda windows, tier, champions: seen.append(champions) or [])
    monitored()
    assert seen == [{"v1", "v2"}] * 2


def test_a_damaged_report_is_not_replaced(served):
    whole = monitored()
    monitor.REPORT.write_text("{")
    result = run("monitor", "--until", f"{LAST}")
    assert result.exit_code == 2 and "DAMAGED: reports/monitor.json" in result.stderr and monitor.REPORT.read_text() == "{"
    monitor.REPORT.write_text('{"format": 2, "windows": []}')
    assert "another release" in run("monitor").stderr
    monitor.REPORT.write_text('{"format": 1, "windows": [{"model": "v1"}, 2]}')
    assert "DAMAGED" in run("monitor").stderr
    monitor.REPORT.write_text(json.dumps(whole | {"windows": [whole["windows"][0] | {"counts": {"gap": "x"}}]}))
    assert "DAMAGED" in run("monitor").stderr


def test_days_that_have_not_begun(served):
    result = run("monitor", "--until", "2099-01-01")
    assert result.exit_code == 2 and "has not begun" in result.stderr


def test_a_run_that_ends_while_it_writes_leaves_the_report_before(served, monkeypatch):
    whole = monitored() and monitor.REPORT.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *paths: 1 / 0)
        assert isinstance(run("monitor").exception, ZeroDivisionError)
    assert monitor.REPORT.read_bytes() == whole and monitored() == json.loads(whole)


def test_only_so_many_windows_are_kept(served, monkeypatch):
    monkeypatch.setattr(evaluation, "MOST", 4)
    assert spans(monitored()) == ["26-26", "27-27", "28-28", "29-29"]
