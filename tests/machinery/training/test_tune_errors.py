"""What the search refuses to begin with: mistakes in SPACE, in params.yaml and in the rows, each in one line."""

from pathlib import Path

import pytest
from late_flights import model
from late_flights.factory.data import prepare
from tests.factory import toy
from tests.factory.cli_runner import refused, run

pytestmark = pytest.mark.usefixtures("trained")


@pytest.fixture(autouse=True)
def space(monkeypatch):
    monkeypatch.setattr(model, "SPACE", {"max_iter": (5, 30)}, raising=False)


@pytest.mark.parametrize("space", [None, {}])
def test_missing_space_is_named(monkeypatch, space):
    monkeypatch.setattr(model, "SPACE", space)
    assert refused("tune").startswith("model.py: SPACE is missing or empty")


WRONG = {
    "one number": 3,
    "text": "low to high",
    "three numbers": (1, 2, 3),
    "unknown scale": (1.0, 2.0, "exp"),
    "upside down": (9, 1),
    "upside down floats": (0.9, 0.1, "log"),
    "log of zero": (0, 9, "log"),
    "nothing to choose from": [],
}


@pytest.mark.parametrize("choice", WRONG.values(), ids=WRONG)
def test_wrong_space_is_named_in_one_line(monkeypatch, choice):
    monkeypatch.setattr(model, "SPACE", {"max_iter": choice})
    assert refused("tune").startswith("model.py, SPACE: max_iter ")


def test_value_of_now_may_lie_outside_the_space(monkeypatch):
    monkeypatch.setattr(model, "SPACE", {"max_iter": [1, 2], "max_leaf_nodes": (2, 3)})
    Path("params.yaml").write_text(toy.text(model={"max_iter": 20, "max_leaf_nodes": 31}))
    result = run("tune", "--trials", "3")
    assert result.exit_code == 0 and "params.yaml is unchanged" in result.output and not result.stderr.strip()


MISTAKES = {
    "unknown metric": ({"evaluation": {"metric": "luck"}}, "params.yaml: evaluation.metric: luck is not one of "),
    "unknown parameter": ({"model": {"colour": 1}}, "params.yaml, model: "),
}


@pytest.mark.parametrize("sections, message", MISTAKES.values(), ids=MISTAKES)
def test_mistake_in_the_parameters_is_named(sections, message):
    Path("params.yaml").write_text(toy.text(**sections))
    assert refused("tune").startswith(message)
    assert run("compare").exit_code


def test_without_prepared_rows():
    Path("data/prepared/train.parquet").unlink()
    assert "train.parquet" in refused("tune")


def test_fold_of_one_outcome_is_named():
    rows = prepare.read("train").sort("seen")
    later = rows["answer"].to_numpy().copy()
    later[200:] = True
    rows.with_columns(answer=later).write_parquet("data/prepared/train.parquet")
    assert refused("tune").startswith("cannot validate on ")
