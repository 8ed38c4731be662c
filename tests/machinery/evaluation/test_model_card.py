"""The model card: figures are the pipeline's, words are people's, and what nobody said is marked."""

import json
from pathlib import Path

import pytest
from late_flights.factory import errors
from late_flights.factory import manifest as digest
from late_flights.factory.evaluation import assessment, model_card
from late_flights.factory.metrics import definitions
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.evaluation.assessment_factory import assessed

WORDS = {name: f"{name} in words" for name in model_card.ONLY_PEOPLE_KNOW}


@pytest.fixture
def quick(monkeypatch):
    """Intervals and importance are not what is asked here."""
    monkeypatch.setattr(definitions, "RESAMPLES", 5)
    monkeypatch.setattr(assessment, "IMPORTANCE_REPEATS", 1)


def read(name):
    return Path("reports", name).read_text(encoding="utf-8")


def say(content):
    model_card.SAID.parent.mkdir(exist_ok=True)
    model_card.SAID.write_text(content, encoding="utf-8")


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("problem", toy.LABELLED)
def test_figures_are_those_of_the_reports():
    found = json.loads(read("model-card.json"))
    assert {name: figure["value"] for name, figure in found["metrics"].items()} == json.loads(read("metrics.json"))
    assert found["quantitative_analyses"]["slices"] == json.loads(read("evaluation.json"))["slices"]
    manifest = digest.read_manifest(Path("model"))
    details = found["model_details"]
    assert (details["files"], details["threshold"]) == (manifest["files"], manifest["threshold"])
    assert found["training_data"]["sha256"] == manifest["data"]["train"]
    assert (found["training_data"]["rows"], found["evaluation_data"]["rows"]) == (450, 150)
    assert found["training_data"]["to"] < found["evaluation_data"]["from"]
    assert [delivery["source"] for delivery in found["training_data"]["deliveries"]] == ["first.parquet", "second.csv"]
    page = read("model-card.md")
    assert all(f"{figure['value']:.4f}" in page and name in page for name, figure in found["metrics"].items())


@pytest.mark.usefixtures("trained")
def test_what_nobody_said_is_marked():
    assert json.loads(read("model-card.json"))["unsaid"] == list(model_card.ONLY_PEOPLE_KNOW)
    assert read("model-card.md").count("**still unsaid, add it to docs/model-card.yaml**") == len(model_card.ONLY_PEOPLE_KNOW)


@pytest.mark.usefixtures("trained", "quick")
def test_what_was_said_is_shown_as_it_was_said():
    approval = {"by": "Li <li@example.com>", "model": "1" * 64}
    say(json.dumps(WORDS | {"risk": "high", "approvals": [approval], "limits": "Schnee & 雪 | <b>"}))
    assert run("evaluate").exit_code == 0
    found, page = json.loads(read("model-card.json")), read("model-card.md")
    assert found["unsaid"] == [] and "still unsaid" not in page
    assert found["model_details"]["approvals"] == [approval] and "approved by Li <li@example.com>: `1111" in page
    assert "Schnee & 雪 | <b>" in page and "Risk: high" in page
    assert all(words in page for name, words in WORDS.items() if name != "limits")


@pytest.mark.parametrize("said", ["", "# nothing yet", "{}", "limits:", "limits: '  '"])
def test_silence_is_unsaid(tmp_path, said):
    path = tmp_path / "card.yaml"
    path.write_text(said)
    assert model_card.load(path).unsaid == list(model_card.ONLY_PEOPLE_KNOW)


def test_missing_file_says_nothing(tmp_path):
    assert model_card.load(tmp_path / "card.yaml") == model_card.Said()


WRONG = {
    "unknown key": ("colour: red", "colour: Extra inputs are not permitted"),
    "unknown risk": ("risk: medium", "risk: Input should be 'low' or 'high'"),
    "another type": ("owner: 7", "owner: Input should be a valid string"),
    "half an approval": ("approvals: [{by: Li}]", "approvals.0.model: Field required"),
    "a list": ("- owner", "the file: "),
    "no YAML": ("owner: [", "not YAML: "),
    "two errors": ("{colour: red, owner: 7}", "; "),
    "no UTF-8": ("\udcff", "not YAML: "),
}


@pytest.mark.parametrize("content, message", WRONG.values(), ids=WRONG)
def test_mistake_is_named_in_one_line(tmp_path, content, message):
    path = tmp_path / "card.yaml"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(errors.FactoryError) as error:
        model_card.load(path)
    assert str(error.value).startswith(str(path)) and message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("trained", "quick")
def test_stage_with_a_mistaken_card_leaves_the_reports():
    before = read("model-card.json")
    say("colour: red")
    assert refused("evaluate") == "docs/model-card.yaml: colour: Extra inputs are not permitted"
    assert read("model-card.json") == before


@pytest.mark.usefixtures("project", "quick")
@pytest.mark.parametrize("problem", toy.LABELLED)
def test_page_without_time_slices_or_deliveries(problem):
    facts = model_card.of(assessed(problem), model_card.Said()) | {"quantitative_analyses": {"slices": []}}
    page = model_card.page(facts)
    assert "300 rows, held back from training." in page and "Sensitive columns: group. Slices: none." in page
    assert ("decision from a score of 0.5000 on" in page) == (problem == "classification")
