"""The search for parameters: on training rows alone, never worse than what is there, and mistakes in one line."""

from pathlib import Path

import polars as pl
import pytest
import yaml
from late_flights import model
from late_flights.factory.data import prepare
from late_flights.factory.metrics import definitions
from late_flights.factory.scoring import artifact, scorer
from late_flights.factory.training import train, tune
from tests.factory import toy
from tests.factory.cli_runner import run

SPACE = {"max_iter": (5, 30), "learning_rate": (0.01, 0.5, "log"), "max_leaf_nodes": [3, 7, 15]}
POOR = {"max_iter": 2, "learning_rate": 0.02, "random_state": 0}
COMMENTED = """# the only configuration
problem: classification # or regression

data: {target: answer, id: "key", time: seen}
model: # handed over as it is
  max_iter: 2 # rounds
  random_state: 0

evaluation:
  metric: log_loss
"""


@pytest.fixture(autouse=True)
def space(trained, monkeypatch):
    """The trained toy without its test rows, which nobody needs."""
    monkeypatch.setattr(model, "SPACE", dict(SPACE), raising=False)
    Path("data/prepared/test.parquet").unlink()


def mean_over_folds(params, **parameters):
    """The mean of the main metric over the folds, by the same means as a stage would."""
    rows = prepare.read("train").sort("seen")
    candidate = params.model_copy(update={"model": params.model | parameters})
    values = []
    for i in range(1, tune.FOLDS + 1):
        size = rows.height // (tune.FOLDS + 1)
        start = rows.height - (tune.FOLDS - i + 1) * size
        early, late = rows[:start], rows[start : start + size]
        classes = len(definitions.classes_of(early, candidate) or [])
        score = artifact.predictor(train.fit(early, candidate), classes)(scorer.matrix(toy.features(late)))
        metric = definitions.METRICS[params.problem][params.evaluation.metric]
        values.append(metric(definitions.target_of(late, params), score))
    return sum(values) / len(values)


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_best_is_better_than_now_and_both_are_means_over_the_folds(problem):
    params = toy.params(problem, model=POOR)
    result = tune.tune(params, 6)
    assert result.now == pytest.approx(mean_over_folds(params))
    assert result.best == pytest.approx(mean_over_folds(params, **result.parameters))
    assert definitions.direction(toy.METRIC[problem]) * (result.best - result.now) > 0
    assert result.parameters.keys() == SPACE.keys()


def test_what_is_best_already_stays(monkeypatch):
    Path("params.yaml").write_text(toy.text(model={"max_iter": 20, "random_state": 0}))
    before = Path("params.yaml").read_bytes()
    monkeypatch.setattr(model, "SPACE", {"max_iter": (1, 2), "max_leaf_nodes": [2]})
    output = run("tune", "--trials", "3").output
    assert "params.yaml is unchanged" in output
    assert Path("params.yaml").read_bytes() == before


def test_same_search_finds_the_same():
    params = toy.params(model=POOR)
    assert tune.tune(params, 4) == tune.tune(params, 4)


def test_each_trial_is_reported():
    seen = []
    result = tune.tune(toy.params(model=POOR), 4, seen.append)
    assert len(seen) == 4 and seen == sorted(seen) and seen[-1] == result.best and seen[0] == result.now


def test_hopeless_trials_are_given_up(monkeypatch):
    """After four that learn something, half of the values learn nothing."""
    monkeypatch.setattr(model, "SPACE", {"max_leaf_nodes": [2, 31], "learning_rate": [1e-6, 0.2]})
    fits = []
    monkeypatch.setattr(tune, "fit", lambda *arguments: fits.append(1) or train.fit(*arguments))
    result = tune.tune(toy.params(), 12)
    assert 0 < result.pruned < 12
    assert len(fits) < 12 * tune.FOLDS


def test_best_is_written_and_comments_stay():
    Path("params.yaml").write_text(COMMENTED)
    result = run("tune", "--trials", "5")
    assert result.exit_code == 0, result.output
    assert "log_loss over the folds: " in result.output and "params.yaml holds the best" in result.output
    text = Path("params.yaml").read_text()
    section = yaml.safe_load(text)["model"]
    assert section.keys() == SPACE.keys() | {"random_state"} and section["random_state"] == 0
    figures = [f"  {name}: {section[name]}" for name in ("learning_rate", "max_leaf_nodes")]
    expected = COMMENTED.replace("max_iter: 2 ", f"max_iter: {section['max_iter']} ")
    assert text == expected.replace("  random_state", "\n".join([*figures, "  random_state"]))
    assert not list(Path().glob("*.tmp"))


def test_without_time_folds_are_random():
    data = {"target": "answer", "id": "key"}
    result = tune.tune(toy.params(model=POOR, data=data), 4)
    assert result.best > result.now


def test_folds_keep_the_rows_of_an_id_together():
    rows = pl.concat([toy.rows(100)] * 3)
    params = toy.params(data={"target": "answer", "sensitive": ["kind"], "id": "key", "repeats": True})
    assert all(not set(early["key"]) & set(late["key"]) for early, late in tune._folds(rows, params))


@pytest.mark.parametrize("before", ["a: 1\n", "a: 1\nmodel: {}\n", "a: 1\nmodel: {depth: 1}\n"])
def test_section_may_be_missing_or_short(before):
    Path("params.yaml").write_text(before)
    tune.write({"depth": 3, "kind": "deep"})
    assert yaml.safe_load(Path("params.yaml").read_text()) == {"a": 1, "model": {"depth": 3, "kind": "deep"}}
