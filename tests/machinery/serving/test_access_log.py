"""Each response is logged in a line of JSON, without what was asked; what nobody reads is counted and not waited for."""

import json
import logging
import os
import socket
from contextlib import suppress

import pytest
from late_flights.factory import PACKAGE
from late_flights.factory.serving import line_writer, metrics, warm_model

from machinery.serving.service_client import GOOD, INFER, records, rows, serving, wait_until


def lines(capfd):
    return [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]


def test_each_response_is_logged(trained, capfd):
    with serving(ACCESS_LOG=True) as client:
        answered = client.post(GOOD, X_Request_ID="mine-1", X_Caller="shop")
        client.post({"secret": 1}, path="/score?secret=1")
        client.get("/health/live")
        client.get("/secret")
        client.get("/openapi.json?secret=1")
        with socket.create_connection(("127.0.0.1", client.port), 20) as connection:
            connection.sendall(b"secret\r\n\r\n")
            connection.recv(1000)
    log = [line for line in lines(capfd) if line["route"] != "/health/ready"]
    assert [(line["method"], line["route"], line["status"]) for line in log] == [
        ("POST", "/score", 200),
        ("POST", "/score", 422),
        ("GET", "/health/live", 200),
        ("GET", "none", 404),
        ("GET", "/openapi.json", 200),
        (None, None, 400),
    ]
    assert log[0]["request"] == answered.headers["x-request-id"]
    assert (log[0]["client_request"], log[0]["caller"], log[1]["client_request"]) == ("mine-1", "shop", None)
    assert {line["source"] for line in log} == {"127.0.0.1"} and log[0]["milliseconds"] > 0
    assert "secret" not in json.dumps(log)


def test_it_is_turned_off(trained, capfd):
    with serving(ACCESS_LOG=False) as client:
        client.post(GOOD)
    assert not lines(capfd)


def test_refused_requests_are_logged(trained, tmp_path, capfd):
    (tmp_path / "keys").write_text(f"shop {'0' * 64}\n")
    with serving(KEYS=tmp_path / "keys", ACCESS_LOG=True) as client:
        paths = ["/score", INFER, "/secret"]
        assert {client.post(GOOD, path=path, X_Caller="forged").status for path in paths} == {401}
        assert client.metric('factory_requests_total{caller="unknown",route="/score",status="401"}') == 1
    refused = [line for line in lines(capfd) if line["status"] == 401]
    routes = ["/score", INFER.replace(PACKAGE, "{name}"), "none"]
    assert [(line["caller"], line["route"]) for line in refused] == [(None, route) for route in routes]


@pytest.fixture
def full():
    """The ends of a pipe that is full."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    with os.fdopen(reading, "rb") as there, os.fdopen(writing, "w") as here:
        yield there, here


@pytest.mark.parametrize("broken", [False, True])
def test_log_that_nobody_reads_is_lost_and_not_waited_for(trained, monkeypatch, full, broken):
    reading, writing = full
    if broken:
        reading.close()
    monkeypatch.setattr("sys.__stdout__", writing)
    monkeypatch.setattr("late_flights.factory.serving.access_log.MAX_LINES", 20)
    with serving(ACCESS_LOG=True) as client:
        wait_until(lambda: client.post(GOOD).status == 200 and client.metric("factory_access_log_lost_lines_total") > 9)
        reading.close()


def test_errors_that_nobody_reads_are_lost_and_not_waited_for(trained, monkeypatch, full):
    reading, writing = full
    monkeypatch.setattr("sys.stderr", writing)
    monkeypatch.setattr("sys.__stderr__", writing)
    monkeypatch.setattr("late_flights.factory.serving.line_writer.MAX_RECORDS", 20)
    with serving() as client:
        monkeypatch.setattr(warm_model.WarmModel, "score", lambda model, rows: 1 / 0)
        failing = records(rows(20))
        wait_until(lambda: client.post(failing).status == 500 and client.metric("factory_log_lost_lines_total") > 9)
        reading.close()


def test_record_of_the_log_is_short_and_looks_like_one():
    handler = line_writer.LogHandler(metrics.Telemetry().lost_records)
    record = logging.makeLogRecord(
        {"msg": "failed: %s", "args": ("row\nERROR:  forged\rERROR:\u2028ERROR:" + "x" * 10**6 + " end",)}
    )
    first, *others = handler.format(record).split("\n")
    handler.close()
    assert first == "failed: row" and others[0] == "    ERROR:  forged" and others[-1].endswith("x end")
    assert all(line.startswith("    ") for line in others) and sum(map(len, others)) < 5_000
