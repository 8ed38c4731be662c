"""More than the limits allow is sent away at once, and those who were let in are answered."""

import socket
from contextlib import suppress

import pytest
from late_flights.factory import errors
from late_flights.factory.serving import settings

from machinery.serving.service_client import ARROW, CSV, arrow, csv, records, rows, serving

GOOD = records(rows(1))[0]


def test_body_too_large(trained):
    table = rows(300)
    with serving(BODY_MB=0.005) as client:
        for answer in (client.post(records(table)), client.post(csv(table), CSV), client.post(arrow(table), ARROW)):
            assert answer.status == 413 and answer.json()["error"] == "the body is larger than 0.005 MB"
        assert client.ask("POST", "/score", iter([b" " * 1000] * 50), {"Content-Type": "application/json"}).status == 413
        assert client.post(GOOD).status == 200


def test_json_has_a_limit_of_its_own(trained):
    with serving() as client:
        assert client.post(b" " * 4_000_001).json()["error"] == "the body is larger than 4 MB"


@pytest.mark.parametrize("problem", ["regression"])
def test_too_many_rows(trained, problem):
    with serving(ROWS=3) as client:
        for height, status in ((3, 200), (4, 413)):
            table = rows(height, problem)
            bodies = [(records(table), "application/json"), (csv(table), CSV), (arrow(table), ARROW)]
            assert [client.post(*body).status for body in bodies] == [status] * 3


@pytest.mark.parametrize("path", ["/health/live", "/nowhere"])
def test_body_that_nobody_waits_for_has_to_end(trained, path):
    with serving(SECONDS=0.3) as client, socket.create_connection(("127.0.0.1", client.port), 20) as slow:
        slow.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode())
        assert slow.recv(10_000).startswith(b"HTTP/1.1 40")
        with suppress(ConnectionError):
            assert slow.recv(10) == b""


def test_failure_is_told_without_its_reason(trained, monkeypatch, capsys):
    with serving() as client:
        monkeypatch.setattr(client.service, "score", lambda call, rows: 1 / 0)
        answer = client.post(GOOD, X_Request_ID="mine-1")
        assert (answer.status, answer.headers["x-request-id"]) == (500, "mine-1")
        assert "division" not in answer.body.decode() and "mine-1" in capsys.readouterr().err
        assert client.metric('factory_requests_total{caller="unnamed",route="/score",status="500"}') == 1


def test_draining_answers_and_is_not_ready(trained):
    with serving() as client:
        client.service.draining = True
        assert client.get("/health/ready").status == 503 and client.get("/v2/health/ready").status == 503
        assert client.get("/health/live").status == 200
        answer = client.post(GOOD)
        assert (answer.status, answer.headers["connection"]) == (200, "close")


WRONG = {
    "BODY_MB": "much",
    "ROWS": "0",
    "SHARE": "0.5",
    "SHADOW": "1",
    "CHALLENGER": "other",
    "MISSPELT": "1",
    "SECONDS": "inf",
    "CAPTURE_DAYS": "1000000",
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_setting_is_named(name):
    with pytest.raises(errors.FactoryError, match=f"FACTORY_{name}"):
        settings.load({f"FACTORY_{name}": WRONG[name]})
