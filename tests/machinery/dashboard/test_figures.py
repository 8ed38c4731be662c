"""Each figure of the dashboard is that of its source."""

import json
import re
from pathlib import Path

import pytest
from late_flights.factory import manifest
from late_flights.factory.dashboard import history, production
from late_flights.factory.evaluation.formatting import MINUS, number
from late_flights.factory.metrics.definitions import main_metric

from machinery.dashboard import world
from machinery.dashboard.page_reader import params, table, text, written
from machinery.evaluation.assessment_factory import Page

PRICES = {"currency": "EUR", "price_per_hour": 3.6, "price_per_kwh": 100.0, "watts": 36.0}


def test_windows_are_shown_as_monitoring_judged_them():
    report = world.build(3, 20)
    html = written()
    newest, earlier = (each[1:] for each in Page(html).tables if each[0][:2] == ["Window", "Model"])
    rows = [[" ".join(cell.split()) for cell in row] for row in newest + earlier]
    assert "6 earlier windows" in text(html)
    for row, window in zip(rows, reversed(report["windows"]), strict=True):
        day, model, scored, coverage, live, estimated, bias, state = row
        outcomes = window["outcomes"] or {"coverage": 0, "metric": None, "estimated": None, "bias": None}
        assert (day, model, scored) == (window["from"], window["model"], number(window["rows"]))
        assert coverage == f"{100 * outcomes['coverage']:.0f}%"
        assert estimated == ("-" if outcomes["estimated"] is None else f"{outcomes['estimated']:.4f}")
        if measured := outcomes["metric"]:
            assert live == f"{measured['value']:.4f} ({measured['low']:.4f} to {measured['high']:.4f})" and state == "judged"
            middle = number(outcomes["bias"]["value"], like=0.5)
            assert bias == f"{middle} ({MINUS}0.0200 to 0.0300)"
        else:
            assert (live, bias) == ("-", "-") and state.startswith("waits for outcomes")


def test_forecasts_have_a_chart_of_the_ends_of_their_horizon():
    windows = world.build(3, 20)["windows"]
    metric = main_metric(params())
    assert not [each for each in production.performance(windows, metric, None) if each.title.endswith("by step")]
    for number_of, window in enumerate(windows):
        if window["outcomes"]:
            window["outcomes"]["steps"] = {"1 to 4": 0.1 * number_of, "5 to 8": 0.2, "9 to 12": 0.3}
    (figure,) = [each for each in production.performance(windows, metric, None) if each.title.endswith("by step")]
    assert [name for _, name in figure.legend] == ["steps 1 to 4", "steps 9 to 12"]
    assert figure.svg.count("<polyline") >= 2 or figure.svg.count("<path") >= 2
    for window in windows:
        if window["outcomes"]:
            window["outcomes"]["steps"] = {"1": 0.5}
    (figure,) = [each for each in production.performance(windows, metric, None) if each.title.endswith("by step")]
    assert len(figure.legend) == 1


def test_charts_show_what_monitoring_measured():
    report = world.build(3, 20)
    metric = main_metric(params())
    figures = {each.title: each.svg for each in production.performance(report["windows"], metric, 0.75)}
    judged = [window for window in report["windows"] if window["outcomes"] and window["outcomes"]["metric"]]
    values = [window["outcomes"]["metric"]["value"] for window in judged]
    ends = re.search(r'aria-label="ROC AUC by first day of the window: (.*?)\."', figures["Live ROC AUC"])[1].split(", ")
    assert ends[0] == f"{number(values[0])} at 9 Jan" and ends[-1] == f"{number(values[-1])} at 16 Jan"
    assert figures["Live ROC AUC"].count('class="band"') == 1 and figures["Live ROC AUC"].count('class="reference"') == 2
    assert "84% at 9 Jan" in figures["Outcome coverage"] and "34% at 20 Jan" in figures["Outcome coverage"]
    [drift] = production.drift(report["windows"])
    score = report["windows"][0]["checks"][0]["value"]
    assert f"{number(score)} at 1 Jan" in drift.svg
    [rows] = production.volume(report["windows"])
    assert "800 at 1 Jan" in rows.svg and "819 at 20 Jan" in rows.svg


