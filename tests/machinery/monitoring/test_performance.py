"""Live performance: judged when enough outcomes are known, shown with intervals, and estimated without any."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory.metrics import definitions
from late_flights.factory.monitoring import performance
from tests.factory import toy

DAY = date(2026, 11, 20)
CLASSES = np.array(toy.CLASSES)


def scored(height: int = 1000, problem: str = "classification", drift: bool = False, seed: int = 0) -> pl.DataFrame:
    """Captured rows whose outcomes come as often as their scores say, unless their meaning has drifted."""
    random = np.random.default_rng(seed)
    if problem == "regression":
        score = random.normal(0, 1, height)
        outcome = score + random.normal(0, 1, height) + drift
        return pl.DataFrame({"_score": score, "_outcome": outcome})
    if problem == "classification":
        score = random.uniform(0, 1, height) ** 2
        return pl.DataFrame({"_score": score, "_outcome": (random.random(height) < (1 - score if drift else score))})
    shares = random.dirichlet([1, 1, 1], height)
    outcome = CLASSES[[random.choice(3, p=p[::-1] if drift else p) for p in shares]]
    of_classes = {f"_probability_{name}": shares[:, place] for place, name in enumerate(toy.CLASSES)}
    answers = pl.Series("_outcome", outcome).cast(pl.Enum(toy.CLASSES))
    return pl.DataFrame({"_score": shares.max(axis=1), **of_classes}).with_columns(answers)


@pytest.fixture(autouse=True)
def target(monkeypatch, problem):
    monkeypatch.setattr(contract, "LabelledRow", toy.LABELLED[problem])


def measured(rows, problem="classification", days=0, **sections):
    params = toy.params(problem, **sections)
    return performance.measure([performance.part(rows, params)], DAY, DAY + timedelta(days=days), params)


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_figures_are_those_of_the_gate_with_intervals_that_hold_them(problem):
    rows = scored(problem=problem)
    found = measured(rows, problem)
    metric = definitions.main_metric(toy.params(problem))
    score = rows.drop("_score", "_outcome").to_numpy() if problem == "multiclass" else rows["_score"].to_numpy()
    outcome = rows["_outcome"].to_physical().cast(float).to_numpy()
    assert found.metric.value == metric(outcome, score) and found.metric.low < found.metric.value < found.metric.high
    assert found.bias.low < 0 < found.bias.high and (found.rows, found.coverage, found.due) == (1000, 1, True)
    drifted = measured(scored(problem=problem, drift=True), problem)
    assert drifted.bias.low > 0.1 or drifted.bias.high < -0.1


@pytest.mark.parametrize("problem", ["classification", "multiclass"])
def test_estimate_holds_while_score_and_outcome_belong_together(problem):
    found, drifted = (measured(scored(4000, problem, drift), problem) for drift in (False, True))
    assert found.estimated == pytest.approx(found.metric.value, abs=0.03)
    assert drifted.estimated == found.estimated and abs(drifted.estimated - drifted.metric.value) > 0.2, "it cannot see that"


@pytest.mark.parametrize("problem", ["regression"])
def test_regression_has_no_estimate(problem):
    assert measured(scored(problem=problem), problem).estimated is None


def labelled(rows, share):
    return rows.with_columns(pl.when(pl.int_range(pl.len()) < share * pl.len()).then("_outcome"))


def test_a_window_is_judged_once_enough_is_known():
    rows = scored(100)
    for share, days, due in [(0.79, 27, False), (0.8, 0, True), (0.3, 28, True), (0, 28, True)]:
        found = measured(labelled(rows, share), days=days)
        assert (found.due, found.coverage) == (due, pytest.approx(share))
        assert (found.metric is not None) == (found.bias is not None) == (due and share > 0)
    assert measured(labelled(rows, 0.3), days=7, monitor={"label_days": 7}).due
    assert measured(labelled(rows, 0.3), days=30).note.startswith("only 30% of the rows have an outcome")
    assert measured(labelled(rows, 0.5), days=30).note == "" == measured(labelled(rows, 0.3)).note


def test_rows_without_an_outcome_are_none_with_a_negative_one():
    rows = scored()
    only_positive = rows.with_columns(pl.when(pl.col("_outcome")).then("_outcome"))
    found = measured(only_positive, days=30)
    assert found.metric is None and found.bias.low > 0, "as no other outcome is known"
    half = labelled(rows, 0.5)
    assert measured(half, days=30).metric.value == measured(rows.head(500)).metric.value


def test_few_outcomes_have_no_figures():
    found = measured(scored(19))
    assert (found.metric, found.bias, found.due) == (None, None, True)
    assert measured(scored(1)[:0]).to_json()["estimated"] is None


def test_repeated_ids_widen_the_intervals():
    rows = scored(200)
    repeated = pl.concat([rows] * 5).with_columns(key=pl.concat([pl.int_range(200, eager=True).cast(pl.String)] * 5))
    once, together = measured(rows), measured(repeated)
    for name in ("metric", "bias"):
        few, many = getattr(once, name), getattr(together, name)
        assert many.high - many.low == pytest.approx(few.high - few.low, rel=0.3)
