"""Challenger and champion where there are several classes: probabilities of both, class by class."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.gate import checks, compare
from late_flights.factory.registry import champion
from late_flights.factory.scoring import scorer
from tests.factory import toy

HOLDER = SimpleNamespace(facts={"commit": "HEAD"}, commit="HEAD")
pytestmark = pytest.mark.usefixtures("committed")
classes = pytest.mark.parametrize("problem", ["multiclass"])


@classes
def test_evidence_holds_every_probability():
    found = compare.gather(toy.params("multiclass"), HOLDER, None)
    assert found.champion is not None and np.array_equal(found.challenger.score, found.champion.score)
    assert found.challenger.classes == toy.CLASSES and found.challenger.score.shape == (found.test.height, 3)
    assert np.array_equal(found.challenger.decision, found.challenger.score.argmax(axis=1))
    assert len(found.baseline) == 3 and sum(found.baseline) == pytest.approx(1)
    assert {check.code for check in checks.run_checks(found)} >= {"CHAMPION", "FAIRNESS_SELECTION", "FAIRNESS_ERROR"}


@classes
def test_class_that_the_champion_did_not_know_counts_against_it(monkeypatch):
    known = champion.scores
    monkeypatch.setattr(champion, "scores", lambda commit, rows: known(commit, rows).drop("probability_high"))
    found = compare.gather(toy.params("multiclass"), HOLDER, None)
    assert found.champion is not None and (found.champion.score[:, 2] == 0).all()
    [check] = checks.not_worse_than_champion(found)
    assert check.passed and check.low is not None and check.low > 1


@pytest.mark.parametrize("problem", ["classification", "multiclass"])
def test_champion_of_another_kind_decides_nothing(monkeypatch, problem):
    ours, other = scorer.Scorer.load(), pl.lit("high" if problem == "classification" else True)
    monkeypatch.setattr(champion, "scores", lambda commit, rows: ours.score(rows).with_columns(decision=other))
    with pytest.raises(errors.CannotEvaluate, match="only one tells several classes apart"):
        compare.gather(toy.params(problem), HOLDER, None)


def test_model_of_another_problem_decides_nothing():
    with pytest.raises(
        errors.CannotEvaluate, match=r"model/ is of a classification, params.yaml says regression: run `dvc repro`"
    ):
        compare.gather(toy.params("regression"), HOLDER, None)
