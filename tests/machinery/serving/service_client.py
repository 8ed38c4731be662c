"""A service of the toy's model on a port of this machine, in a thread of the test's own process."""

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from late_flights.factory.serving import server, settings
from tests.factory import toy

JSON, ARROW, CSV = "application/json", "application/vnd.apache.arrow.stream", "text/csv"
FAST = {"FACTORY_RELOAD": "0.05", "FACTORY_DRAIN": "0"}


class Answer:
    """What came back."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        return json.loads(self.body)

    def problems(self) -> dict[str, str]:
        """What is wrong with each field."""
        assert self.status == 422, (self.status, self.body)
        return {problem["field"]: problem["message"] for problem in self.json()["problems"]}


class Client:
    """Asks the service; `service` is its inside."""

    def __init__(self, port: int, service: Any) -> None:
        self.port, self.service = port, service

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, body: Any, kind: str = JSON, path: str = "/score", **headers: str) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, content, {"Content-Type": kind, **named})

    def metric(self, start: str) -> float:
        """The value of the series whose line starts so; 0 if there is none."""
        lines = self.get("/metrics").body.decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(start)), 0.0)


@contextmanager
def serving(model: str = "model", wait: bool = True, **env: object) -> Iterator[Client]:
    """The service of the model in the folder, until the block ends."""
    chosen = settings.load(FAST | {f"FACTORY_{name}": str(value) for name, value in env.items()})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = server.create_server(chosen, Path(model), "127.0.0.1", port)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        until(lambda: made.started)
        client = Client(port, made.config.app.state.service)  # type: ignore[union-attr]
        if wait:
            until(lambda: client.get("/health/ready").status == 200)
        yield client
    finally:
        made.should_exit = True
        thread.join(20)


def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    """Wait for the condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def rows(height: int = 5, problem: str = "classification") -> pl.DataFrame:
    return toy.rows(height, problem).drop("answer")


def records(table: pl.DataFrame) -> list[dict[str, Any]]:
    return [{**row, "seen": row["seen"].isoformat()} for row in table.to_dicts()]


def arrow(table: pl.DataFrame, **options: Any) -> bytes:
    stream = io.BytesIO()
    table.write_ipc_stream(stream, **options)
    return stream.getvalue()


def csv(table: pl.DataFrame) -> bytes:
    return table.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S").encode()


@pytest.fixture(scope="module")
def module_server(module_project: Path) -> Iterator[Client]:
    """The service of that project."""
    with serving() as client:
        yield client


@pytest.fixture
def unharmed(module_server: Client) -> Iterator[Client]:
    """The same; after the test it still scores."""
    yield module_server
    assert module_server.post(records(rows(1))).status == 200
