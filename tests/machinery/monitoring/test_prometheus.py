"""The file for Prometheus has what is open, what could not be judged, and the figures of the newest windows."""

import time

from late_flights.factory.monitoring import prometheus
from prometheus_client.parser import text_string_to_metric_families

from machinery.monitoring.reports import check, report, window


def written(tmp_path, content):
    """By name and labels, in the order of their names, the values in the file."""
    prometheus.write(content, tmp_path / "reports/monitor.prom")
    families = text_string_to_metric_families((tmp_path / "reports/monitor.prom").read_text())
    samples = [sample for family in families for sample in family.samples]
    return {
        (sample.name.removeprefix("factory_monitor_"), *dict(sorted(sample.labels.items())).values()): sample.value
        for sample in samples
    }


def incident(code, column, open_=True):
    return {"model": "v1", "code": code, "column": column, "from": "2026-05-03", "open": open_}


def test_alerts_that_are_open_and_states(tmp_path):
    alerts = [incident("BIAS", None), incident("MISSING_VALUES", 'a "b"\\'), incident("UNSEEN_VALUES", "c", open_=False)]
    content = report(alerts=alerts, states=[{"code": "NO_REFERENCE", "text": "none"}])
    before = time.time()
    values = written(tmp_path, content)
    assert before <= values.pop(("last_run_timestamp_seconds",)) <= time.time()
    assert values == {
        ("until_timestamp_seconds",): 1780272000,  # the end of 31 May
        ("alert", "BIAS", "", "v1", "2026-05-03"): 1,
        ("alert", "MISSING_VALUES", 'a "b"\\', "v1", "2026-05-03"): 1,
        ("state", "NO_REFERENCE"): 1,
    }


def test_figures_are_those_of_the_newest_windows_and_outcomes_come_later(tmp_path):
    windows = [
        window("2026-05-01", check("BIAS"), labelled=240),
        window("2026-05-02", check("PSI", column="distance", tier="gauge"), check("ROWS", tier="gauge") | {"limit": None}),
        window("2026-05-01", check("BIAS"), model="v0"),
    ]
    values = written(tmp_path, report(*windows))
    assert {key: value for key, value in values.items() if len(key) > 1} == {
        ("window_rows", "v1", "champion"): 300,
        ("value", "PSI", "distance", "v1", "champion", "gauge"): 2,
        ("limit", "PSI", "distance", "v1", "champion", "gauge"): 1,
        ("value", "ROWS", "", "v1", "champion", "gauge"): 2,
        ("outcome_coverage", "v1", "champion"): 0.8,
        ("metric", "value", "v1", "roc_auc", "champion"): 0.8,
        ("metric", "low", "v1", "roc_auc", "champion"): 0.7,
        ("metric", "high", "v1", "roc_auc", "champion"): 0.9,
    }
