"""A feature that alone predicts the target is recognised, and refused."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.data import prepare
from late_flights.factory.metrics import definitions
from late_flights.factory.training import leakage, train
from tests.factory import toy


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_column_that_predicts_the_target_differs_from_one_that_does_not(problem):
    target = definitions.target_of(toy.rows(2000, problem), toy.params(problem))
    chance = np.random.default_rng(1).random(2000)
    assert leakage.predictive_power(target / 7, target, problem) > leakage.LEAKAGE_THRESHOLD
    assert leakage.predictive_power(chance, target, problem) < 0.6
    assert leakage.predictive_power(np.full(2000, np.nan), target, problem) < 0.6
    assert leakage.predictive_power(target, np.ones(2000), problem) == 0


def test_few_hits_are_no_evidence():
    """One of a thousand rows comes out on top by chance in some of two thousand columns."""
    target = np.isin(np.arange(1000), [10, 990]) * 1.0
    assert leakage.predictive_power(target, target, "classification") == 0


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("problem", ["multiclass"])
def test_leaked_class_is_refused():
    rows = prepare.read("train")
    leaked = rows.with_columns(amount=rows["answer"].to_physical() / 3.0)
    with pytest.raises(errors.FactoryError, match="amount alone predicts answer"):
        train.learn(leaked, toy.params("multiclass"))
    assert Path("model/model.onnx").exists()


@pytest.mark.usefixtures("project")
def test_feature_that_a_person_accepts_is_trained_on():
    rows = toy.rows(400).with_columns(amount=pl.col("answer").cast(pl.Float64))
    with pytest.raises(errors.FactoryError, match=r"under gate\.accepted: `LEAKAGE amount: why`$"):
        leakage.check_leakage(rows, toy.params())
    leakage.check_leakage(rows, toy.params(gate={"accepted": {"LEAKAGE amount": "known the evening before"}}))
