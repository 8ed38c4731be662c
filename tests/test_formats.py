"""What a project exports and sends to MLflow, read by the tools of those formats, each in an environment of its own."""

import json
import socket
import urllib.parse
import urllib.request

import pytest
import yaml
from workshop import Project, call, free_port, installed, run, serving, tool

CARD = """
import sys
from huggingface_hub import ModelCard

card = ModelCard.load(sys.argv[1], ignore_metadata_errors=False)
assert card.data.license == "other" and card.data.library_name == "sklearn"
[task] = {(each.task_type, each.dataset_split) for each in card.data.eval_results}
assert task == ("tabular-classification", "test")
print({each.metric_type: each.metric_value for each in card.data.eval_results})
"""
RECORDS = """
import itertools, mlcroissant, pandas

records = itertools.islice(mlcroissant.Dataset("croissant.json").records("parquet-rows"), 3)
rows = pandas.read_parquet("data/raw/flights-late-2013-01.parquet")[:3].to_dict("records")
for record, row in zip(records, rows, strict=True):
    read = {name.removeprefix("parquet-rows/"): value for name, value in record.items()}
    assert read.keys() == row.keys() and read["flight"].decode() == row["flight"] and read["late"] == row["late"]
"""
BROKEN = """
import polars as pl

def where(row, value, column):
    return pl.when(pl.int_range(pl.len()) == row).then(value).otherwise(column).alias(column)

rows = pl.read_parquet("data/raw/flights-late-2013-01.parquet").with_columns(pl.col("carrier").cast(pl.String))
repeated = pl.lit(rows["flight"][1])
changes = [where(0, repeated, "flight"), where(1, 9000, "distance"), where(2, pl.lit("ZZ"), "carrier"), where(3, None, "late")]
rows.with_columns(changes).write_parquet("broken.parquet")
"""
LOGGED_MODEL = """
import sys, mlflow

mlflow.set_tracking_uri(sys.argv[1])
[model] = mlflow.search_logged_models([sys.argv[2]], output_format="list")
assert model.status == "READY" and model.source_run_id == sys.argv[3] and model.params["learning_rate"] == "0.03"
assert mlflow.sklearn.load_model(f"models:/{model.model_id}").n_features_in_ == 16
mlflow.artifacts.download_artifacts(f"models:/{model.model_id}", dst_path="logged")
print(repr({metric.key: metric.value for metric in model.metrics}))
"""


@pytest.fixture(scope="module")
def project(template, tmp_path_factory) -> Project:
    """A project with a model, all that it exports, and MLflow's client."""
    project = installed(template, tmp_path_factory.mktemp("formats"), "Late flights", Project)
    project.set("max_iter: 200", "max_iter: 12")
    project.done("factory", "setup")
    project.done("dvc", "repro", "--quiet")
    for command, file in (("contract", "contract.yaml"), ("data", "croissant.json"), ("card", "card.md")):
        project.done("factory", "export", command, "-o", file)
    project.done("uv", "sync", "--quiet", "--extra", "mlflow")
    return project


@pytest.mark.slow
def test_model_card_is_read_by_the_hub(project, tmp_path):
    python = tool(tmp_path, "python", "huggingface_hub>=1")
    metrics = json.loads((project.folder / "reports/metrics.json").read_text("utf-8"))
    assert run(project.folder, str(python), "-c", CARD, "card.md").strip() == str(metrics)


@pytest.mark.slow
def test_deliveries_are_loaded_through_croissant(project, tmp_path):
    python = tool(tmp_path, "python", "mlcroissant[parquet]>=1")
    run(project.folder, str(python), "-c", RECORDS)


@pytest.mark.slow
def test_contract_is_valid(project, tmp_path):
    datacontract = tool(tmp_path, "datacontract", "datacontract-cli>=1")
    assert "Data contract is valid" in run(project.folder, str(datacontract), "lint", "contract.yaml")


@pytest.mark.nightly
def test_contract_accepts_what_is_valid_and_nothing_else(project, tmp_path):
    datacontract = tool(tmp_path, "datacontract", "datacontract-cli[duckdb]>=1")
    contract = yaml.safe_load((project.folder / "contract.yaml").read_text("utf-8"))
    project.done("python", "-c", BROKEN)
    failed = {}
    for path in ("data/raw/flights-late-2013-01.parquet", "broken.parquet"):
        contract["servers"] = [{"server": "here", "type": "local", "path": path, "format": "parquet"}]
        (project.folder / "here.yaml").write_text(yaml.safe_dump(contract), "utf-8")
        results = tmp_path / "results.json"
        call(project.folder, str(datacontract), "test", "here.yaml", "--output", str(results), "--output-format", "json")
        checks = json.loads(results.read_text("utf-8"))["checks"]
        failed[path] = {check["field"] for check in checks if check["result"] in ("failed", "error")}
    assert list(failed.values()) == [set(), {"flight", "distance", "carrier", "late"}]


def ask(server: str, path: str, **body: object) -> dict:
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(server + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.nightly
def test_mlflow_records_the_run_and_the_same_model(project, tmp_path):
    versions = json.loads((project.folder / "model/manifest.json").read_text("utf-8"))["versions"]
    sklearn, skops = (f"{name}=={versions[name]}" for name in ("scikit-learn", "skops"))
    server, port = tool(tmp_path, "mlflow", "mlflow>=3.10", sklearn, skops), free_port()
    options = ("--host", "127.0.0.1", "--port", port, "--workers", 1)
    stores = ("--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts-destination", tmp_path / "artifacts")
    with serving(port, server, "server", *options, *stores, folder=tmp_path, seconds=240):
        address = f"http://127.0.0.1:{port}"
        env = {"MLFLOW_TRACKING_URI": address, "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
        assert "Warning" not in "".join(project.run("factory", "evaluate", **env)[1:])

        record = json.loads((project.folder / "reports" / "run.json").read_text("utf-8"))
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

        run_id = found["info"]["run_id"]
        query = urllib.parse.urlencode({"path": "run.json", "run_id": run_id})
        assert ask(address, f"/get-artifact?{query}") == record

        python, place = str(server.with_name("python")), experiment["experiment_id"]
        output = run(tmp_path, python, "-c", LOGGED_MODEL, address, place, run_id, MLFLOW_ALLOW_PICKLE_DESERIALIZATION="true")
        assert repr(record["metrics"]) in output
    for file in (project.folder / "model").iterdir():
        assert (tmp_path / "logged" / file.name).read_bytes() == file.read_bytes()


def check_one_warning(project: Project, address: str) -> None:
    code, _, err = project.run("factory", "evaluate", MLFLOW_TRACKING_URI=address, MLFLOW_HTTP_REQUEST_TIMEOUT="2")
    assert code == 0 and "Traceback" not in err, err
    [warning] = [line for line in err.splitlines() if "arning" in line]
    assert warning.startswith(f"Warning: the MLflow server {address} ")


@pytest.mark.slow
def test_dead_mlflow_server_costs_a_warning(project):
    check_one_warning(project, f"http://127.0.0.1:{free_port()}")


@pytest.mark.slow
def test_silent_mlflow_server_costs_a_warning(project):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        check_one_warning(project, f"http://127.0.0.1:{silent.getsockname()[1]}")
