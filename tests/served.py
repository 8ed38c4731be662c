"""A project with two models that `factory serve` serves, and its clients."""

import base64
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

from workshop import Project, free_port, installed, wait

ENDED = (0, -signal.SIGTERM, 128 + signal.SIGTERM)  # uvicorn dies of the signal once all is done
LIFE = 600  # seconds after which a server ends by itself, whatever became of the test
JSON, ARROW, CSV = "application/json", "application/vnd.apache.arrow.stream", "text/csv"
INFER = "/v2/models/served/infer"

PREPARE = """
import io, json, sys
import polars as pl
from served import Scorer, contract

rows = pl.read_parquet("data/prepared/test.parquet").select(contract.Row.column_names())
text = pl.col("scheduled_departure").dt.to_string("iso:strict")
records = rows.with_columns(text).to_dicts()
stream = io.BytesIO()
rows.write_ipc_stream(stream)
open("rows.arrow", "wb").write(stream.getvalue())
rows.with_columns(text).write_csv("rows.csv")
rows.write_parquet("rows.parquet")
rows.head(200).write_ipc_stream("few.arrow")
scores = {name: Scorer.load(name).score(rows)["score"].to_list() for name in sys.argv[1:]}
json.dump({"records": records, "scores": scores}, open("rows.json", "w"))
"""


class ServedProject(Project):
    """A project with two models, and the rows of its test part in all formats; `tls` is set while it is served by HTTPS."""

    tls: ssl.SSLContext | None = None
    key: str | None = None

    def __init__(self, folder: Path, bin: Path) -> None:
        super().__init__(folder, bin)
        self.port = free_port()

    @cached_property
    def expected(self) -> dict:
        return json.loads((self.folder / "rows.json").read_text("utf-8"))

    @cached_property
    def records(self) -> list[dict]:
        return self.expected["records"]

    def version(self, model: str) -> str:
        return hashlib.sha256((self.folder / model / "manifest.json").read_bytes()).hexdigest()[:12]

    def connect(self) -> HTTPConnection:
        if self.tls:
            return HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.tls)
        return HTTPConnection("127.0.0.1", self.port, timeout=30)

    def request(self, method: str, path: str, body: object = None, kind: str = JSON, **headers: str) -> tuple[int, bytes]:
        """Status and body of the response, on a connection of its own."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind, _, length = kind.partition("|")  # of tensors as bytes: where the JSON before them ends
        named = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"X-API-Key": self.key, **named} if self.key else named
        named |= {"Inference-Header-Content-Length": length} if length else {}
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, content, named)
            response = connection.getresponse()
            return response.status, response.read()

    def score(self, body: object, kind: str = JSON) -> bytes:
        status, content = self.request("POST", "/score", body, kind)
        assert status == 200, content
        return content

    def metric(self, start: str) -> float:
        """The sum of the series whose lines start so."""
        lines = self.request("GET", "/metrics")[1].decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))

    def hammer(self, **options: object) -> subprocess.Popen[str]:
        """Many requests from a process of its own; `statuses` waits for it."""
        command = [sys.executable, str(Path(__file__).with_name("hammer.py"))]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdin.write(json.dumps({"port": self.port, **options}))
        process.stdin.close()
        process.stdin = None
        return process

    @contextlib.contextmanager
    def serving(self, model: str = "a", otlp: str | None = None, **env: object) -> Iterator[subprocess.Popen[str]]:
        """The service while the block runs; afterwards it has ended, without a traceback, and `log` is what it wrote."""
        self.port = free_port()
        settings = {f"FACTORY_{name}": str(value) for name, value in {"DRAIN": 0, "RELOAD": 0.05, **env}.items()}
        command = ("timeout", "--foreground", str(LIFE), "factory", "serve", "--model", model, "--port", str(self.port))
        server = self.start(*command, OTEL_EXPORTER_OTLP_ENDPOINT=otlp, **settings)
        try:
            assert wait(lambda: server.poll() is not None or self.ready(), 60)
            yield server
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            self.log = server.communicate()[1]
        assert server.returncode in (*ENDED, -signal.SIGKILL), self.log
        assert "Traceback" not in self.log

    def ready(self) -> bool:
        with contextlib.suppress(OSError):
            return self.request("GET", "/health/ready")[0] == 200
        return False


def statuses(hammer: subprocess.Popen[str]) -> dict[str, int]:
    """The number of responses by status; every request must have had one."""
    result = json.loads(hammer.communicate(timeout=120)[0])
    assert hammer.returncode == 0 and not result["failures"], result
    return result["statuses"]


def request(path: str, kind: str, body: object) -> list[str]:
    """A request, as the hammer takes it."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return [path, kind, base64.b64encode(content).decode()]


def two_models(template: Path, folder: Path, kind: type[ServedProject] = ServedProject) -> ServedProject:
    """A project with models a and b, whose scores differ."""
    project = installed(template, folder, "Served", kind)
    project.set("max_iter: 200", "max_iter: 12")
    project.done("factory", "setup")
    project.done("dvc", "repro", "--quiet", "train")
    shutil.copytree(project.folder / "model", project.folder / "a")
    project.set("max_iter: 12", "max_iter: 30")
    project.done("factory", "train")
    shutil.copytree(project.folder / "model", project.folder / "b")
    project.done("python", "-c", PREPARE, "a", "b")
    assert project.expected["scores"]["a"] != project.expected["scores"]["b"]
    return project


def unread(port: int) -> socket.socket:
    """Requests more than all buffers on the way can hold."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
    return connection


def swap(project: ServedProject, model: str, folder: Path) -> None:
    """Replace the files in the folder, one by one, as a copy does."""
    for file in (project.folder / model).iterdir():
        shutil.copy(file, folder / f"{file.name}.tmp")
        (folder / f"{file.name}.tmp").replace(folder / file.name)


def processes(pid: int) -> list[int]:
    """The process, and those that it and they have started."""
    found = [pid]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, children.read_text().split())
    return found


def memory(pid: int, figure: str) -> float:
    """MB that the process holds, or held at most, by the name in its status; none if it has ended."""
    with contextlib.suppress(OSError):
        if found := re.search(rf"{figure}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()):
            return int(found[1]) / 1000
    return 0
