"""What is said where captures cannot be judged, which is never taken for the absence of drift."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory.monitoring import monitor
from tests.factory import toy
from tests.factory.cli_runner import run

from machinery.monitoring.watched import DAY, LAST, ROWS, capture, codes, monitored, spans


def test_what_cannot_be_read_replaces_nothing(served):
    whole = monitored()
    (Path("captures") / f"{DAY}" / "120000.000000-v1.parquet").write_bytes(b"PAR1")
    report = monitored(code=2)
    assert report["windows"] == whole["windows"] and codes(report) == ["DAMAGED"]
    report = monitored("--captures", "captures", "--captures", "s3://bucket/captures", "--until", f"{LAST}", code=2)
    assert report["windows"] == whole["windows"] and codes(report) == ["UNREACHABLE"]


def test_credentials_of_a_place_are_not_shown(served):
    result = run("monitor", "--captures", "sftp://user:pa@ss@host/captures?key=secret", "--until", f"{LAST}")
    assert result.exit_code == 2 and "UNREACHABLE: sftp://host/captures: " in result.stdout
    for text in (result.output, monitor.REPORT.read_text()):
        assert not any(secret in text for secret in ("user", "pa@", "ss@", "secret"))


def test_silence_is_no_quiet(served):
    shutil.rmtree(f"captures/{LAST}")
    assert codes(monitored()) == []
    assert codes(monitored("--until", f"{LAST + timedelta(days=1)}", code=2)) == ["NO_DATA"]
    shutil.rmtree(f"captures/{DAY + timedelta(days=3)}")
    shutil.rmtree(f"captures/{DAY + timedelta(days=4)}")
    monitor.REPORT.unlink()
    assert codes(monitored("--until", f"{LAST + timedelta(days=1)}")) == []  # as long as before
    capture(DAY - timedelta(days=200))  # when it was tried
    assert codes(monitored("--until", f"{LAST + timedelta(days=6)}")) == []
    assert codes(monitored("--until", f"{LAST + timedelta(days=7)}", code=2)) == ["NO_DATA"]


def test_no_captures_at_all(committed):
    Path("captures").mkdir()
    report = monitored(code=2)
    assert codes(report) == ["NO_DATA"] and report["windows"] == []
    assert "name the folder of FACTORY_CAPTURE" in report["states"][0]["text"]


def test_the_first_day_is_not_over(served):
    report = monitored("--until", f"{DAY - timedelta(days=1)}", code=2)
    assert codes(report) == ["NO_DATA"] and f"captures begin on {DAY}, and a day is judged" in report["states"][0]["text"]


def test_a_service_with_a_wrong_clock(served):
    capture(date(2099, 1, 1))
    report = monitored(code=2)
    assert codes(report) == ["CLOCK"] and "2099-01-01" in report["states"][0]["text"] and len(report["windows"]) == 10


def test_two_versions_with_other_features(served):
    capture(DAY, ROWS.rename({"amount": "price"}), "v1-old")
    report = monitored()
    assert {window["model"] for window in report["windows"]} == {"v1", "v1-old"} and report["states"] == []


def test_all_null_and_constant_columns_and_a_single_row(served):
    capture(DAY, gap=pl.lit(None, pl.Int16), amount=pl.lit(1.0), kind=pl.lit(None, pl.Enum(toy.KINDS)))
    capture(DAY + timedelta(days=1), ROWS[:1])
    report = monitored(code=run("monitor", "--until", f"{LAST}").exit_code)
    assert report["windows"][0]["counts"]["gap"][-1] == 250 and report["windows"][1]["rows"] == 251


def test_what_nobody_can_set_right_any_more_is_said_for_a_week(served):
    capture(DAY).rename(f"captures/{DAY}/other.parquet")
    capture(DAY, gap=pl.col("gap").cast(pl.String))
    assert codes(monitored("--until", f"{DAY + timedelta(days=6)}", code=2)) == ["SCHEMA"]
    assert codes(monitored("--until", f"{DAY + timedelta(days=7)}")) == []


def test_a_day_with_columns_of_other_types_is_said_and_the_rest_counts(served):
    capture(DAY, kind=pl.lit([1]))
    report = monitored("--until", f"{DAY + timedelta(days=2)}", code=2)
    assert report["states"][0]["text"].startswith("v1 on 2026-10-20: cannot be counted: ") and spans(report)[0] == "21-21"


@pytest.mark.parametrize("column", [None, pl.lit("much")])
def test_columns_that_are_not_captured_any_more_are_reported(served, column):
    path = Path(f"captures/{LAST}/120000.000000-v1.parquet")
    rows = pl.read_parquet(path)
    (rows.drop("amount") if column is None else rows.with_columns(amount=column)).write_parquet(path)
    [state] = monitored(code=2)["states"]
    assert state["code"] == "SCHEMA" and state["text"].startswith("v1 from 2026-10-29: amount: not captured any more")


def test_damaged_outcomes_leave_the_rest_to_judge(served):
    toy.rows(250).select("key", "answer").write_csv("outcomes.csv")
    assert run("outcomes", "outcomes.csv").exit_code == 0
    whole = monitored(code=1)  # as scores here tell nothing
    next(Path("outcomes").glob("*/*.parquet")).write_bytes(b"PAR1")
    capture(LAST + timedelta(days=1))
    report = monitored("--until", f"{LAST + timedelta(days=1)}", code=1)
    assert codes(report) == ["OUTCOMES"] and report["windows"][:-1] == whole["windows"] and len(report["windows"]) == 11


def test_columns_that_are_not_captured_are_said(served):
    for path in Path("captures").glob("*/*.parquet"):
        pl.read_parquet(path).drop("amount").with_columns(kind=pl.lit("0" * 64)).write_parquet(path)
    report = monitored()
    assert all(window["unjudged"] == ["kind", "amount"] for window in report["windows"])
    assert not any(check["column"] in ("kind", "amount") for window in report["windows"] for check in window["checks"])


def test_a_caller_who_makes_up_names(served):
    capture(DAY, _caller=pl.int_range(pl.len()).cast(pl.String))
    [first, *_] = monitored()["windows"]
    assert len(first["callers"]) == 21 and sum(first["callers"].values()) == 250
