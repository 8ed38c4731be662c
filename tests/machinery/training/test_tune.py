"""The search for parameters: on training rows alone, never worse than what is there, and mistakes in one line."""

import json
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
import yaml
from late_flights import model
from late_flights.factory.errors import FactoryError
from late_flights.factory.metrics import definitions
from late_flights.factory.training import estimator, parameters, stopping, train, tune
from sklearn.dummy import DummyClassifier
from tests.factory import toy
from tests.factory.cli_runner import run

SPACE = {"max_iter": (5, 30), "learning_rate": (0.01, 0.5, "log"), "max_leaf_nodes": [3, 7, 15]}
DATA = {"target": "answer", "id": "key", "time": "seen"}
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
    """The trained toy without its test rows, which nobody reads."""
    monkeypatch.setattr(model, "SPACE", dict(SPACE), raising=False)
    Path("data/prepared/test.parquet").rename("test.parquet")


def validation(params, parameters):
    """The figure that `factory train` reports."""
    Path("test.parquet").rename("data/prepared/test.parquet")
    train.run(params.model_copy(update={"model": params.model | parameters}))
    Path("data/prepared/test.parquet").rename("test.parquet")
    return json.loads(Path("reports/validation.json").read_text())["validation"][params.evaluation.metric]


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_best_is_better_than_now_and_both_are_the_figures_that_train_reports(problem):
    params = toy.params(problem, model=POOR)
    result = tune.tune(params, 6)
    assert result.now.figure == pytest.approx(validation(params, {}))
    assert result.best.figure == pytest.approx(validation(params, result.best.parameters))
    assert definitions.direction(toy.METRIC[problem]) * (result.best.figure - result.now.figure) > 0
    assert result.best.parameters.keys() == SPACE.keys()


def test_a_figure_that_is_not_a_number_is_not_the_best():
    trials = [tune.Trial(i, figure, {}, pruned=False, seconds=0) for i, figure in enumerate((float("nan"), 0.5, 0.4))]
    assert tune.Result(definitions.METRICS["classification"]["log_loss"], trials).best is trials[2]
    assert tune.Result(definitions.METRICS["classification"]["log_loss"], trials[:1]).best is trials[0]


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
    result = tune.tune(toy.params(model=POOR), 4, lambda result: seen.append(result.best.figure))
    assert len(seen) == 4 and seen == sorted(seen) and seen[-1] == result.best.figure and seen[0] == result.now.figure


BY_ID = {"target": "answer", "id": "key"}


def test_hopeless_trials_are_pruned_after_some_of_their_folds(monkeypatch):
    """After four that learn something, half of the values learn nothing."""
    monkeypatch.setattr(model, "SPACE", {"max_leaf_nodes": [2, 31], "learning_rate": [1e-6, 0.2]})
    fits, fit = [], estimator.fit
    monkeypatch.setattr(estimator, "fit", lambda *arguments: fits.append(1) or fit(*arguments))
    result = tune.tune(toy.params(data=BY_ID), 12)
    assert 0 < result.pruned < 12 and not result.best.pruned
    assert 12 < len(fits) < 12 * 5


def test_one_part_is_one_fit_a_trial(monkeypatch):
    fits, fit = [], estimator.fit
    monkeypatch.setattr(estimator, "fit", lambda *arguments: fits.append(1) or fit(*arguments))
    assert tune.tune(toy.params(), 6).pruned == 0 and len(fits) == 6


def test_trials_are_a_table_a_file_and_a_picture(monkeypatch):
    monkeypatch.setattr(model, "SPACE", {"max_leaf_nodes": [2, 31], "learning_rate": [1e-6, 0.2]})
    Path("params.yaml").write_text(toy.text(data=BY_ID))
    output = run("tune", "--trials", "12").output
    trials = pl.read_csv("reports/tuning.csv")
    assert trials.columns == ["trial", "state", "roc_auc", "seconds", "max_leaf_nodes", "learning_rate"]
    assert trials["trial"].to_list() == list(range(12)) and trials.row(0)[-1] is None  # params.yaml names none
    pruned = trials.filter(state="pruned").height
    assert pruned and f"{pruned} of 12 trials pruned" in output
    table = [line.split() for line in output.splitlines() if line.endswith((" complete", " pruned")) and " of " not in line]
    assert [line[-1] for line in table] == trials["state"].to_list()
    assert "now" in table[0] and "best" in table[trials.filter(state="complete")["roc_auc"].arg_max()]
    svg = Path("reports/tuning.svg").read_text(encoding="utf-8")
    drawn = ElementTree.fromstring(svg)
    assert len(drawn.findall(".//*[@class='dot']")) == 12 - pruned and len(drawn.findall(".//*[@class='pruned']")) == pruned
    assert "ROC AUC, validation" in svg


def test_best_is_written_and_comments_stay():
    Path("params.yaml").write_text(COMMENTED)
    result = run("tune", "--trials", "5")
    assert result.exit_code == 0, result.output
    assert "Validation log_loss: " in result.output and "The best parameters are in params.yaml" in result.output
    text = Path("params.yaml").read_text()
    section = yaml.safe_load(text)["model"]
    assert section.keys() == SPACE.keys() | {"random_state"} and section["random_state"] == 0
    figures = [f"  {name}: {section[name]}" for name in ("learning_rate", "max_leaf_nodes")]
    expected = COMMENTED.replace("max_iter: 2 ", f"max_iter: {section['max_iter']} ")
    assert text == expected.replace("  random_state", "\n".join([*figures, "  random_state"]))
    assert not list(Path().glob("*.tmp"))


@pytest.mark.parametrize("before", ["a: 1\n", "a: 1\nmodel: {}\n", "a: 1\nmodel: {depth: 1}\n"])
def test_section_may_be_missing_or_short(before):
    Path("params.yaml").write_text(before)
    parameters.write({"depth": 3, "kind": "deep"})
    assert yaml.safe_load(Path("params.yaml").read_text()) == {"a": 1, "model": {"depth": 3, "kind": "deep"}}


@pytest.mark.parametrize("problem", toy.LABELLED)
@pytest.mark.parametrize("repeats", [False, True], ids=["by time", "by groups"])
def test_early_stopping_finds_the_rounds_by_the_folds_of_validation(problem, repeats, monkeypatch):
    monkeypatch.setattr(model, "SPACE", {"max_iter": "early stopping", "max_leaf_nodes": [3, 7]})
    monkeypatch.setattr(stopping, "PATIENCE", 5)
    params = toy.params(problem, model=POOR | {"learning_rate": 0.3}, data=DATA | {"repeats": repeats})
    result = tune.tune(params, 3)
    best = result.best.parameters
    assert POOR["max_iter"] < best["max_iter"] < 100 and result.now.parameters["max_iter"] == POOR["max_iter"]
    assert result.best.figure == pytest.approx(validation(params, best))
    for rounds in (best["max_iter"] // 2, best["max_iter"] * 4):
        worse = validation(params, best | {"max_iter": rounds}) - result.best.figure
        assert definitions.direction(toy.METRIC[problem]) * worse < 0.01


def test_only_what_has_rounds_stops_early(monkeypatch):
    monkeypatch.setattr(model, "SPACE", {"max_iter": "early stopping"})
    monkeypatch.setattr(model, "model", lambda problem, features, **parameters: DummyClassifier())
    with pytest.raises(FactoryError, match="DummyClassifier cannot stop early"):
        tune.tune(toy.params(model={}), 2)
