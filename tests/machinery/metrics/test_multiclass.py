"""Several classes: known figures, the same as scikit-learn's, columns that come back, and the leaks that are told."""

from pathlib import Path

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.data import prepare
from late_flights.factory.evaluation import assessment, report
from late_flights.factory.metrics import definitions, threshold
from late_flights.factory.scoring import predictions
from late_flights.factory.training import leakage, train
from late_flights.factory.validation import rules
from sklearn import metrics as sk
from tests.factory import toy

from machinery.evaluation.assessment_factory import assessed

RANDOM = np.random.default_rng(0)
SCORE = RANDOM.dirichlet(np.ones(4), 500).round(2)
SCORE /= SCORE.sum(axis=1, keepdims=True)
TARGET = np.where(RANDOM.random(500) < 0.5, SCORE.argmax(axis=1), RANDOM.integers(0, 4, 500)) * 1.0
MANIFEST = {"classes": ["a", "b", "score", ""], "threshold": None}


class Graded(dy.Schema):
    grade = dy.Enum(["10", "2"], nullable=True)


SAME = {
    "log_loss": lambda: sk.log_loss(TARGET, np.clip(SCORE, definitions.LEAST, 1)),
    "accuracy": lambda: sk.accuracy_score(TARGET, SCORE.argmax(axis=1)),
    "balanced_accuracy": lambda: sk.balanced_accuracy_score(TARGET, SCORE.argmax(axis=1)),
    "macro_f1": lambda: sk.f1_score(TARGET, SCORE.argmax(axis=1), average="macro"),
    "roc_auc": lambda: sk.roc_auc_score(TARGET, SCORE, multi_class="ovr"),
}


@pytest.mark.parametrize("name", definitions.MULTICLASS)
def test_metric_is_scikit_learns(name):
    assert definitions.MULTICLASS[name](TARGET, SCORE) == pytest.approx(SAME[name]())


@pytest.mark.parametrize("name", definitions.MULTICLASS)
def test_class_that_is_not_there_is_no_obstacle(name):
    few = TARGET < 2
    assert np.isfinite(definitions.MULTICLASS[name](TARGET[few], SCORE[few]))


def test_intervals_hold_the_value_where_a_class_is_rare():
    target = np.where(np.arange(500) < 2, 3.0, TARGET % 3)
    found = definitions.estimates("multiclass", target, SCORE, definitions.frequencies(target, 4))
    for name, estimate in found.items():
        assert estimate.low <= estimate.value <= estimate.high, name


def test_frequencies_are_the_trivial_model():
    assert definitions.frequencies(np.array([0.0, 2, 2, 2]), 4) == [0.25, 0, 0.75, 0]
    found = definitions.estimates("multiclass", TARGET, SCORE, definitions.frequencies(TARGET, 4))
    assert found["accuracy"].baseline == pytest.approx(np.bincount(TARGET.astype(int)).max() / 500)
    assert found["roc_auc"].baseline == pytest.approx(0.5)


def test_columns_come_back():
    table = pl.DataFrame(predictions.to_columns(SCORE, MANIFEST))
    assert table.columns == ["score", "decision", "probability_a", "probability_b", "probability_score", "probability_"]
    assert table["decision"].to_list() == [MANIFEST["classes"][place] for place in SCORE.argmax(axis=1)]
    assert np.array_equal(predictions.from_frame(table, MANIFEST), SCORE)
    records = list(predictions.to_records(SCORE, MANIFEST))
    assert [record["decision"] for record in records] == table["decision"].to_list()
    assert [list(record["probabilities"].values()) for record in records] == SCORE.tolist()


def test_class_that_the_other_model_did_not_know_has_no_probability():
    table = pl.DataFrame(predictions.to_columns(SCORE, MANIFEST))
    known = predictions.from_frame(table, MANIFEST | {"classes": ["new", "a"]})
    assert np.array_equal(known, np.column_stack([np.zeros(500), SCORE[:, 0]]))


def test_confusion_counts_each_row_once():
    counts = definitions.confusion(TARGET, SCORE)
    assert counts.sum() == 500 and counts[1, 2] == ((TARGET == 1) & (SCORE.argmax(axis=1) == 2)).sum()
    told = assessment.confusion(TARGET, SCORE, MANIFEST)
    assert told is not None and told["b"]["score"] == counts[1, 2]


def test_rare_classes_are_shown_together():
    found = report.classes(assessed("multiclass"))
    assert [row["name"] for row in found][-1] == report.OTHERS and len(found) == report.SHOWN
    assert sum(row["rows"] for row in found) == sum(c["rows"] for row in found for c in row["taken"]) == 300
    assert report.classes(assessed()) == []


def test_class_without_rows_to_learn_from_is_named():
    rows = toy.rows(200, "multiclass").filter(pl.col("answer") != "middle")
    with pytest.raises(errors.FactoryError, match="answer: no row to learn from is middle"):
        train.fit(rows, toy.params("multiclass"))


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_column_that_tells_the_target_is_told_from_one_that_does_not(problem):
    target = definitions.target_of(toy.rows(2000, problem), toy.params(problem))
    assert leakage.tells(target / 7, target, problem) > leakage.DISGUISE
    assert leakage.tells(RANDOM.random(2000), target, problem) < 0.6
    assert leakage.tells(np.full(2000, np.nan), target, problem) < 0.6
    assert leakage.tells(target, np.ones(2000), problem) == 0


def test_few_hits_tell_nothing():
    """One of a thousand rows comes out on top by chance in some of two thousand columns."""
    target = np.isin(np.arange(1000), [10, 990]) * 1.0
    assert leakage.tells(target, target, "classification") == 0


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("problem", ["multiclass"])
def test_disguised_class_is_refused():
    rows = prepare.read("train")
    told = rows.with_columns(amount=rows["answer"].to_physical() / 3.0)
    with pytest.raises(errors.FactoryError, match="amount alone tells answer"):
        train.learn(told, toy.params("multiclass"))
    assert Path("model/model.onnx").exists()


def test_calibration_is_of_the_decided_class():
    right, sure = definitions.one_score(TARGET, SCORE)
    assert np.array_equal(right, SCORE.argmax(axis=1) == TARGET) and np.array_equal(sure, SCORE.max(axis=1))
    binary = threshold.confusion(right, sure > 0.5)
    assert sum(binary.values()) == 500


@pytest.mark.parametrize("values", [[2, 10, None], ["2", "10", None]], ids=["numbers", "text"])
def test_class_may_be_named_by_a_number(values):
    """Which is its name, not its place among the classes."""
    found = rules.validate(pl.DataFrame({"grade": values}), Graded)
    assert found["grade"].to_list() == ["2", "10", None]


@pytest.mark.parametrize("value", [0, 1, 3, True, 2.5])
def test_number_that_names_no_class_is_refused(value):
    with pytest.raises(errors.ContractViolation, match="grade: "):
        rules.validate(pl.DataFrame({"grade": [value, None]}), Graded)
