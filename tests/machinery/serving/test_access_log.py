"""Each response is logged in a line of JSON, without what was asked; what nobody reads is counted and not waited for."""

import json
import os
import socket
from contextlib import suppress

import pytest
from late_flights.factory import PACKAGE

from machinery.serving.service_client import GOOD, INFER, serving, wait_until


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


@pytest.mark.parametrize("broken", [False, True])
def test_log_that_nobody_reads_is_lost_and_not_waited_for(trained, monkeypatch, broken):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    if broken:
        os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr("sys.__stdout__", pipe)
        monkeypatch.setattr("late_flights.factory.serving.access_log.MAX_LINES", 20)
        with serving(ACCESS_LOG=True) as client:
            wait_until(lambda: client.post(GOOD).status == 200 and client.metric("factory_access_log_lost_lines_total") > 9)
            if not broken:
                os.close(reading)