def test_lines_end_where_nothing_was_measured():
    report = world.build(1, 20)
    report["windows"][10]["outcomes"]["metric"] = None
    live = production.performance(report["windows"], main_metric(params()), None)[0].svg
    assert live.count('class="line"') == 2 and live.count('class="band"') == 2


def test_a_challenger_has_a_colour_of_its_own():
    report = world.build(1, 20)
    for window in report["windows"][::2]:
        window["role"] = "challenger"
    live = production.performance(report["windows"], main_metric(params()), None)[0]
    assert 'class="line other"' in live.svg and live.legend == (("champion", "model"), ("challenger", "other"))


def test_gauges_are_those_of_the_newest_window_the_largest_first():
    report = world.build(1, 20)
    rows = table(written(), "Column", "PSI")
    newest = {(check["code"], check["column"]): check["value"] for check in report["windows"][-1]["checks"]}
    shown = [row[0] for row in rows]
    assert sorted(shown) == sorted(world.COLUMNS)
    assert shown == sorted(shown, key=lambda column: -newest["PSI", column])
    for row in rows:
        assert row[1] == number(newest["PSI", row[0]], like=newest["PSI", row[0]])


def test_incidents_state_what_changed():
    report = world.build(2, 20)
    html = written()
    [alert] = table(html, "State", "Code", "What")
    assert alert == [
        "open",
        "SCORE_DRIFT",
        f"{report['alerts'][0]['text']} evidence for retraining",
        "v2",
        report["alerts"][0]["from"],
        report["alerts"][0]["to"],
    ]
    assert "1 alert is open." in text(html) and "v2 is the champion, promoted 2025-01-03." in text(html)


def test_versions_state_who_made_them_why_and_what_the_gate_found():
    report = world.build(6, 30)
    rows = table(written(), "Version", "Made (UTC)")
    live = {
        window["model"]: window["outcomes"]["metric"] for window in report["windows"] if (window["outcomes"] or {}).get("metric")
    }
    assert [row[0] for row in rows] == ["v6 champion", "v5", "v4", "v3", "v2", "v1"]
    for count, row in zip(range(6, 0, -1), rows, strict=True):
        record = world.record(count)
        assert row[1] == record["at"][:16].replace("T", " ")
        assert row[2] == f"promoted by Zoë 李, unsigned {record['why']}"
        assert row[3] == number(record["metrics"]["roc_auc"], like=0.5)
        measured = live.get(f"v{count}")
        assert row[4] == (f"{measured['value']:.4f} ({measured['low']:.4f} to {measured['high']:.4f})" if measured else "-")
        assert row[5] == f"passed 4 checks against the champion v{count - 1}"
        assert row[6] == number(record["rows"])


def test_only_versions_with_the_same_test_rows_are_joined():
    world.build(6, 0)
    figure = history.measured(history.read(), main_metric(params()), 0.75)
    assert figure.svg.count('class="line"') == 2  # v1 to v4, and v5 with v6
    assert f"{number(world.record(1)['metrics']['roc_auc'])} at 1," in figure.svg


def test_cost_follows_from_the_runs_records_and_the_prices():
    world.build(3, 0)
    html = written(**PRICES)
    for count, row in zip((3, 2, 1), table(html, "Run", "Finished (UTC)"), strict=True):
        used = world.run_record(count)["cost"]
        kwh = used["cpu_seconds"] * 36 / 3_600_000
        money = used["seconds"] / 3600 * 3.6 + kwh * 100
        assert row[:2] == [f"v{count}", world.run_record(count)["finished"][:16].replace("T", " ")]
        figures = (used["seconds"], used["cpu_seconds"], used["peak_memory_mb"], 1000 * kwh, money)
        assert row[2:] == [number(value, like=value) if place > 2 else number(value) for place, value in enumerate(figures)]
    assert "All runs listed: 36 s, 66 CPU s, 0.66 Wh, 0.102 EUR." in text(html)


def test_cost_is_not_made_up_without_prices():
    world.build(1, 0)
    html = written()
    assert table(html, "Run", "Finished (UTC)")[0][5:] == ["-", "-"]
    assert "Energy and money: no prices given." in text(html)


