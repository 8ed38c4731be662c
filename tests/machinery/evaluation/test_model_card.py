"""The model card: figures are the pipeline's, words are people's, and what nobody wrote is marked."""

import json
import re
from pathlib import Path

import pytest
from late_flights.factory import errors, manifest
from late_flights.factory.evaluation import assessment, card_input, formatting, model_card
from late_flights.factory.metrics import bootstrap
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.evaluation.assessment_factory import build_assessment, build_run

WORDS = {name: f"{name} in words" for name in card_input.REQUIRED_FIELDS}


@pytest.fixture
def quick(monkeypatch):
    """Intervals and importance are not what is tested here."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 5)
    monkeypatch.setattr(assessment, "IMPORTANCE_REPEATS", 1)


def read(name):
    return Path("reports", name).read_text(encoding="utf-8")


def write_input(content):
    card_input.INPUT.parent.mkdir(exist_ok=True)
    card_input.INPUT.write_text(content, encoding="utf-8")


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("problem", toy.LABELLED)
def test_figures_are_those_of_the_reports():
    card = json.loads(read("model-card.json"))
    assert {name: figure["value"] for name, figure in card["metrics"].items()} == json.loads(read("metrics.json"))
    assert card["quantitative_analyses"]["slices"] == json.loads(read("evaluation.json"))["slices"]
    facts = manifest.read_manifest(Path("model"))
    details = card["model_details"]
    assert (details["files"], details["threshold"]) == (facts["files"], facts["threshold"])
    assert card["training_data"]["sha256"] == facts["data"]["train"]
    assert (card["training_data"]["rows"], card["evaluation_data"]["rows"]) == (450, 150)
    record, report = json.loads(read("run.json")), json.loads(read("evaluation.json"))
    assert details["model"] == record["model_id"] == report["model"] == manifest.model_id()
    assert details["estimator"] == record["estimator"] == report["estimator"] == facts["estimator"]
    assert (details["commit"], details["evaluated"]) == (record["commit"], record["finished"])
    analyses = card["quantitative_analyses"]
    assert analyses["train"] == report["train"] == record["train"] and report["train"].keys() == card["metrics"].keys()
    assert analyses["validation"] == report["validation"] == record["validation"] == facts["validation"]
    assert analyses["classification_report"] == report["classification_report"]
    assert card["training_data"]["to"] < card["evaluation_data"]["from"]
    assert [delivery["source"] for delivery in card["training_data"]["deliveries"]] == ["first.parquet", "second.csv"]
    page = read("model-card.md")
    assert facts["estimator"]["class"] in page and manifest.model_id() in page and record["finished"] in page
    assert all(
        f"| {name} " in page and f"{formatting.number(figure['value'], like=figure['value'])} |" in re.sub(" +", " ", page)
        for name, figure in card["metrics"].items()
    )


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("problem", toy.LABELLED)
def test_rows_of_the_data_are_in_the_report_alone():
    files = [path for path in Path("reports").rglob("*") if path.is_file()]
    with_rows = [path.name for path in files if re.search(r"\bk\d+\b", path.read_text(encoding="utf-8"))]
    assert with_rows == ["report.html"]


@pytest.mark.usefixtures("trained")
def test_missing_field_is_marked():
    assert json.loads(read("model-card.json"))["unsaid"] == list(card_input.REQUIRED_FIELDS)
    assert read("model-card.md").count("**missing: add it to docs/model-card.yaml**") == len(card_input.REQUIRED_FIELDS)


@pytest.mark.usefixtures("trained", "quick")
def test_words_are_shown_as_they_were_written():
    approval = {"by": "Li <li@example.com>", "model": "1" * 64}
    write_input(json.dumps(WORDS | {"risk": "high", "approvals": [approval], "limits": "Schnee & 雪 | <b>"}))
    assert run("evaluate").exit_code == 0
    card, page = json.loads(read("model-card.json")), read("model-card.md")
    assert card["unsaid"] == [] and "**missing" not in page
    assert card["model_details"]["approvals"] == [approval] and "Approved by Li `<li@example.com>`: `1111" in page
    assert "Schnee & 雪 | <b>" in page and "Risk: high" in page
    assert all(words in page for name, words in WORDS.items() if name != "limits")


@pytest.mark.parametrize("content", ["", "# nothing yet", "{}", "limits:", "limits: '  '"])
def test_empty_field_is_missing(tmp_path, content):
    path = tmp_path / "card.yaml"
    path.write_text(content)
    assert card_input.load(path).missing_fields == list(card_input.REQUIRED_FIELDS)


def test_missing_file_holds_nothing(tmp_path):
    assert card_input.load(tmp_path / "card.yaml") == card_input.ModelCardInput()


WRONG = {
    "unknown key": ("colour: red", "colour: "),
    "unknown risk": ("risk: medium", "risk: Input should be 'low' or 'high'"),
    "another type": ("owner: 7", "owner: Input should be a valid string"),
    "half an approval": ("approvals: [{by: Li}]", "approvals.0.model: Field required"),
    "a list": ("- owner", "card.yaml: "),
    "no YAML": ("owner: [", "not YAML: "),
    "two errors": ("{colour: red, owner: 7}", "; "),
    "no UTF-8": ("\udcff", ", line 1: not UTF-8: "),
}


@pytest.mark.parametrize("content, message", WRONG.values(), ids=WRONG)
def test_mistake_is_named_in_one_line(tmp_path, content, message):
    path = tmp_path / "card.yaml"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(errors.FactoryError) as error:
        card_input.load(path)
    assert str(error.value).startswith(str(path)) and message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("trained", "quick")
def test_stage_with_a_mistaken_card_leaves_the_reports():
    before = read("model-card.json")
    write_input("colour: red")
    assert refused("evaluate").startswith("docs/model-card.yaml: colour: ")
    assert read("model-card.json") == before


@pytest.mark.usefixtures("project", "quick")
@pytest.mark.parametrize("problem", toy.LABELLED)
def test_page_without_time_slices_or_deliveries(problem):
    assessed = build_assessment(problem)
    facts = model_card.build_card(assessed, card_input.ModelCardInput(), build_run(assessed))
    facts["quantitative_analyses"] |= {"slices": []}
    facts["model_details"]["parameters"] = {"bases": ["usual", "seasonal_naive"], "loss": "poisson"}
    page = model_card.render(facts)
    assert "- `bases`: `['usual', 'seasonal_naive']`\n- `loss`: poisson\n" in page
    assert "300 rows, held out from training." in page and "Sensitive columns: `group`. Slices: none." in page
    assert ("- Decision threshold: 0.5\n" in page) == (problem == "classification")
