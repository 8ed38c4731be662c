"""What `factory export` writes, read by the tools that define the formats, each in an environment of its own."""

import json

import pytest
import yaml
from workshop import Project, call, installed, run, tool

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


@pytest.fixture(scope="module")
def project(template, tmp_path_factory) -> Project:
    """A project with a model, and all that it exports."""
    project = installed(template, tmp_path_factory.mktemp("formats"), "Late flights", Project)
    project.set("max_iter: 200", "max_iter: 12")
    project.done("factory", "setup")
    project.done("dvc", "repro", "--quiet")
    for command, file in (("contract", "contract.yaml"), ("data", "croissant.json"), ("card", "card.md")):
        project.done("factory", "export", command, "-o", file)
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
