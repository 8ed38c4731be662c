"""What the services report to Prometheus: calls, errors, latency, CPU and memory."""

import math
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests

from ..errors import CannotEvaluate

ADDRESS = "FACTORY_PROMETHEUS"
SECONDS = 5  # for a response
SPAN = "7d"
OF_SERVICE = f"and on (instance, job) last_over_time(factory_connections[{SPAN}])"
LATENCY = f"sum by (caller, le) (increase(factory_request_seconds_bucket[{SPAN}]))"
QUERIES = {
    "requests": f"sum by (caller, status) (increase(factory_requests_total[{SPAN}]))",
    "rows": f"sum by (caller, model, role) (increase(factory_rows_total[{SPAN}]))",
    "cpu": f"sum by (caller) (increase(factory_cpu_seconds_total[{SPAN}]))",
    "median": f"histogram_quantile(0.5, {LATENCY})",
    "p95": f"histogram_quantile(0.95, {LATENCY})",
    "p99": f"histogram_quantile(0.99, {LATENCY})",
    "memory": f"max_over_time(process_resident_memory_bytes[{SPAN}]) {OF_SERVICE}",
    "process_cpu": f"increase(process_cpu_seconds_total[{SPAN}]) {OF_SERVICE}",
    "lost": f"sum by (reason) (increase(factory_capture_lost_rows_total[{SPAN}])) > 0",
}
"""In PromQL, over the days before the time that is asked for."""

USE = {
    "cpu_seconds": "sum(increase(process_cpu_seconds_total[{span}]) and on (instance, job) last_over_time(factory_connections[{span}]))",
    "hours": "sum_over_time(count(factory_connections)[{span}:10m]) * 10 / 60",  # looked at every 10 minutes
}
"""In PromQL, what all services together have used in a span: of the processors, and how long they ran."""

Found = dict[str, list[tuple[dict[str, str], float]]]


def address() -> str | None:
    """Where Prometheus is, if that is set."""
    return os.environ.get(ADDRESS) or None


def ask(server: str, until: str | None) -> Found:
    """By query, labels and values at the end of the day. Raises CannotEvaluate."""
    day = date.fromisoformat(until) + timedelta(days=1) if until else datetime.now(UTC).date()
    at = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    with requests.Session() as session:
        return {name: _query(session, server, text, at) for name, text in QUERIES.items()}


def use(server: str, since: datetime, until: datetime) -> dict[str, float]:
    """CPU seconds of all services, and the hours that they ran, summed up. Raises CannotEvaluate."""
    span = f"{max(1, round((until - since).total_seconds()))}s"
    with requests.Session() as session:
        found = {name: _query(session, server, text.format(span=span), until.timestamp()) for name, text in USE.items()}
    if not all(found.values()):
        raise CannotEvaluate("NO_FIGURES", f"{ADDRESS}: Prometheus knows no service since {since:%Y-%m-%d}")
    return {name: values[0][1] for name, values in found.items()}


def callers(found: Found) -> list[dict[str, Any]]:
    """What each caller has used, those with the most requests first."""
    rows: dict[str, dict[str, Any]] = {}
    for labels, value in found["requests"]:
        row = _of(rows, labels)
        kind = {"4": "refused", "5": "failed"}.get(labels.get("status", "")[:1])
        row["requests"] += value
        if kind:
            row[kind] += value
    for name in ("cpu", "median", "p95", "p99"):
        for labels, value in found[name]:
            _of(rows, labels)[name] = value
    return sorted(rows.values(), key=lambda row: (-row["requests"], row["caller"]))


def instances(found: Found) -> list[dict[str, Any]]:
    """The services and what their processes have used."""
    memory = {labels.get("instance", ""): value for labels, value in found["memory"]}
    cpu = {labels.get("instance", ""): value for labels, value in found["process_cpu"]}
    return [
        {"instance": name, "memory_mb": memory.get(name, 0.0) / 1e6, "cpu": cpu.get(name)}
        for name in sorted(memory | cpu)
    ]


def cpu_by_model(found: Found) -> dict[str, float]:
    """CPU seconds of scoring: each caller's, divided among the models by the rows that they scored for it."""
    total: dict[str, float] = {}
    used = {labels.get("caller", ""): value for labels, value in found["cpu"]}
    scored: dict[str, float] = {}
    for labels, rows in found["rows"]:
        scored[labels.get("caller", "")] = scored.get(labels.get("caller", ""), 0.0) + rows
    for labels, rows in found["rows"]:
        caller, model = labels.get("caller", ""), labels.get("model", "")
        if scored[caller]:
            total[model] = total.get(model, 0.0) + used.get(caller, 0.0) * rows / scored[caller]
    return total


def _of(rows: dict[str, dict[str, Any]], labels: Mapping[str, str]) -> dict[str, Any]:
    caller = labels.get("caller", "")
    empty = {"requests": 0.0, "refused": 0.0, "failed": 0.0, "cpu": None, "median": None, "p95": None, "p99": None}
    return rows.setdefault(caller, {"caller": caller} | empty)


def _query(session: requests.Session, server: str, text: str, at: float) -> list[tuple[dict[str, str], float]]:
    host = urlsplit(server).netloc.rpartition("@")[2]
    address, query = f"{server.rstrip('/')}/api/v1/query", {"query": text, "time": f"{at:.0f}"}
    try:
        response = session.get(address, params=query, timeout=SECONDS)
        response.raise_for_status()
        found = response.json()["data"]["result"]
        values = [(each["metric"], float(each["value"][1])) for each in found]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        reason = f"status {status}" if status else type(error).__name__
        raise CannotEvaluate("UNREACHABLE", f"{ADDRESS}: no figures from Prometheus at {host}: {reason}") from error
    known = ((labels, value) for labels, value in values if math.isfinite(value))
    return sorted(known, key=lambda each: sorted(each[0].items()))
