"""`factory monitor`: windows, what stays of them, and what is said where something cannot be judged."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import manifest
from late_flights.factory.errors import FactoryError
from late_flights.factory.monitoring import evaluation, monitor, references
from late_flights.factory.paths import MODEL
from late_flights.factory.registry import versions
from late_flights.factory.scoring import profile
from late_flights.factory.scoring.scorer import Scorer
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run
from tests.factory.git_repository import RECORD

from machinery.monitoring.captured import table, write

DAY = date(2026, 10, 20)
LAST = DAY + timedelta(days=9)
ROWS = toy.rows(250).drop("answer")


@pytest.fixture
def served(committed):
    """A day's folder for each of ten days with captures of the model here, which is v1."""
    promote()
    for number in range(10):
        capture(DAY + timedelta(days=number))
    return committed


def promote() -> None:
    publish(manifest.model_id())


def publish(model: str) -> None:
    versions.publish(git_repository.git("rev-parse", "HEAD"), RECORD | {"model": model}, "promoted", versions.local())


def away(*command):
    raise FactoryError("no such bucket")


def capture(day: date, rows: pl.DataFrame = ROWS, model: str = "v1", **columns) -> Path:
    return write(table(rows.with_columns(**columns).to_dict(), day, model), day, f"120000.000000-{model}")


def monitored(*arguments: str, code: int = 0) -> dict:
    result = run("monitor", *(arguments or ["--until", f"{LAST}"]))
    assert result.exit_code == code, result.output
    report: dict = json.loads(monitor.REPORT.read_bytes(), parse_constant=pytest.fail)
    return report


def codes(report: dict) -> list[str]:
    return [state["code"] for state in report["states"]]


def spans(report: dict) -> list[str]:
    return [window["from"][8:] + "-" + window["to"][8:] for window in report["windows"]]


def test_each_day_is_a_window(served):
    report = monitored()
    assert (report["until"], report["champion"], report["places"]) == (f"{LAST}", "v1", ["captures"])
    assert spans(report) == [f"{day}-{day}" for day in range(20, 30)] and report["states"] == []
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


def test_a_service_with_a_wrong_clock(served):
    capture(date(2099, 1, 1))
    report = monitored(code=2)
    assert codes(report) == ["CLOCK"] and "2099-01-01" in report["states"][0]["text"] and len(report["windows"]) == 10


def test_a_model_of_an_older_release_has_no_reference(served, monkeypatch):
    monkeypatch.setattr(references, "dvc", away)
    profile_path = MODEL / profile.NAME
    facts = json.loads((MODEL / manifest.NAME).read_bytes())
    profile_path.unlink()
    del facts["sha256"], facts["files"]
    (MODEL / manifest.NAME).unlink()
    manifest.write_manifest(MODEL, facts)
    promote()
    capture(LAST, model="v2")
    Path(f"captures/{LAST}/120000.000000-v1.parquet").unlink()
    monitored_with = monitored(code=2)
    [state] = monitored_with["states"]
    assert state["code"] == "NO_REFERENCE" and state["text"].startswith("v2 was trained by a release that kept none")
    assert [window["reference"] for window in monitored_with["windows"] if window["model"] == "v2"] == [False]


def test_a_reference_that_cannot_be_fetched_leaves_what_was_judged(served, monkeypatch):
    whole = monitored()
    monkeypatch.setattr(references, "dvc", away)
    shutil.rmtree(MODEL)
    report = monitored(code=2)
    assert report["windows"] == whole["windows"]
    assert report["states"][0]["text"] == "v1 has no reference: neither DVC's cache nor its storage has it: no such bucket"


@pytest.mark.parametrize("model, reason", [("v9", "no version v9"), ("0123456789ab", "neither a version nor the model here")])
def test_a_model_that_is_not_known(served, model, reason):
    capture(LAST + timedelta(days=1), model=model)
    [state] = monitored("--until", f"{LAST + timedelta(days=1)}", code=2)["states"]
    assert state["code"] == "NO_REFERENCE" and reason in state["text"]


def test_the_reference_of_another_version_is_fetched_and_verified(served, monkeypatch):
    shutil.copytree(MODEL, "stored")
    fetched = []

    def dvc(*command):
        fetched.append(command[4])
        shutil.copy(Path("stored", Path(command[4]).name), command[-1])
        return ""

    monkeypatch.setattr(references, "dvc", dvc)
    facts = json.loads((MODEL / manifest.NAME).read_bytes())
    (MODEL / manifest.NAME).write_text(manifest.sealed({"other": 1, **{k: v for k, v in facts.items() if k != "sha256"}}))
    assert monitored()["states"] == [] and fetched == ["model/manifest.json", "model/profile.parquet"]
    assert monitored()["states"] == [] and len(fetched) == 2
    kept = next(references.KEPT.glob(f"*/{profile.NAME}"))
    kept.write_bytes(b"")
    assert monitored()["states"] == [] and len(fetched) == 4
    kept.write_bytes(b"")
    Path("stored", profile.NAME).write_bytes(b"")
    assert codes(monitored(code=2)) == ["NO_REFERENCE"]


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


def test_all_models_that_serve_side_by_side_are_watched(served, monkeypatch):
    promote()
    capture(LAST, model="v2")
    seen = []
    monkeypatch.setattr(evaluation.incidents, "find", lambda windows, tier, champions: seen.append(champions) or [])
    monitored()
    assert seen == [{"v1", "v2"}] * 2


def test_a_record_cannot_name_a_folder(served):
    Path("mine").mkdir()
    publish(str(Path("mine").resolve()))
    capture(LAST, model="v2")
    [state] = monitored(code=2)["states"]
    assert "its record names no model" in state["text"] and Path("mine").exists()


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
