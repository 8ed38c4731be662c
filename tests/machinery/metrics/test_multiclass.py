"""Metrics of several classes: the same as scikit-learn's, and defined where a class is missing."""

import numpy as np
import pytest
from late_flights.factory.evaluation import confusion
from late_flights.factory.metrics import bootstrap, definitions
from sklearn import metrics as sk

RANDOM = np.random.default_rng(0)
SCORE = RANDOM.dirichlet(np.ones(4), 500).round(2)
SCORE /= SCORE.sum(axis=1, keepdims=True)
TARGET = np.where(RANDOM.random(500) < 0.5, SCORE.argmax(axis=1), RANDOM.integers(0, 4, 500)) * 1.0
METRICS = definitions.METRICS["multiclass"]
MANIFEST = {"classes": ["a", "b", "score", ""], "threshold": None}
THEIRS = {
    "log_loss": lambda: sk.log_loss(TARGET, np.clip(SCORE, definitions.MIN_PROBABILITY, 1)),
    "accuracy": lambda: sk.accuracy_score(TARGET, SCORE.argmax(axis=1)),
    "balanced_accuracy": lambda: sk.balanced_accuracy_score(TARGET, SCORE.argmax(axis=1)),
    "macro_f1": lambda: sk.f1_score(TARGET, SCORE.argmax(axis=1), average="macro"),
    "roc_auc": lambda: sk.roc_auc_score(TARGET, SCORE, multi_class="ovr"),
}


@pytest.mark.parametrize("name", METRICS)
def test_metric_is_scikit_learns(name):
    assert METRICS[name](TARGET, SCORE) == pytest.approx(THEIRS[name]())


@pytest.mark.parametrize("name", METRICS)
def test_missing_class_is_no_obstacle(name):
    few = TARGET < 2
    assert np.isfinite(METRICS[name](TARGET[few], SCORE[few]))


def test_intervals_hold_the_value_where_a_class_is_rare():
    target = np.where(np.arange(500) < 2, 3.0, TARGET % 3)
    estimates = bootstrap.estimates(definitions.METRICS["multiclass"], target, SCORE, definitions.class_frequencies(target, 4))
    for name, estimate in estimates.items():
        assert estimate.low <= estimate.value <= estimate.high, name


def test_class_frequencies_are_the_baseline():
    assert definitions.class_frequencies(np.array([0.0, 2, 2, 2]), 4) == [0.25, 0, 0.75, 0]
    estimates = bootstrap.estimates(definitions.METRICS["multiclass"], TARGET, SCORE, definitions.class_frequencies(TARGET, 4))
    assert estimates["accuracy"].baseline == pytest.approx(np.bincount(TARGET.astype(int)).max() / 500)
    assert estimates["roc_auc"].baseline == pytest.approx(0.5)


def test_confusion_counts_each_row_once():
    counts = definitions.confusion_matrix(TARGET, SCORE)
    assert counts.sum() == 500 and counts[1, 2] == ((TARGET == 1) & (SCORE.argmax(axis=1) == 2)).sum()
    by_name = confusion.confusion(TARGET, SCORE, MANIFEST)
    assert by_name is not None and by_name["b"]["score"] == counts[1, 2]


def test_top_class_is_the_decision_and_its_probability():
    right, confidence = definitions.top_class(TARGET, SCORE)
    assert np.array_equal(right, SCORE.argmax(axis=1) == TARGET) and np.array_equal(confidence, SCORE.max(axis=1))
