"""A project whose features and estimator can be told to harm the service, and what a test needs to see of its processes."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

from sabotage import SEATS
from served import LIFE, ServedProject, memory, processes, two_models
from workshop import free_port, wait

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

    def rows(self, act: str, height: int = 40) -> list[dict]:
        """Rows that ask for it, more than the graphs score without the features."""
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
        self.score(self.records[:40])
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


def hostile(template: Path, folder: Path) -> HostileProject:
    project = two_models(template, folder, HostileProject)
    project.arm()
    return project
