"""The dashboard: whole, the same each time, safe with text of others, and states where something is not known."""

import json
import re
from pathlib import Path

import pytest
from late_flights.factory.dashboard import dashboard, production
from late_flights.factory.errors import FactoryError
from tests.factory.cli_runner import run
from tests.factory.git_repository import git

from machinery.dashboard import world
from machinery.dashboard.page_reader import empty, text, written
from machinery.evaluation.assessment_factory import EVIL, Page


def test_is_one_small_whole_page_that_loads_nothing():
    world.build(200, 400)
    html = written()
    page = Page(html)
    assert page.links == ["data:,"]
    assert not page.seen & {"iframe", "img", "object", "embed", "script"}
    assert not re.search(r"url\(|@import|src=", html) and "default-src 'none'" in html
    assert len(html.encode()) < 2_000_000
    assert page.headings == ["Alerts", "Performance", "Drift", "Versions", "Operations", "Data", "Cost"]
    drawn = [image for image in page.images if image.get("role") == "img"]
    assert len(drawn) == 6 and all(re.search(r"\d", image["aria-label"] or "") for image in drawn)


def test_is_the_same_for_the_same_inputs():
    world.build(3, 20)
    assert written() == written()


def test_a_version_that_was_edited_is_not_shown_as_what_it_says():
    world.build(2, 0)
    message = git("for-each-ref", "--format=%(contents)", "refs/tags/model/v2").replace("reason 2", "better reason")
    git("tag", "--annotate", "--force", "--file=-", "model/v2", "model/v2^{commit}", stdin=message)
    html = written()
    assert "better reason" not in html and "VERSION_INVALID" in html
    assert "The newest version, v2, is not valid." in text(html)


def test_states_stand_where_nothing_is_known():
    empty()
    words = text(written())
    assert "No model has been promoted yet. Monitoring has not run." in words and "NOT_RUN" in words
    for state in (
        "No outcomes yet",
        "No windows yet: without captured rows, whether the data has drifted is unknown",
        "No version yet",
        "No captured rows in these days",
        "set FACTORY_PROMETHEUS",
        "No delivery yet",
        "No run yet",
        "monitoring has not run",
    ):
        assert state in words


@pytest.mark.parametrize("content", ["{", "[]", "null", '{"format": 2}', '{"format": 1, "windows": []}'])
def test_a_report_that_cannot_be_read_is_said_to_be(content):
    empty()
    Path("reports/monitor.json").write_text(content, encoding="utf-8")
    words = text(written())
    assert "DAMAGED" in words and "No alert is open." not in words


def test_no_reference_is_not_no_drift():
    world.build(1, 20, alerts=[], states=[{"code": "NO_REFERENCE", "text": "v1 has no reference"}])
    words = text(written())
    assert "NO_REFERENCE v1 has no reference" in words and "No alert is open, but not everything could be judged." in words


@pytest.mark.parametrize(
    "line", ["nonsense", "a.csv,yesterday,Eve,web,300,00", "a.csv,2026-01-01T00:00:00+00:00,Eve,web,some,00"]
)
def test_a_malformed_ledger_is_stated(line):
    report = world.monitored(1, 20)
    world.build(1, 20, alerts=[report["alerts"][0]])
    Path("data").mkdir()
    Path("data/ledger.csv").write_text(f"file,received,by,source,rows,sha256\n{line}\n")
    assert "LEDGER" in text(written())


def test_a_record_of_an_older_release_is_shown(monkeypatch):
    checks = [{"code": "DUPLICATES", "passed": True}]
    old = {"gate": {"checks": checks}}
    monkeypatch.setattr(world, "record", lambda number, record=world.record: record(number) | old)
    world.build(1, 0)
    assert "passed 1 check against unknown" in text(written())


def test_shows_text_of_others_as_text(monkeypatch):
    monkeypatch.setattr(world, "record", lambda number, record=world.record: record(number) | {"by": EVIL, "why": EVIL})
    report = world.monitored(1, 20)
    for window in report["windows"]:
        window["callers"] = {EVIL: 3}
        window["checks"] = [each | {"column": EVIL} for each in window["checks"]]
    evil = report["alerts"][0] | {"text": EVIL, "column": f"{EVIL}<b>", "model": EVIL}
    states = [{"code": "DAMAGED", "text": EVIL}]
    world.build(1, 20, windows=report["windows"], alerts=[evil], notices=[evil], states=states)
    html = written()
    assert not Page(html).seen & {"script", "b"} and EVIL not in html and html.count("&lt;script&gt;") > 9


STEPS = {
    "no evidence": ({"retrain": False}, "[]", "✗ no open alert of the newest version is evidence for one"),
    "evidence": ({}, "[]", "✓ nothing is missing"),
    "damaged": ({}, "[{}]", "✗ reports/retraining.json is damaged"),
    "too soon": ({}, '[{"key": "k", "data": "d", "on": "2025-01-20"}]', "✗ one was started for 2025-01-20"),
}


@pytest.mark.parametrize(("alert", "started", "expected"), STEPS.values(), ids=STEPS)
def test_states_what_the_next_retraining_needs(alert, started, expected):
    report = world.monitored(1, 20)
    world.build(1, 20, alerts=[report["alerts"][0] | alert])
    Path("reports/retraining.json").write_text(started)
    mark = {True: "✓", False: "✗"}
    found = json.loads(Path("reports/monitor.json").read_text())
    steps = [f"{mark[done]} {what}" for done, what in production.until_retraining(found, 30)]
    assert any(step.startswith(expected) for step in steps)
    waits = any("wait for outcomes; the first, of 2025-01-17, is judged at 80% or on 2025-02-16" in step for step in steps)
    assert waits == (alert == {"retrain": False})


def test_retrainings_that_were_started_are_listed():
    world.build(1, 20)
    Path("reports/retraining.json").write_text('[{"key": "v1 BIAS 2025-01-03", "data": "d", "on": "2025-01-20"}]')
    assert "Retrainings started 2025-01-20: v1 BIAS 2025-01-03" in text(written())


def test_command_writes_where_it_is_told_and_says_what_is_not_known():
    world.build(1, 0, states=[{"code": "NO_DATA", "text": "nothing is captured"}])
    Path("params.yaml").write_text("problem: classification\ndata: {target: late}\nevaluation: {metric: roc_auc}\n")
    result = run("dashboard", "there/page.html")
    assert result.exit_code == 0, result.output
    assert "✓ there/page.html" in result.output and "! NO_DATA: nothing is captured" in result.stderr
    assert Path("there/page.html").read_text().startswith("<!DOCTYPE html>")
    assert list(Path("there").iterdir()) == [Path("there/page.html")]


def test_a_page_that_cannot_be_written_leaves_the_old_one(monkeypatch):
    empty()
    written()
    before = Path("reports/dashboard.html").read_text()
    monkeypatch.setattr(dashboard.page, "render", lambda *_, **values: (_ for _ in ()).throw(FactoryError("no")))
    with pytest.raises(FactoryError):
        written()
    assert Path("reports/dashboard.html").read_text() == before and len(list(Path("reports").iterdir())) == 1
