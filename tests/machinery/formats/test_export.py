"""`factory export` writes the contract, the card and the data in formats that other tools read; validators: tests/test_formats.py."""

import json
from datetime import UTC, datetime
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
import yaml
from late_flights import contract
from late_flights.factory import config, manifest
from late_flights.factory.data import ledger
from late_flights.factory.formats import croissant, huggingface, odcs
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.release.fake_docker import publish_version

DATA = config.Data(target="answer", id="key")


class Odd(dy.Schema):
    """Rows of every kind."""

    key = dy.String(regex="^k", min_length=2)
    at = dy.Datetime(time_zone="UTC", min_exclusive=datetime(2020, 1, 1, tzinfo=UTC))
    clock = dy.Time(nullable=True)
    sum = dy.Decimal(10, 2, min=1, description="euros")
    level = dy.Int8(is_in=[1, 2], metadata={"missing": ["-9"]})
    parts = dy.List(dy.Int8(), min_length=1)
    span = dy.Duration(nullable=True)
    answer = dy.Float64(unique=True, check=lambda value: value > 0)

    @dy.rule()
    def early_is_cheap(cls) -> pl.Expr:
        return pl.col("sum") < 5


@pytest.fixture
def odd(monkeypatch):
    monkeypatch.setattr(contract, "LabelledRow", Odd)
    monkeypatch.setattr(contract, "DELIVERY", {"few are free": pl.col("sum").mean() > 2})


