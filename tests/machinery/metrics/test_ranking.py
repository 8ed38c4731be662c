"""The highest scores of a list: measured as if equal ones were drawn at random, decided by their order."""

import numpy as np
import pytest
from late_flights.factory.decision import Value
from late_flights.factory.errors import FactoryError
from late_flights.factory.evaluation import confusion
from late_flights.factory.metrics import bootstrap, curves, definitions, ranking
from tests.factory import toy

VALUE = {"true_positive": 5, "false_positive": -1, "false_negative": -2, "true_negative": 0.5}
RANDOM = np.random.default_rng(3)
SCORE = RANDOM.integers(0, 7, 200) / 7  # with many equal ones
TARGET = (RANDOM.random(200) < 0.2 + 0.5 * SCORE) * 1.0


def decided(**sections):
    return toy.params(decision={"top_k": 100, "of": 500}, **sections)


def drawn(measure, draws=4000):
    """What the rows acted on earn on average, if equal scores come in any order."""
    orders = (RANDOM.permutation(len(SCORE)) for _ in range(draws))
    return np.mean([measure(TARGET[order], np.argsort(np.argsort(-SCORE[order], kind="stable")) < 40) for order in orders])


def earned(target, acted):
    by_outcome = np.where(target > 0, np.where(acted, 5, -2), np.where(acted, -1, 0.5))
    return by_outcome.mean()


def test_equal_scores_count_as_if_drawn_at_random():
    precision = drawn(lambda target, acted: target[acted].mean())
    metrics = definitions.metrics_of(decided(value=VALUE))
    assert metrics["precision_at_k"](TARGET, SCORE) == pytest.approx(precision, abs=0.01)
    assert metrics["lift_at_k"](TARGET, SCORE) == pytest.approx(precision / TARGET.mean(), abs=0.02)
    assert metrics["value_at_k"](TARGET, SCORE) == pytest.approx(drawn(earned), abs=0.01)


def test_constant_scores_choose_at_random_and_perfect_ones_the_true_rows():
    metrics, constant = definitions.metrics_of(decided(value=VALUE)), np.full_like(SCORE, 0.4)
    assert metrics["precision_at_k"](TARGET, constant) == pytest.approx(TARGET.mean())
    assert metrics["lift_at_k"](TARGET, constant) == pytest.approx(1)
    assert metrics["precision_at_k"](TARGET, TARGET) == 1
    order = RANDOM.permutation(len(SCORE))
    for metric in metrics.values():
        assert metric(TARGET[order], SCORE[order]) == pytest.approx(metric(TARGET, SCORE))


def test_metrics_of_the_highest_scores_need_a_number_of_rows_and_a_value():
    assert "precision_at_k" not in definitions.metrics_of(toy.params())
    assert "value_at_k" in definitions.metrics_of(decided()) and "value_at_k" not in definitions.metrics_of(decided(value=None))
    with pytest.raises(FactoryError, match=r"evaluation\.metric: value_at_k is not one of average_precision.*, lift_at_k$"):
        definitions.main_metric(decided(value=None, evaluation={"metric": "value_at_k"}))
    estimates = bootstrap.estimates(definitions.metrics_of(decided()), TARGET, SCORE, 0.4)
    assert estimates["precision_at_k"].low < estimates["precision_at_k"].value < estimates["precision_at_k"].high


def test_rows_of_which_none_is_true_have_no_lift():
    lift = {"lift_at_k": definitions.metrics_of(decided())["lift_at_k"]}
    estimate = bootstrap.estimates(lift, np.zeros(200), SCORE, 0.4)["lift_at_k"]
    assert np.isnan([estimate.value, estimate.low, estimate.high, estimate.baseline]).all()


def test_cutoff_is_the_lowest_of_the_highest_scores():
    score = np.array([0.1, 0.9, 0.5, 0.7, 0.3])
    assert ranking.cutoff(score, 0.4) == 0.7 and ranking.cutoff(score, 0.001) == 0.9 and ranking.cutoff(score, 1.0) == 0.1
    facts = {"threshold": 0.95, "decision": {"rows": 100, "of": 500}}
    assert confusion.decisions(score, facts).tolist() == [False, True, False, False, False]
    assert not confusion.decisions(score, {"threshold": 0.95}).any() and confusion.decisions(score, {"threshold": None}) is None


def test_curves_end_where_all_rows_are_acted_on():
    found = curves.of_decisions(TARGET, SCORE, decided(value=VALUE))
    gains, value = found["gains"], found["value"]
    assert gains.row(0) == (0, 0) and gains.row(-1) == (1, 1) and value["rows"].equals(gains["rows"])
    worth = Value.model_validate(VALUE)
    for share, earned in value.rows()[1:]:
        assert earned == pytest.approx(ranking.value(TARGET, SCORE, share, worth))
    assert "utility" not in found and set(curves.of_decisions(TARGET, SCORE, decided(value=None))) == {"gains"}
