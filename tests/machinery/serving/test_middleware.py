"""Requests beyond the limits are rejected at once, and accepted ones are answered."""

import asyncio
import socket
from contextlib import suppress
from types import SimpleNamespace

import pytest
from late_flights.factory.serving import auth, concurrency, metrics, middleware, settings, warm_model

from machinery.serving.service_client import ARROW, CSV, GOOD, arrow, csv, records, rows, serving, wait_for_log


def test_body_too_large(trained):
    table = rows(300)
    with serving(BODY_MB=0.005) as client:
        for response in (client.post(records(table)), client.post(csv(table), CSV), client.post(arrow(table), ARROW)):
            assert response.status == 413 and response.json()["error"] == "the body is larger than 0.005 MB"
        pieces = iter([b" " * 1000] * 50)
        assert client.request("POST", "/score", pieces, {"Content-Type": "application/json"}).status == 413
        assert client.post(GOOD).status == 200


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


def test_failure_is_reported_without_its_reason(trained, monkeypatch, capfd):
    with serving() as client:
        monkeypatch.setattr(warm_model.WarmModel, "score", lambda model, rows: 1 / 0)
        response = client.post(records(rows(20)), X_Request_ID="mine-1")
        assert (response.status, response.headers["x-client-request-id"]) == (500, "mine-1")
        assert "division" not in response.body.decode()
        wait_for_log(capfd, response.headers["x-request-id"])
        assert client.metric('factory_requests_total{caller="unnamed",route="/score",status="500"}') == 1


def test_draining_answers_and_is_not_ready(trained):
    with serving() as client:
        client.service.draining = True
        assert client.get("/health/ready").status == 503 and client.get("/v2/health/ready").status == 503
        assert client.get("/health/live").status == 200
        response = client.post(GOOD)
        assert (response.status, response.headers["connection"]) == (200, "close")


@pytest.mark.parametrize(("keys", "places", "megabytes"), [({}, 64, 1000), ({"FACTORY_KEYS": "keys"}, 48, 750)])
def test_one_caller_leaves_room_for_others(keys, places, megabytes):
    limit = concurrency.ConcurrencyLimit(settings.load(keys), metrics.Telemetry())
    for _ in range(places):
        limit.enter("greedy")
    held = [limit.reserve("greedy", 0, 50_000_000) for _ in range(megabytes // 50)]
    with pytest.raises(concurrency.Rejected):
        limit.enter("greedy")
    with pytest.raises(concurrency.Rejected):
        limit.reserve("greedy", 0, 1)
    if keys:
        limit.enter("other")
        limit.reserve("other", 0, 50_000_000)
    for size in held:
        limit.reserve("greedy", size, 0)
        limit.leave("greedy")
    limit.enter("greedy")
    limit.reserve("greedy", 0, 50_000_000)


@pytest.mark.parametrize(
    ("memory", "setting", "expected"),
    [(2**31, None, 2**28), (2**40, None, 10**9), (2**28, None, 64 * 10**6), (2**28, 300, 300 * 10**6)],
)
def test_bodies_leave_most_of_the_memory(memory, setting, expected, monkeypatch):
    monkeypatch.setattr(concurrency, "memory", lambda: memory)
    assert concurrency.max_bytes(settings.Settings(bodies_mb=setting)) == expected


def test_metrics_are_served_one_after_another_even_if_they_are_not_read():
    options, begun, at_once = settings.load({}), [], set()
    state = SimpleNamespace(
        settings=options, callers=auth.Callers(options), telemetry=metrics.Telemetry(), draining=False, access_log=None
    )
    scope = {"type": "http", "path": "/metrics", "method": "GET", "headers": [], "state": {}, "client": None}

    async def serve(scope, receive, send):
        begun.append(1)
        await asyncio.sleep(0)
        at_once.add(len(begun))
        begun.pop()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def run():
        sent, read = [], asyncio.Event()

        async def send(message):
            sent.append(message)
            await read.wait()

        limits = middleware.LimitsMiddleware(serve, state, [])
        asked = [asyncio.create_task(limits(dict(scope), None, send)) for _ in range(5)]
        while len(sent) < 5:
            await asyncio.sleep(0)
        read.set()
        await asyncio.gather(*asked)

    asyncio.run(asyncio.wait_for(run(), 10))
    assert at_once == {1}