def exported(*arguments):
    result = run("export", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.usefixtures("odd")
def test_contract_states_types_bounds_values_and_rules():
    [table] = odcs.build("churn", "1.0", DATA)["schema"]
    columns = {column["name"]: column for column in table["properties"]}
    kinds = ["string", "timestamp", "time", "number", "integer", "array", "string", "number"]
    assert [column["logicalType"] for column in columns.values()] == kinds
    assert [name for name, column in columns.items() if not column.get("required")] == ["clock", "span"]
    assert [name for name, column in columns.items() if column.get("unique")] == ["key", "answer"]
    assert [name for name, column in columns.items() if column.get("primaryKey")] == ["key"]
    assert columns["key"]["logicalTypeOptions"] == {"minLength": 2, "pattern": "^k"}
    bounds = {"exclusiveMinimum": "2020-01-01T00:00:00+00:00", "timezone": True, "defaultTimezone": "UTC"}
    assert columns["at"]["logicalTypeOptions"] == bounds
    assert columns["sum"]["logicalTypeOptions"] == {"minimum": 1} and columns["sum"]["description"] == "euros"
    allowed = {"metric": "invalidValues", "arguments": {"validValues": [1, 2]}, "mustBe": 0}
    assert columns["level"]["quality"] == [allowed]
    assert columns["level"]["customProperties"] == [{"property": "missing", "value": ["-9"]}]
    assert "min_length" in [rule["name"] for rule in columns["parts"]["quality"]]
    assert [rule["name"] for rule in columns["answer"]["quality"]] == ["check"]
    assert [rule["name"] for rule in table["quality"]] == ["early_is_cheap", "few are free"]
    assert 'col("sum")' in table["quality"][0]["description"]


@pytest.mark.usefixtures("odd")
def test_id_that_repeats_is_no_key():
    [table] = odcs.build("churn", "1.0", config.Data(target="answer", id="key", repeats=True))["schema"]
    assert not any("primaryKey" in column for column in table["properties"])


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("problem", toy.LABELLED)
def test_contract_command():
    Path("pyproject.toml").write_text('[project]\nname = "churn"\nversion = "1.2"\n')
    content = yaml.safe_load(exported("contract"))
    assert (content["kind"], content["version"]) == ("DataContract", "1.2")
    assert [column["name"] for column in content["schema"][0]["properties"]] == [*contract.LabelledRow.columns()]


@pytest.mark.usefixtures("module_project")
def test_data_command_lists_deliveries_and_columns():
    content = json.loads(exported("data", "--format", "croissant"))
    files = {each["contentUrl"]: each for each in content["distribution"] if each["@type"] == "cr:FileObject"}
    assert {path: each["sha256"] for path, each in files.items()} == {
        path: manifest.file_sha256(Path(path)) for path in ("data/raw/first.parquet", "data/raw/second.csv")
    }
    assert files["data/raw/second.csv"]["description"].startswith("300 rows from second.csv, received 2")
    parquet, csv = content["recordSet"]
    for records, kind in ((parquet, "parquet"), (csv, "csv")):
        assert records["key"] == [{"@id": f"{kind}-rows/key"}]
        assert [field["name"] for field in records["field"]] == [*contract.LabelledRow.columns()]
        assert {field["source"]["fileSet"]["@id"] for field in records["field"]} == {f"{kind}-files"}
    assert [field["dataType"] for field in csv["field"]] == (
        ["sc:Text", "sc:DateTime", "sc:Text", "sc:Float", "sc:Integer", "sc:Boolean"]
    )


@pytest.mark.usefixtures("odd")
def test_data_with_blanks_in_names_and_files_that_no_loader_reads():
    names = ("two words.csv.gz", "sheet.xlsx")
    entries = [ledger.Entry(name, "2020-01-01T00:00:00+00:00", "Zoë", "mail", "7", "0" * 64) for name in names]
    content = croissant.build("churn", None, entries, DATA)
    assert [each["@id"] for each in content["distribution"]] == ["two_words.csv.gz", "sheet.xlsx", "csv-files"]
    assert content["distribution"][2]["includes"] == ["data/raw/two words.csv.gz"]
    assert [each["@id"] for each in content["recordSet"]] == ["csv-rows"]
    assert croissant.build("churn", None, [], DATA)["recordSet"] == []


def front(page):
    return yaml.safe_load(page.split("---\n")[1])


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("problem", toy.LABELLED)
def test_card_has_front_matter_and_what_became_of_the_model(problem):
    page = exported("card")
    [index] = front(page)["model-index"]
    metrics = {metric["type"]: metric["value"] for metric in index["results"][0]["metrics"]}
    assert metrics == json.loads(Path("reports/metrics.json").read_text())
    task = "tabular-regression" if problem == "regression" else "tabular-classification"
    assert front(page)["pipeline_tag"] == index["results"][0]["task"]["type"] == task
    written = Path("reports/model-card.md").read_text()
    assert huggingface.POINTER in written and written.replace(huggingface.POINTER, "").strip() in page
    assert "Not promoted." in page and "Not compared yet" in page

    check = {"code": "SLICE", "what": "kind", "figure": -0.25, "limit": "≥ -10%", "passed": False, "unit": "share"}
    gate = {"model": manifest.model_id(), "against": "the baseline", "checks": [check]}
    Path("reports/gate.json").write_text(json.dumps(gate))
    page = exported("card")
    assert "Rejected: SLICE, compared with the baseline." in page and "| ✗" in page and "25%" in page
    Path("reports/gate.json").write_text(json.dumps(gate | {"model": "of another"}))
    assert "Not compared yet" in exported("card")

    version = publish_version(note="")
    page = exported("card")
    assert f"v1 (unsigned), 2020-01-01, commit `{version.commit}`, by Zoë 李 `<zoe@example.com>`: first" in page
    assert "Passed the gate, compared with the baseline." in page and "`FLOOR` ROC AUC" in page


def test_licence_is_in_the_front_matter():
    details = {"name": "churn", "problem": "classification"}
    assert "license" not in huggingface.front_matter({"model_details": details, "metrics": {}})
    details["license"] = "mit"
    assert huggingface.front_matter({"model_details": details, "metrics": {}})["license"] == "mit"


@pytest.mark.usefixtures("committed")
def test_card_of_another_model_is_refused():
    card = json.loads(Path("reports/model-card.json").read_text())
    card["model_details"]["files"]["model.skops"] = "0" * 64
    Path("reports/model-card.json").write_text(json.dumps(card))
    assert "reports/model-card.json" in refused("export", "card")
    Path("reports/model-card.json").unlink()
    assert "run `uv run dvc repro`" in refused("export", "card")


@pytest.mark.usefixtures("module_project")
def test_output_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    assert exported("data", "-o", tmp_path / "data.json") == ""
    assert json.loads((tmp_path / "data.json").read_text("utf-8"))["name"] == "late_flights"
    assert "No such file or directory" in refused("export", "data", "-o", tmp_path / "missing" / "data.json")
    monkeypatch.setattr(croissant, "render", lambda params: 1 / 0)
    run("export", "data", "-o", tmp_path / "data.json")
    assert json.loads((tmp_path / "data.json").read_text("utf-8"))["name"] == "late_flights"


@pytest.mark.usefixtures("module_project")
def test_unknown_format_lists_the_formats():
    result = run("export", "data", "--format", "zip")
    assert result.exit_code == 2 and "'croissant'" in result.stderr


@pytest.mark.usefixtures("module_project")
@pytest.mark.parametrize(
    "arguments",
    [["FOLDER"], ["FOLDER", "--model", "model"], ["--model", "model", "FOLDER"], ["onnx", "FOLDER"]],
    ids=" ".join,
)
def test_folder_alone_gets_the_model_as_onnx(tmp_path, arguments):
    folder = tmp_path / "edge"
    exported(*(folder if argument == "FOLDER" else argument for argument in arguments))
    assert {file.name for file in folder.iterdir()} == {"model.onnx", "scorer.py"}


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_formats(option):
    assert all(name in exported(option) for name in ("card", "contract", "data", "onnx"))
