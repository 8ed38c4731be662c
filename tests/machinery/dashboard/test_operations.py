"""What Prometheus knows of the services, by its HTTP interface."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from late_flights.factory.dashboard import operations
from late_flights.factory.errors import CannotEvaluate
from late_flights.factory.serving.metrics import Telemetry
from tests.factory import git_repository

from machinery.dashboard import world
from machinery.dashboard.page_reader import table, text, written
from machinery.evaluation.assessment_factory import EVIL

UNTIL = "2025-01-21"
END = 1737504000  # of that day, in UTC
ANSWERS = {
    "requests": [({"caller": "web", "status": s}, n) for s, n in (("200", 90.2), ("422", 6.9), ("503", 3.1))],
    "rows": [({"caller": "web", "model": m, "role": "champion"}, n) for m, n in (("v1", 300), ("v2", 100))],
    "cpu": [({"caller": "web"}, 40), ({"caller": EVIL}, 0)],
    "median": [({"caller": "web"}, 0.004)],
    "p95": [({"caller": "web"}, 0.021)],
    "p99": [({"caller": "web"}, "NaN")],
    "memory": [({"instance": "model:8000"}, 250_000_000)],
    "process_cpu": [({"instance": "model:8000"}, 55)],
    "lost": [({"reason": "disk"}, 12)],
}


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A Prometheus that has these answers; the queries that it was asked."""
    queries = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            queries.append(query)
            name = next(name for name, text in operations.QUERIES.items() if text == query["query"])
            result = [{"metric": labels, "value": [END, str(value)]} for labels, value in ANSWERS[name]]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"status": "success", "data": {"result": result}}).encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    git_repository.environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACTORY_PROMETHEUS", f"http://127.0.0.1:{server.server_port}/")
    yield queries
    server.shutdown()
    server.server_close()


def test_figures_are_those_of_prometheus(asked):
    world.build(2, 20, until=UNTIL)
    html = written(watts=36.0)
    assert {query["time"] for query in asked} == {f"{END}"} and len(asked) == len(operations.QUERIES)
    web, evil = table(html, "Caller", "Requests")
    assert web == ["web", "100", "7", "3", "4", "21", "-", "40.00"]
    assert evil[1:] == ["0", "0", "0", "-", "-", "-", "0"] and EVIL not in html
    assert table(html, "Instance") == [["model:8000", "250.0", "55.00"]]
    assert table(html, "Model", "CPU, s") == [["v1", "30", "0.3000"], ["v2", "10", "0.1000"]]
    assert "lost instead of captured: 12 (disk)" in text(html)


@pytest.mark.parametrize("address", ["http://user:secret@127.0.0.1:9", "127.0.0.1:9", "file:///etc/passwd"])
def test_one_that_is_away_is_a_state_and_its_password_no_text(tmp_path, monkeypatch, address):
    git_repository.environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACTORY_PROMETHEUS", address)
    world.build(0, 0)
    words = text(written())
    assert "UNREACHABLE FACTORY_PROMETHEUS: no figures" in words and "secret" not in words


def test_is_asked_for_the_days_before_today_where_monitoring_has_not_run(asked):
    operations.ask(operations.address(), None)
    assert all(float(query["time"]) % 86_400 == 0 and float(query["time"]) > END for query in asked)


def test_an_answer_that_is_none_is_refused(asked, monkeypatch):
    monkeypatch.setitem(ANSWERS, "rows", [({}, "much")])
    with pytest.raises(CannotEvaluate, match=r"UNREACHABLE.*ValueError"):
        operations.ask(operations.address(), UNTIL)


def test_asks_for_what_services_expose():
    telemetry = Telemetry()
    telemetry.seconds("web").observe(0.01)  # without a label there is no series
    exposed = telemetry.exposition().decode()
    asked_for = {name for query in operations.QUERIES.values() for name in re.findall(r"(?:factory|process)_\w+", query)}
    known = {name.removesuffix("_total") for name in re.findall(r"^# TYPE (\S+)", exposed, re.MULTILINE)}
    assert {re.sub("_(?:total|bucket)$", "", name) for name in asked_for} <= known
