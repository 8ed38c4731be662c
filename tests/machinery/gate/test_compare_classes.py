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

VERSION = SimpleNamespace(facts={"commit": "HEAD"}, commit="HEAD")
pytestmark = pytest.mark.usefixtures("committed")
classes = pytest.mark.parametrize("problem", ["multiclass"])


@classes
def test_evidence_holds_every_probability():
    evidence = compare.gather(toy.params("multiclass"), VERSION, None)
    assert evidence.champion is not None and np.array_equal(evidence.challenger.score, evidence.champion.score)
    assert evidence.challenger.classes == toy.CLASSES and evidence.challenger.score.shape == (evidence.test.height, 3)
    assert np.array_equal(evidence.challenger.decision, evidence.challenger.score.argmax(axis=1))
    assert len(evidence.baseline) == 3 and sum(evidence.baseline) == pytest.approx(1)
    assert {check.code for check in checks.run_checks(evidence)} >= {"CHAMPION", "FAIRNESS_SELECTION", "FAIRNESS_ERROR"}


@classes
def test_class_that_the_champion_did_not_know_counts_against_it(monkeypatch):
    scores = champion.scores
    monkeypatch.setattr(champion, "scores", lambda version, rows: scores(version, rows).drop("probability_high"))
    evidence = compare.gather(toy.params("multiclass"), VERSION, None)
    assert evidence.champion is not None and (evidence.champion.score[:, 2] == 0).all()
    [check] = checks.not_worse_than_champion(evidence)
    assert check.passed and check.low is not None and check.low > 1


@pytest.mark.parametrize("problem", ["classification", "multiclass"])
def test_champion_of_another_kind_gives_no_result(monkeypatch, problem):
    ours, other = scorer.Scorer.load(), pl.lit("high" if problem == "classification" else True)
    monkeypatch.setattr(champion, "scores", lambda version, rows: ours.score(rows).with_columns(decision=other))
    with pytest.raises(errors.CannotEvaluate, match=r"^CHAMPION_BROKEN: "):
        compare.gather(toy.params(problem), VERSION, None)


def test_model_of_another_problem_gives_no_result():
    with pytest.raises(errors.CannotEvaluate, match=r"model/ is a classification, params.yaml asks for regression"):
        compare.gather(toy.params("regression"), VERSION, None)
