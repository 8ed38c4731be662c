"""What a window cannot show: rows that were refused, and those whose captures went before their outcomes came."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

from tests.factory import git_repository, toy
from tests.factory.cli_runner import run

from machinery.monitoring.watched import DAY, LAST, capture, codes, monitored


def test_captures_that_go_before_they_are_judged_are_said(served):
    Path("params.yaml").write_text(toy.text(gate=git_repository.GATE, monitor={"label_days": 5}), encoding="utf-8")
    monitored()
    toy.rows(9).select("key", "answer").write_parquet("data/prepared/outcomes.parquet")
    assert run("outcomes", "data/prepared/outcomes.parquet").exit_code == 0
    for number in range(10):
        shutil.rmtree(Path("captures", f"{DAY + timedelta(days=number)}"))
    capture(LAST + timedelta(days=3))
    report = monitored("--until", f"{LAST + timedelta(days=5)}", code=2)
    text = next(state["text"] for state in report["states"] if state["code"] == "UNJUDGED")
    assert text.startswith(f"captures until {LAST} were deleted before their outcomes were due: set FACTORY_CAPTURE_DAYS")
    capture(LAST + timedelta(days=12))
    assert "UNJUDGED" not in codes(monitored("--until", f"{LAST + timedelta(days=12)}")), "a week later"


def test_service_that_refuses_everything_is_an_alert(served):
    for number in (8, 9):
        shutil.rmtree(Path("captures", f"{DAY + timedelta(days=number)}"))
        folder = Path("captures", f"{DAY + timedelta(days=number)}")
        folder.mkdir()
        columns = {"model": "v1", "role": "champion", "columns": {"amount": 400}}
        (folder / "120000.000000-1.refused.json").write_text(json.dumps([columns]))
    report = monitored(code=1)
    assert not codes(report)
    [alert] = [each for each in report["alerts"] if each["code"] == "REFUSALS"]
    assert (alert["column"], alert["from"], alert["open"]) == ("amount", f"{DAY + timedelta(days=8)}", True)
    assert report["windows"][-1]["rows"] == 0 and report["windows"][-1]["refused"] == {"amount": 400}
    assert monitored(code=1) == report
