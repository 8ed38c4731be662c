"""A tracking server is a view: without it a run is the same, but for one warning."""

import importlib.util
import socket
import sys
from types import SimpleNamespace

import pytest
from late_flights.factory.evaluation import run_record

RUN = {
    "commit": "abc",
    "data": {"train": "def"},
    "model": {"model.skops": "123"},
    "parameters": {"problem": "regression", "model": {"depth": 3}},
    "metrics": {"mae": 1.0},
    "cost": {"seconds": 2.0},
}


@pytest.fixture
def nowhere(monkeypatch):
    """The address of a port at which nobody listens."""
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port.getsockname()[1]}")
        for name in run_record.MLFLOW_DEFAULTS:
            monkeypatch.setenv(name, "1")
        yield


def test_without_an_address_nothing_is_sent(monkeypatch, capsys):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(run_record, "_log", lambda run: pytest.fail("sent"))
    run_record.send(RUN)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("nowhere")
def test_server_that_fails_costs_one_warning(monkeypatch, capsys):
    def fail(run):
        raise RuntimeError("first line\nsecond line" + "x" * 1000)

    monkeypatch.setattr(run_record, "_log", fail)
    run_record.send(RUN)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Warning: ") and "http://127.0.0.1:" in line and line.endswith("first line")


@pytest.mark.usefixtures("nowhere")
def test_missing_library_costs_one_warning(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    run_record.send(RUN)
    (line,) = capsys.readouterr().err.splitlines()
    assert "`uv sync --extra mlflow`" in line


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="MLflow is not installed")
@pytest.mark.usefixtures("nowhere")
def test_dead_server_costs_one_warning(capsys):
    run_record.send(RUN)
    assert capsys.readouterr().err.splitlines()[-1].startswith("Warning: the MLflow server http://127.0.0.1:")


def test_what_is_sent(monkeypatch):
    sent = {}

    class Server:
        info = SimpleNamespace(run_id="1")

        def __getattr__(self, name):
            return lambda *arguments: sent.update({name: arguments}) or self

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    monkeypatch.setitem(sys.modules, "mlflow", Server())
    monkeypatch.setattr(run_record, "_log_model", lambda run, run_id: sent.update(model=run["model"]))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    run_record.send(RUN)
    assert sent["log_params"] == ({"problem": "regression", "model.depth": 3},)
    assert sent["log_metrics"] == ({"mae": 1.0, "seconds": 2.0},)
    assert sent["model"] == RUN["model"]
    assert sent["set_tags"] == ({"commit": "abc", "data": "def", "model": "123"},)
