"""Clients beyond the limits and slow ones are rejected, and all others are served."""

import asyncio
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest
from late_flights.factory.serving import uvicorn_internals, warm_model

from machinery.serving.service_client import GOOD, records, rows, serving, wait_until


class SlowRequest:
    """A request whose body is not sent until `finish`."""

    def __init__(self, client, path="/score", body=GOOD, **headers):
        self.body = json.dumps(body).encode()
        self.socket = socket.create_connection(("127.0.0.1", client.port), 20)
        lines = {"Content-Type": "application/json", "Content-Length": len(self.body), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.socket.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode() + self.body[:9])

    def finish(self):
        with closing(self.socket):
            self.socket.sendall(self.body[9:])
            return self.socket.recv(10_000)


@contextmanager
def in_flight(client, number, **headers):
    """So many requests in progress while the block runs."""
    released, respond = threading.Event(), client.service.respond

    async def wait_and_respond(context, request, requested):
        while len(request.content) > 1000 and not released.is_set():
            await asyncio.sleep(0.01)
        return await respond(context, request, requested)

    client.service.respond = wait_and_respond
    with ThreadPoolExecutor(number) as pool:
        requests = [pool.submit(client.post, records(rows(300)), **headers) for _ in range(number)]
        try:
            wait_until(lambda: f"factory_in_flight {number}.0" in client.service.telemetry.exposition().decode())
            yield requests
        finally:
            released.set()


def test_too_many_at_once(trained):
    with serving(CONCURRENCY=3) as client:
        with in_flight(client, 3) as requests:
            refused = client.post(GOOD)
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            assert client.get("/health/ready").status == 200
        assert all(request.result().status == 200 for request in requests)
        assert client.post(GOOD).status == 200
        assert client.metric('factory_requests_total{caller="unnamed",route="/score",status="503"}') == 1


def test_too_many_of_one_caller(trained):
    with serving(CONCURRENCY=3, CALLER_CONCURRENCY=1) as client:
        with in_flight(client, 1, X_Caller="greedy") as requests:
            refused = client.post(GOOD, X_Caller="greedy")
            assert (refused.status, refused.headers["retry-after"]) == (429, "1")
            assert client.post(GOOD, X_Caller="modest").status == 200
        assert requests[0].result().status == 200


def test_bodies_on_the_way_keep_nobody_out(trained):
    with serving(CONCURRENCY=2, BODIES_MB=0.05) as client:
        slow = [SlowRequest(client) for _ in range(5)]
        assert client.post(GOOD).status == 200
        assert all(b"200 OK" in request.finish() for request in slow)


def test_too_many_bodies_at_once(trained):
    with serving(BODIES_MB=0.05) as client:
        assert client.post(b" " * 40_000 + json.dumps(GOOD).encode()).status == 200
        assert client.post(b" " * 60_000).headers["retry-after"] == "1"
        assert client.post(b" " * 40_000 + json.dumps(GOOD).encode()).status == 200


def test_those_who_come_together_are_counted_before_one_is_served(trained):
    with serving(CONCURRENCY=2) as client, ThreadPoolExecutor(24) as pool:
        statuses = list(pool.map(lambda _: client.post(GOOD).status, range(240)))
        assert set(statuses) <= {200, 503} and 200 in statuses
        assert client.post(GOOD).status == 200


def test_slow_body_is_given_up(trained):
    with serving(SECONDS=0.3) as client:
        slow = SlowRequest(client)
        assert b"408" in slow.socket.recv(10_000)
        assert slow.socket.recv(10) == b""
        slow.socket.close()
        assert client.metric("factory_in_flight") == 0


def test_body_that_leaves_too_little_time_for_scoring_costs_no_worker(trained):
    with serving(SECONDS=4) as client:
        slow = SlowRequest(client, body=records(rows(20)))
        time.sleep(2.2)  # of four seconds
        assert b"408" in slow.finish()
        assert client.post(records(rows(20))).status == 200
        assert client.metric("factory_worker_restarts_total") == 0


