"""A client, and a service of the toy's model on a local port, in a thread of the test process."""

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
from late_flights.factory import PACKAGE
from late_flights.factory.serving import server, settings
from tests.factory import toy

JSON, ARROW, CSV = "application/json", "application/vnd.apache.arrow.stream", "text/csv"
MODEL = f"/v2/models/{PACKAGE}"
INFER = f"{MODEL}/infer"
FAST = {"FACTORY_RELOAD": "0.05", "FACTORY_DRAIN": "0", "FACTORY_ACCESS_LOG": "false"}


class Response:
    """Status, headers and body."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        return json.loads(self.body)

    def problems(self) -> dict[str, str]:
        """What is wrong with each field."""
        assert self.status == 422, (self.status, self.body)
        return {problem["field"]: problem["message"] for problem in self.json()["problems"]}


class Client:
    """Sends requests to the service; `service` is its state."""

    def __init__(self, port: int, service: Any) -> None:
        self.port, self.service = port, service

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Response:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, headers, response.read())

    def get(self, path: str) -> Response:
        return self.request("GET", path)

    def post(self, body: Any, kind: str = JSON, path: str = "/score", **headers: str) -> Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, content, {"Content-Type": kind, **named})

    def infer(self, head: Any, tail: bytes) -> Response:
        """The response to tensors whose data follow the JSON as bytes."""
        content = head if isinstance(head, bytes) else json.dumps(head).encode()
        return self.post(content + tail, path=INFER, Inference_Header_Content_Length=str(len(content)))

    def metric(self, start: str) -> float:
        """The value of the first series whose line starts like this; 0 if there is none."""
        lines = self.get("/metrics").body.decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(start)), 0.0)


@contextmanager
def serving(model: str = "model", wait: bool = True, **env: object) -> Iterator[Client]:
    """The service of the model in the folder, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = settings.load(FAST | {f"FACTORY_{name}": str(value) for name, value in env.items()})
    running = server.create_server(options, Path(model), "127.0.0.1", port)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        wait_until(lambda: running.started)
        client = Client(port, running.service)
        if wait:
            wait_until(lambda: client.get("/health/ready").status == 200)
        yield client
    finally:
        running.should_exit = True
        thread.join(20)


def wait_until(condition: Callable[[], Any], seconds: float = 10) -> None:
    """Until the condition holds; a service that does not answer yet may do so later."""
    end = time.monotonic() + seconds
    while True:
        reason = "it did not happen"
        try:
            if condition():
                return
        except OSError as error:
            reason = repr(error)
        assert time.monotonic() < end, reason
        time.sleep(0.01)


def wait_for_log(capfd: pytest.CaptureFixture[str], text: str) -> None:
    """Until the text is on standard error, where a thread writes it."""
    read: list[str] = []
    wait_until(lambda: read.append(capfd.readouterr().err) or text in "".join(read))


def rows(height: int = 5, problem: str = "classification") -> pl.DataFrame:
    return toy.rows(height, problem).drop("answer")


def records(table: pl.DataFrame) -> list[dict[str, Any]]:
    return [{**row, "seen": row["seen"].isoformat()} for row in table.to_dicts()]


def tensors(table: pl.DataFrame) -> list[dict[str, Any]]:
    """The columns as tensors of the Open Inference Protocol, their data as JSON."""
    texts = table.with_columns(pl.col("seen").dt.to_string("iso:strict"), pl.col("kind").cast(str))
    datatypes = {"amount": "FP64", "gap": "INT16"}
    return [
        {"name": column.name, "shape": [column.len()], "datatype": datatypes.get(column.name, "BYTES"), "data": column.to_list()}
        for column in texts
    ]


def arrow(table: pl.DataFrame, **options: Any) -> bytes:
    stream = io.BytesIO()
    table.write_ipc_stream(stream, **options)
    return stream.getvalue()


def csv(table: pl.DataFrame) -> bytes:
    return table.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S").encode()


GOOD = records(rows(1))[0]
"""A valid record of the toy."""


@pytest.fixture(scope="module")
def module_client(module_project: Path) -> Iterator[Client]:
    """A client of the service of that project; other projects may be the current folder meanwhile."""
    with serving(str(module_project / "model")) as client:
        yield client


@pytest.fixture
def client(module_client: Client) -> Iterator[Client]:
    """The same, which checks after each test that the service still scores."""
    yield module_client
    assert module_client.post(GOOD).status == 200
