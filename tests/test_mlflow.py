"""Runs sent to a real MLflow server, and what happens where it is dead or silent."""

import json
import socket
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from workshop import call, copy, free_port, run, serving, tool

pytestmark = pytest.mark.slow
EVALUATE = ("uv", "run", "--no-sync", "factory", "evaluate")


@pytest.fixture(scope="module")
def project(render, tmp_path_factory) -> Path:
    folder = copy(render(), tmp_path_factory.mktemp("mlflow") / "project")
    run(folder, "uv", "run", "factory", "setup")
    run(folder, "uv", "run", "dvc", "repro")
    run(folder, "uv", "sync", "--extra", "mlflow")
    return folder


def ask(server: str, path: str, **body: object) -> dict:
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(server + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_the_run_arrives(project, tmp_path):
    port, server = free_port(), tool(tmp_path, "mlflow", "mlflow>=3.10")
    options = ("--host", "127.0.0.1", "--port", port, "--workers", 1)
    stores = ("--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts-destination", tmp_path / "artifacts")
    with serving(port, server, "server", *options, *stores, folder=tmp_path, seconds=120):
        address = f"http://127.0.0.1:{port}"
        output = run(project, *EVALUATE, MLFLOW_TRACKING_URI=address)
        assert "Warning" not in output

        record = json.loads((project / "reports" / "run.json").read_text("utf-8"))
        experiment = ask(address, "/api/2.0/mlflow/experiments/get-by-name?experiment_name=late_flights")["experiment"]
        [found] = ask(address, "/api/2.0/mlflow/runs/search", experiment_ids=[experiment["experiment_id"]])["runs"]
        assert found["info"]["status"] == "FINISHED"
        data = {kind: {pair["key"]: pair["value"] for pair in found["data"][kind]} for kind in ("params", "metrics", "tags")}
        assert data["params"]["problem"] == "classification"
        assert float(data["params"]["model.learning_rate"]) == record["parameters"]["model"]["learning_rate"]
        for name, value in record["metrics"].items():
            assert data["metrics"][name] == pytest.approx(value)
        assert data["tags"]["commit"] == record["commit"]
        assert data["tags"]["data"] == record["data"]["train"]

        query = urllib.parse.urlencode({"path": "run.json", "run_id": found["info"]["run_id"]})
        assert ask(address, f"/get-artifact?{query}") == record


def failing(project: Path, address: str, seconds: int) -> None:
    start = time.monotonic()
    done = call(project, *EVALUATE, MLFLOW_TRACKING_URI=address)
    assert done.returncode == 0, done.stderr
    [warning] = [line for line in done.stderr.splitlines() if "arning" in line]
    assert warning.startswith("Warning: the run was not sent to http://127.0.0.1")
    assert "Traceback" not in done.stderr
    assert time.monotonic() - start < seconds
    assert json.loads((project / "reports" / "run.json").read_text("utf-8"))["metrics"]


def test_a_dead_server_costs_a_warning(project):
    failing(project, f"http://127.0.0.1:{free_port()}", 30)


def test_a_silent_server_costs_a_warning(project):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        failing(project, f"http://127.0.0.1:{silent.getsockname()[1]}", 60)
