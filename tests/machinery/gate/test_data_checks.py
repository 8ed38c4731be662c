"""The gate's doubts about data and test: what each refuses, and what it leaves alone."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from late_flights.factory.gate import data_checks
from late_flights.factory.gate.evidence import MAX_CELLS, MAX_RUN, RUNS, Part, part
from tests.factory import toy
from tests.factory.gate_evidence import CHANCE, ROWS, TARGET, both, grouped, params, passing

RANDOM = np.random.default_rng(3)
FREQUENT = TARGET["classification"] == round(TARGET["classification"].mean())


def only(checks):
    [check] = checks
    return check


def with_data(**data):
    settings = toy.settings()["data"] | data
    return params().model_copy(update={"data": toy.params(data=settings).data})


def test_group_on_both_sides_is_a_leak_that_its_split_or_a_person_removes():
    evidence = passing(train=grouped())
    check = next(each for each in data_checks.leakage(evidence) if each.key == "LEAKAGE name")
    assert not check.passed and "ROC AUC" in check.note
    by_person = with_data(id="name", time=None, repeats=True)
    assert only(data_checks.leakage(replace(evidence, params=by_person))).passed


def test_rows_without_a_leak_pass():
    check = only(data_checks.leakage(passing()))
    assert check.passed and (check.figure, check.key) == (0, "LEAKAGE")


def small(rows=ROWS, cases=None, **data):
    target = TARGET["classification"] if cases is None else (np.arange(ROWS) < cases) * 1.0
    first = slice(0, rows) if cases is None else slice(None)
    test = pl.DataFrame({"gap": np.arange(ROWS) % 3, **data})[first]
    judged = passing(params=with_data(**({"repeats": True} if data else {})), test=test, target=target[first])
    return only(data_checks.small_test(replace(judged, challenger=replace(judged.challenger, score=CHANCE[first]))))


@pytest.mark.parametrize(
    "check, figure, limit",
    [
        (small(cases=9), 9, "≥ 10"),
        (small(cases=ROWS - 9), 9, "≥ 10"),
        (small(key=[f"k{i % 5}" for i in range(ROWS)]), 5, "≥ 6"),
        (small(key=[f"k{0 if i % 2 else i}" for i in range(ROWS)]), 4, "≥ 6"),
        (small(key=[f"k{i % (50 if frequent else 2)}" for i, frequent in enumerate(FREQUENT)]), 2, "≥ 3"),
    ],
)
def test_test_that_says_little_is_refused_with_its_interval(check, figure, limit):
    assert (check.passed, check.figure, check.limit, check.key) == (False, figure, limit, "SMALL_TEST")
    assert check.note.startswith("ROC AUC 0.") and "95% interval" in check.note


def test_too_few_rows_of_a_regression_are_refused():
    evidence = passing("regression")
    few = replace(evidence.challenger, score=evidence.challenger.score[:19])
    check = only(data_checks.small_test(replace(evidence, test=evidence.test[:19], target=evidence.target[:19], challenger=few)))
    assert (check.passed, check.figure, check.limit) == (False, 19, "≥ 20") and check.note.startswith(
        "root mean squared error 0."
    )


@pytest.mark.parametrize("check", [small(rows=40), small(cases=10), small(key=[f"k{i % 6}" for i in range(ROWS)])])
def test_small_test_that_says_something_passes(check):
    assert check.passed and not check.note


def discrete(rows, columns, values, seed):
    """Rows of a few values, and a target that follows from them but for noise."""
    random = np.random.default_rng(seed)
    table = pl.DataFrame({f"x{i}": random.integers(0, values, rows) for i in range(columns)})
    answer = (table.sum_horizontal() % 2 > 0) ^ pl.Series(random.random(rows) < 0.2)
    return Part(answer.alias("answer").to_frame(), table)


def continuous(rows, seed):
    random = np.random.default_rng(seed)
    table = pl.DataFrame({f"x{i}": random.normal(size=rows) for i in range(4)} | {"kind": random.choice(toy.KINDS, rows)})
    return Part(pl.DataFrame({"answer": random.random(rows) < 0.1}), table)


def copying(test, train, share):
    """The test's rows, of which the first are copies of the training's."""
    count = round(share * test.features.height)
    rows, features = (
        pl.concat([theirs.head(count), ours[count:]]) for theirs, ours in zip(parts(train), parts(test), strict=True)
    )
    return Part(rows, features)


def parts(part):
    return part.rows, part.features


@pytest.mark.parametrize("share, passes", [(0, True), (0.04, True), (0.1, False), (1, False)])
def test_copies_of_training_rows_are_refused(share, passes):
    train = continuous(1000, 0)
    check = only(data_checks.duplicates(passing(train=train, tested=copying(continuous(200, 1), train, share))))
    assert check.passed is passes and check.figure == pytest.approx(share)


@pytest.mark.parametrize("columns, values", [(2, 3), (4, 4), (8, 2), (6, 6)])
def test_rows_of_few_values_coincide_by_chance(columns, values):
    check = only(
        data_checks.duplicates(passing(train=discrete(1000, columns, values, 0), tested=discrete(300, columns, values, 1)))
    )
    assert check.passed and (values == 6 or (check.figure > 0.05 and check.note.endswith("which coincide by chance")))


def test_copies_are_counted_for_all_rows_where_some_are_looked_at():
    train = continuous(1000, 0)
    fewer = Part(train.rows[:200], train.features[:200], share=0.2)
    check = only(data_checks.duplicates(passing(train=fewer, tested=copying(continuous(200, 1), train, 0.5))))
    assert check.figure == pytest.approx(1.0) and not check.passed


def test_one_feature_says_nothing_of_copies():
    one = Part(pl.DataFrame({"answer": [True, False]}), pl.DataFrame({"x": [1, 2]}))
    assert list(data_checks.duplicates(passing(train=one, tested=one))) == []


def gap(problem, value, spread=0.02, time=None, **changed):
    validation = {"metrics": {data_checks.SKILL[problem]: {"value": value, "low": value - spread, "high": value + spread}}}
    evidence = passing(problem, validation=validation, **changed)
    data = evidence.params.data.model_copy(update={"time": time})
    return only(data_checks.train_test_gap(replace(evidence, params=evidence.params.model_copy(update={"data": data}))))


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_far_from_the_validation_is_refused_either_way(problem):
    figure = gap(problem, 0.9).figure
    assert gap(problem, figure).passed and gap(problem, figure + 0.04).passed
    better = gap(problem, 2 * figure - 1.05)
    assert not better.passed and better.low < better.figure < better.high
    noise = RANDOM.dirichlet(np.ones(3), ROWS) if problem == "multiclass" else RANDOM.random(ROWS)
    worse = gap(problem, 0.9, **both(problem, score=noise))
    assert not worse.passed and worse.note.startswith("validation 0.9, 0.88 to 0.92")


def test_times_may_differ_more():
    assert not gap("classification", 0.6).passed and gap("classification", 0.6, time="seen").passed
    assert not gap("classification", 0.9, time="seen", **both(score=RANDOM.random(ROWS))).passed


def test_difference_within_the_intervals_is_no_gap():
    assert gap("classification", 0.6, spread=0.15).passed and not gap("classification", 0.6).passed


def test_interval_of_few_ids_of_which_the_model_knows_some_is_wide():
    place = np.abs(passing().challenger.score - TARGET["classification"]).argsort().argsort()
    few = {"params": with_data(repeats=True), "test": pl.DataFrame({"key": [f"k{8 * i // ROWS}" for i in place]})}
    assert not gap("classification", 0.6).passed and gap("classification", 0.6, **few).passed


@pytest.mark.parametrize("validation", [None, {"metrics": {}}, {"folds": 5, "rows": 3, "metrics": {"brier": {"value": 1}}}])
def test_without_a_validation_there_is_no_gap_to_judge(validation):
    check = only(data_checks.train_test_gap(passing(validation=validation)))
    assert check.passed and not check.judged


def test_rows_looked_at_are_all_or_runs_of_neighbours():
    few, many = pl.DataFrame({"x": range(10)}), pl.DataFrame({"x": range(2 * RUNS * MAX_RUN)}).lazy()
    assert part(few, pl.DataFrame.clone).features.equals(few)
    some = part(many, lambda rows: rows.with_columns(y=-pl.col("x")))
    steps = some.rows["x"].diff().drop_nulls()
    wide = part(pl.DataFrame({f"x{i}": range(10_000) for i in range(500)}), pl.DataFrame.clone)
    assert wide.rows.height * wide.rows.width == MAX_CELLS
    assert some.share == 0.5 and (steps > 1).sum() == RUNS - 1 and steps.min() == 1 and some.features.columns == ["x", "y"]