def test_the_run_here_is_shown_until_it_is_promoted():
    world.build(2, 0)
    Path("reports/run.json").write_text(json.dumps(world.run_record(3)), encoding="utf-8")
    assert [row[0] for row in table(written(), "Run", "Finished (UTC)")] == ["not promoted", "v2", "v1"]
    Path("reports/run.json").write_text(json.dumps(world.run_record(2)), encoding="utf-8")
    assert [row[0] for row in table(written(), "Run", "Finished (UTC)")] == ["v2", "v1"]


def test_calls_are_summed_over_the_last_days():
    last = world.build(1, 20)["windows"][-6:]  # of the 7 days up to the day after the last window
    html = written()
    assert table(html, "Caller", "Model") == [
        [caller, "v1", "champion", number(sum(window["callers"][caller] for window in last))] for caller in ("web", "batch")
    ]
    rows = sum(sum(window["callers"].values()) for window in last)
    assert f"{sum(window['requests'] for window in last)} requests with {number(rows)} rows." in text(html)


def test_data_are_those_of_the_ledger_and_of_the_champions_gate():
    world.build(1, 0)
    Path("data").mkdir()
    Path("data/ledger.csv").write_text(
        "file,received,by,source,rows,sha256\n"
        "a.csv,2026-01-01T00:00:00+00:00,Eve <e@x>,web,300,00\nb.csv,2026-01-02T00:00:00+00:00,Bob,disk,1200,00\n"
    )
    html = written()
    assert table(html, "File", "Rows") == [
        ["b.csv", "1,200", "2026-01-02 00:00", "Bob", "disk"],
        ["a.csv", "300", "2026-01-01 00:00", "Eve", "web"],
    ]
    assert "2 deliveries with 1,500 rows, received 2026-01-01 to 2026-01-02." in text(html)
    assert "The champion's training rows: 1,000, 2024-01-01 00:00 to 2025-01-02 00:00." in text(html)
    assert "1,500 at 2 Jan" in html
    assert table(html, "Code", "Check") == [["DUPLICATES", "duplicates", "0.01", "≥ 0.5", "passed"]]


def test_the_model_here_is_shown_as_the_gate_judged_it():
    world.build(1, 0)
    Path("model").mkdir()
    Path("model/manifest.json").write_text("{}")
    checks = [
        {"code": "LIVE", "what": "agreement", "figure": 0.97, "limit": "", "passed": True, "judged": False, "unit": "share"}
    ]
    result = {"passed": False, "refusals": ["FLOOR", "FLOOR", "VALUE"], "against": "v1", "rows": 1200, "checks": checks}
    for name in ("gate", "gate.live"):
        Path(f"reports/{name}.json").write_text(json.dumps(result | {"model": manifest.model_id()}))
    html = written()
    assert "Gate the model here rejected: FLOOR, VALUE" in text(html)
    assert "Against v1, on 1,200 rows: rejected: FLOOR, VALUE." in text(html)
    assert table(html, "Code", "Check")[0] == ["LIVE", "agreement", "97%", "", "not judged"]
    Path("model/manifest.json").write_text("another")
    assert "no result for the model here" in text(written()) and "Challenger on live rows" not in text(written())


def test_one_window_or_version_makes_no_chart():
    report = world.build(1, 1)
    report["windows"][0]["outcomes"] = world.window(0, 1, 1)["outcomes"] | {"due": True}
    assert production.performance(report["windows"], main_metric(params()), 0.75) == []
    assert 'role="img"' not in written()


@pytest.mark.parametrize(
    ("problem", "metric", "label"), [("regression", "mae", "mean absolute error"), ("multiclass", "log_loss", "log loss")]
)
def test_each_problem_has_its_main_metric(monkeypatch, problem, metric, label):
    monkeypatch.setattr(
        world, "record", lambda number, record=world.record: record(number) | {"metrics": {metric: 12.5 + number}}
    )
    world.build(3, 20)
    html = written(problem=problem, metric=metric)
    assert f"Live {label}" in html and f"{label} by version: 13.5 at 1," in html
    assert [row[3] for row in table(html, "Version", "Made (UTC)", "By, and why", f"Test {label}")] == ["15.50", "14.50", "13.50"]
