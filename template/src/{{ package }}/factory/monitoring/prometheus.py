"""What monitoring has found as a file for the node exporter's textfile collector."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from ..paths import REPORTS

FILE = REPORTS / "monitor.prom"
Json = Mapping[str, Any]


def write(report: Json, path: Path = FILE) -> None:
    """Write the state of reports/monitor.json, and that monitoring has just run; atomically."""
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    gauge = partial(Gauge, namespace="factory_monitor", registry=registry)
    gauge("last_run_timestamp_seconds", "When monitoring last finished").set(time.time())
    end = datetime.fromisoformat(report["until"]).replace(tzinfo=UTC) + timedelta(days=1)
    gauge("until_timestamp_seconds", "End of the last day that was looked at").set(end.timestamp())
    about = ["model", "code", "column"]
    for name, text in (("alerts", "1 for each open alert"), ("notices", "1 for each open notice")):
        incidents = gauge(name.removesuffix("s"), text, [*about, "since"])
        for each in report[name]:
            if each["open"]:
                incidents.labels(each["model"], each["code"], each["column"] or "", each["from"]).set(1)
    states = gauge("state", "1 for each reason why something could not be evaluated", ["code"])
    for each in report["states"]:
        states.labels(each["code"]).set(1)
    _write_windows(report, gauge)
    path.parent.mkdir(exist_ok=True)
    write_to_textfile(str(path), registry)


def _write_windows(report: Json, gauge: Any) -> None:
    """The newest windows, one of each model and role, and of the same the newest ones with outcomes."""
    labels = ["model", "role"]
    rows = gauge("window_rows", "Rows of the newest window", labels)
    values = gauge("value", "What was measured in the newest window", [*labels, "tier", "code", "column"])
    limits = gauge("limit", "What it may be", [*labels, "tier", "code", "column"])
    coverage = gauge("outcome_coverage", "Share of rows with an outcome, in the newest window that has any", labels)
    metric = gauge("metric", "The main metric there, with its 95% interval", [*labels, "name", "bound"])
    for own, window in _newest(report["windows"]).items():
        rows.labels(*own).set(window["rows"])
        for check in window["checks"]:
            for figures, figure in ((values, check["value"]), (limits, check["limit"])):
                if figure is not None:
                    figures.labels(*own, check["tier"], check["code"], check["column"] or "").set(figure)
    for own, window in _newest(each for each in report["windows"] if (each["outcomes"] or {}).get("rows")).items():
        coverage.labels(*own).set(window["outcomes"]["coverage"])
        if measured := window["outcomes"]["metric"]:
            for bound in ("value", "low", "high"):
                metric.labels(*own, measured["name"], bound).set(measured[bound])


def _newest(windows: Iterable[Json]) -> dict[tuple[str, str], Json]:
    """By model and role its newest window, if none of another is newer."""
    last = {(each["model"], each["role"]): each for each in sorted(windows, key=lambda each: str(each["from"]))}
    end = max((each["to"] for each in last.values()), default="")
    return {own: each for own, each in last.items() if each["to"] == end}
