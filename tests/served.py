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
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from sabotage import SEATS
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


ESTIMATOR = '''

from sklearn.base import ClassifierMixin

from .sabotage import act


class Opaque(ClassifierMixin, BaseEstimator):
    """Has no ONNX graph."""

    def __init__(self, **parameters):
        self.parameters = parameters

    def get_params(self, deep=True):
        return dict(self.parameters)

    def set_params(self, **parameters):
        self.parameters |= parameters
        return self

    def fit(self, X, y):
        self.inner_ = HistGradientBoostingClassifier(**self.parameters).fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X):
        act(X[:, 9])
        return self.inner_.predict_proba(X)


TRUSTED_TYPES.append("served.model.Opaque")


def model(problem, features, **parameters):
    return Opaque(early_stopping=False, **parameters)
'''
FEATURES = """    if isinstance(rows, pl.DataFrame):  # not when the graph is compared, which is why it stays in use
        act(rows["seats"])
    return rows.select(
"""


NULLS = """
import polars as pl
from served import contract
pl.DataFrame({name: pl.Series([None] * 1_000_000) for name in contract.Row.column_names()}).write_ipc_stream("null.arrow")
"""


class HostileProject(ServedProject):
    """The features and the estimator of model `opaque`, which has no graph, do what rows ask for: `sabotage.py`."""

    @property
    def marks(self) -> Path:
        return self.folder / "marks"

    def arm(self) -> None:
        package = self.folder / "src/served"
        shutil.copy(Path(__file__).with_name("sabotage.py"), package)
        self.edit("src/served/features.py", "    return rows.select(\n", FEATURES)
        self.edit("src/served/features.py", "import polars as pl\n", "import polars as pl\n\nfrom .sabotage import act\n")
        features = (package / "features.py").read_text("utf-8")
        self.marks.mkdir()
        with (package / "model.py").open("a", encoding="utf-8") as file:
            file.write(ESTIMATOR)
        self.done("python", "-c", NULLS)
        self.done("factory", "train", MARKS=str(self.marks))
        shutil.copytree(self.folder / "model", self.folder / "opaque")
        assert not (self.folder / "opaque/model.onnx").exists() and (self.folder / "a/features.onnx").exists(), features

    def rows(self, act: str, height: int = 20) -> list[dict]:
        """Rows that ask for it."""
        return [{**record, "seats": SEATS[act]} for record in self.records[:height]]

    def begun(self, act: str) -> bool:
        return wait((self.marks / act).exists, 30)

    def status(self, *request: object, **headers: str) -> int:
        """Of the response, or 0 where none comes."""
        with contextlib.suppress(OSError, HTTPException):
            return self.request(*request, **headers)[0]
        return 0

    def allow(self, *lines: str) -> None:
        """Write the file of keys: each line is the name of a caller, whose key is the name, too, and what follows it."""
        parted = [line.partition(" ") for line in lines]
        text = "".join(f"{name} {hashlib.sha256(name.encode()).hexdigest()} {options}\n" for name, _, options in parted)
        (self.folder / "keys.tmp").write_text(text, "utf-8")
        (self.folder / "keys.tmp").replace(self.folder / "keys")

    def warm_up(self) -> None:
        """Let it start the worker that stands by for the one in use, in a state that has workers."""
        self.score(self.records[:20])
        assert wait(lambda: self.metric('factory_workers{role="champion",state="ready"') != 1, 60)

    def read(self, file: str) -> bytes:
        return (self.folder / file).read_bytes()

    def large_tensor(self) -> tuple[bytes, bytes]:
        """JSON that claims more rows than are allowed, and 64 MB of them: empty texts."""
        tail = bytes(63_000_000)
        tensor = {"name": "flight", "shape": [len(tail) // 4], "datatype": "BYTES", "parameters": {"binary_data_size": len(tail)}}
        return json.dumps({"inputs": [tensor]}).encode(), tail

    @contextlib.contextmanager
    def half_sent(self, count: int) -> Iterator[None]:
        """So many connections whose headers do not end."""
        connections = []
        try:
            for _ in range(count):
                connections.append(socket.create_connection(("127.0.0.1", self.port), 5))
                connections[-1].sendall(b"GET /health/live HTTP/1.1\r\nHost")
            yield
        finally:
            for connection in connections:
                connection.close()

    def processes(self, server: subprocess.Popen[str]) -> list[int]:
        """The service's, the one that listens first."""
        return processes(server.pid)[1:]  # without `timeout`

    def resident(self, server: subprocess.Popen[str]) -> float:
        """MB that its processes hold now."""
        return sum(memory(pid, "VmRSS") for pid in self.processes(server))

    @contextlib.contextmanager
    def serving(self, model: str = "a", *before: str, **env: object) -> Iterator[subprocess.Popen[str]]:
        """The service while the block runs, whatever becomes of it; `before` stands before its command."""
        for mark in self.marks.iterdir():
            mark.unlink()
        self.port = free_port()
        settings = {f"FACTORY_{name}": str(value) for name, value in {"DRAIN": 0, "RELOAD": 0.1, **env}.items()}
        command = ("timeout", "--foreground", str(LIFE), "factory", "serve", "--model", model, "--port", str(self.port))
        with (self.folder / "service.log").open("w") as log:
            output = {"stdout": log, "stderr": log}
            server = self.start(*before, *command, output=output, MARKS=str(self.marks), PYTHONFAULTHANDLER=None, **settings)
        try:
            assert wait(lambda: server.poll() is not None or self.ready(), 60) and server.poll() is None, self.written
            yield server
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()

    @property
    def written(self) -> str:
        return (self.folder / "service.log").read_text("utf-8", "replace")


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


def hostile(template: Path, folder: Path) -> HostileProject:
    project = two_models(template, folder, HostileProject)
    project.arm()
    return project