def test_slow_work_is_given_up(trained, monkeypatch):
    given_up = threading.Event()
    with serving(SECONDS=1) as client:
        monkeypatch.setattr(warm_model.WarmModel, "score", lambda model, rows: given_up.wait(20))
        response = client.post(records(rows(300)))
        given_up.set()
        assert (response.status, response.headers["retry-after"]) == (503, "1")


def received(connection):
    """What is received, which is nothing also where the connection had ended before the last part was sent."""
    with suppress(ConnectionResetError):
        return connection.recv(10)
    return b""


@pytest.mark.parametrize("sent", [b"", b"POST /score HTTP/1.1\r\nHo"])
def test_slow_header_is_given_up(trained, sent):
    with serving(HEADER_SECONDS=0.3) as client, socket.create_connection(("127.0.0.1", client.port), 20) as slow:
        slow.sendall(sent)
        assert received(slow) == b""


def test_slow_header_of_a_second_request_is_given_up(trained):
    with serving(HEADER_SECONDS=1) as client, socket.create_connection(("127.0.0.1", client.port), 20) as slow:
        slow.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in slow.recv(1000)
        slow.sendall(b"GET /hea")
        assert received(slow) == b""


def test_too_many_connections(trained):
    with serving(CONNECTIONS=2) as client, in_flight(client, 2):
        refused = client.post(GOOD)
        assert (refused.status, refused.json()["error"]) == (503, "too many connections")
        assert refused.headers["retry-after"] == "1"
        assert client.get("/health/live").status == client.get("/health/ready").status == 200


def test_connections_beyond_the_limit_make_room_for_health(trained):
    with serving(CONNECTIONS=2) as client, in_flight(client, 2), ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", client.port), 20)) for _ in range(50)]
        assert client.get("/health/live").status == 200
        assert b"503" in silent[0].recv(1000)


BEGUN = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "sent", [b"", BEGUN, BEGUN + b"Content-Length: 99\r\n\r\n[", BEGUN[:20] + b"\r\nContent-Length: 9\r\n\r\n"]
)
def test_connections_without_a_request_make_room(trained, sent):
    with serving(CONNECTIONS=20) as client, ExitStack() as stack:
        for _ in range(50):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", client.port), 20))
            connection.sendall(sent)
            assert client.get("/health/live").status == client.post(GOOD).status == 200


def test_responses_that_nobody_reads_make_room(trained):
    ask = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving(CONNECTIONS=20) as client, ExitStack() as stack:
        for _ in range(50):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", client.port))
            connection.sendall(ask * 9)
            assert connection.recv(9) == b"HTTP/1.1 "
        wait_until(lambda: client.get("/health/live").status == 200)


def test_connection_that_is_used_is_not_the_first_to_make_room(trained):
    with serving(CONNECTIONS=20) as client, ExitStack() as stack:
        used = stack.enter_context(socket.create_connection(("127.0.0.1", client.port), 20))
        for _ in range(50):
            stack.enter_context(socket.create_connection(("127.0.0.1", client.port), 20)).sendall(BEGUN)
            used.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in used.recv(1000)


def test_what_is_in_flight_is_answered_at_the_end(trained):
    with serving() as client:
        slow = SlowRequest(client)
        assert client.get("/health/live").status == 200  # the one before it is let in
        answers = []
        late = threading.Timer(0.8, lambda: answers.append(slow.finish()))
        late.start()
    late.join()
    assert b"200 OK" in answers[0]


def test_client_that_has_connected_at_the_end_may_still_ask(trained):
    with serving(DRAIN=5) as client:
        connection = socket.create_connection(("127.0.0.1", client.port), 20)
        assert client.get("/health/live").status == 200
        answers = []

        def ask():
            with closing(connection):
                connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
                answers.append(connection.recv(1000))

        late = threading.Timer(0.9, ask)
        late.start()
    late.join()
    assert b"200 OK" in answers[0]


def test_silent_client_does_not_hold_the_end(trained, monkeypatch):
    monkeypatch.setattr(uvicorn_internals, "FIRST_REQUEST_SECONDS", 0.2)
    with serving(DRAIN=60, HEADER_SECONDS=60) as client:
        connection = socket.create_connection(("127.0.0.1", client.port), 20)
        assert client.get("/health/live").status == 200
    with closing(connection):
        assert connection.recv(10) == b""
