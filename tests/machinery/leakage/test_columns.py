"""Columns that predict the target too well, alone or together, and honest ones."""

import dataclasses

import numpy as np
import pytest
from late_flights.factory.leakage import afterwards, columns, joint
from late_flights.factory.leakage.finding import Finding
from late_flights.factory.leakage.sample import Sample
from sklearn import datasets

ROWS = 600
RANDOM = np.random.default_rng(0)
HONEST = {name: RANDOM.normal(size=ROWS) for name in "pqrst"}
SIGNAL = HONEST["p"] + HONEST["q"] + RANDOM.normal(size=ROWS)
ONE, OTHER, THIRD = RANDOM.gamma(2, 10, (3, ROWS)).round(1)
SHARE = RANDOM.uniform(0, 0.5, ROWS)
AMOUNT = 200 + 20 * SIGNAL


def regression(target, **leaking):
    return Sample("regression", "amount", np.asarray(target, float), HONEST | leaking)


def classification(target, **leaking):
    return Sample("classification", "late", np.asarray(target, float), HONEST | leaking)


def found(sample):
    return [(finding.kind, set(finding.columns)) for finding in columns.find(sample) if finding.refuses]


FORMULAS = {
    "sum": regression(AMOUNT, one=ONE, other=AMOUNT - ONE),
    "difference": regression(ONE - OTHER, one=ONE, other=OTHER),
    "small difference of large numbers": regression(SIGNAL, one=1e3 * ONE, other=1e3 * ONE - SIGNAL),
    "product": regression(ONE * OTHER, one=ONE, other=OTHER),
    "ratio": regression(ONE / OTHER, one=ONE, other=OTHER),
    "noise": regression(ONE + OTHER + RANDOM.normal(0, 1, ROWS), one=ONE, other=OTHER),
    "rounding": regression((ONE * OTHER).round(-1), one=ONE, other=OTHER),
    "sum with a product": regression(ONE * OTHER + 20 * THIRD, one=ONE, other=OTHER, third=THIRD),
    "share of an amount": regression(ONE * (1 - SHARE), one=ONE, share=SHARE),
    "three": regression(ONE + OTHER - THIRD, one=ONE, other=OTHER, third=THIRD),
    "comparison": classification(ONE > OTHER, one=ONE, other=OTHER),
    "limit of a sum": classification(ONE + OTHER + THIRD > 60, one=ONE, other=OTHER, third=THIRD),
    "nearly equal": classification(np.abs(ONE - OTHER) < 3, one=ONE, other=OTHER),
    "one of several classes": Sample(
        "multiclass", "grade", np.where(ONE > OTHER + 10, 2.0, SIGNAL > 0), HONEST | {"one": ONE, "other": OTHER}
    ),
    "limit of a ratio": classification(ONE / OTHER > 2, one=ONE, other=OTHER),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_columns_of_which_a_formula_is_the_target(name):
    leaking = set(FORMULAS[name].columns) - HONEST.keys()
    assert found(FORMULAS[name]) == [("joint", leaking)]


def test_a_second_formula_hides_behind_the_first():
    sample = regression(AMOUNT, one=ONE, other=AMOUNT - ONE, third=THIRD, fourth=AMOUNT + THIRD)
    assert {frozenset(names) for _, names in found(sample)} == {frozenset({"one", "other"}), frozenset({"third", "fourth"})}


def test_evidence_is_in_the_unit_of_the_target():
    [finding] = columns.find(FORMULAS["difference"])
    assert "one and other alone predict amount with a mean error of" in finding.evidence
    assert "a model without them has a mean error of" in finding.evidence
    assert finding.question == "Are one and other known when amount is predicted?"


LATE = SIGNAL > 1
ALONE = {
    "logarithm": regression(AMOUNT, log=np.log(AMOUNT)),
    "class": classification(LATE, code=3 - LATE),
}


@pytest.mark.parametrize("name", ALONE)
def test_a_column_that_alone_is_the_target(name):
    leaking = set(ALONE[name].columns) - HONEST.keys()
    assert found(ALONE[name]) == [("column", leaking)]


HALF = LATE & (RANDOM.random(ROWS) < 0.5)
VALUES = {
    "value": classification(LATE, reason=np.where(HALF, 3, RANDOM.integers(0, 3, ROWS)).astype(float)),
    "tail": classification(LATE, reason=np.where(HALF, RANDOM.gamma(2, 10, ROWS), 0)),
    "missing": classification(LATE, reason=np.where(HALF, np.nan, ONE)),
    "number": regression(np.where(HALF, 0, AMOUNT), reason=np.where(HALF, np.nan, ONE)),
    "one of several classes": Sample(
        "multiclass", "grade", np.digitize(SIGNAL, [-1, 1]).astype(float), HONEST | {"reason": np.where(HALF, np.nan, ONE)}
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_nearly_always_means_one_class(name):
    [(kind, leaking)] = found(VALUES[name])
    assert leaking == {"reason"}
    assert kind in ("value", "missing")


def test_a_value_is_named_by_its_text():
    sample = dataclasses.replace(
        VALUES["value"], categories=frozenset({"reason"}), labels={"reason": "rain snow fog strike".split()}
    )
    [finding] = columns.find(sample)
    assert finding.evidence.startswith("where reason is strike, late is true in 100.0% of ")


def test_a_name_alone_excludes_nothing():
    late = SIGNAL + RANDOM.normal(0, 1.5, ROWS) > 1
    assert found(classification(late, call_duration=SIGNAL)) == [("afterwards", {"call_duration"})]
    assert not found(classification(late, duration=SIGNAL, call_duration=RANDOM.normal(size=ROWS), other=SIGNAL))
    assert not found(classification(late, planned_duration=SIGNAL))


@pytest.mark.parametrize("name, asked", {"call_duration": [False], "planned_duration": []}.items())
def test_a_name_and_little_use_is_a_question(name, asked):
    late, unclear = SIGNAL + np.random.default_rng(1).normal(0, [[1.5], [4]], (2, ROWS))
    sample = classification(late > 1, **{name: unclear})
    assert [finding.refuses for finding in columns.find(sample)] == asked


def test_a_question_refuses_where_another_leak_hid_how_much_a_model_relies_on_the_column(monkeypatch):
    little = Finding("afterwards", ("p",), 0.02, 0.01, "", "", "", refuses=False)
    few = Finding("joint", ("q", "r"), 0.99, 0.96, "", "", "")
    hidden = {True: little, False: dataclasses.replace(little, figure=0.2, refuses=True)}
    monkeypatch.setattr(afterwards, "find", lambda sample: [hidden["q" in sample.columns]] if "p" in sample.columns else [])
    monkeypatch.setattr(joint, "find_few", lambda sample: [few] if "q" in sample.columns else [])
    assert list(columns.find(regression(AMOUNT))) == [hidden[False], few]


def test_an_honest_table_that_is_nearly_perfect():
    table = datasets.load_iris()
    features = dict(zip(table.feature_names, table.data.T, strict=True))
    assert not found(Sample("multiclass", "species", table.target.astype(float), features))


@pytest.mark.parametrize("sample", [regression(AMOUNT), classification(LATE)], ids=["regression", "classification"])
def test_an_ordinary_table(sample):
    assert not list(columns.find(sample))


def test_what_follows_from_a_leak_is_left_out_with_it():
    grade = np.digitize(AMOUNT, np.quantile(AMOUNT, np.arange(0.02, 1, 0.02))).astype(float)
    half, other = (grade >= 25).astype(float), RANDOM.integers(0, 2, ROWS).astype(float)
    kinds = {name: kind for kind, names in found(regression(AMOUNT, grade=grade, half=half, other=other)) for name in names}
    assert kinds == {"grade": "column", "half": "derived"}
