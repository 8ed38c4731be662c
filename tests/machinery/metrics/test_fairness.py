"""Gaps between groups, against the same in a few lines of plain Python."""

from itertools import groupby

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from late_flights.factory.metrics import fairness
from late_flights.factory.metrics.definitions import METRICS

ROW = st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from([0.0, 1.0]), st.booleans())
MEASURED = st.tuples(st.sampled_from(["a", "b", None]), st.integers(-9, 9), st.integers(-9, 9))


def widest(rows, min_rows, keep=lambda truth: True):
    """The widest difference between the groups' means of what is kept of them, or None."""
    ordered = sorted(rows, key=lambda row: str(row[0]))
    groups = [list(group) for _, group in groupby(ordered, key=lambda row: row[0])]
    kept = [[value for _, truth, value in group if keep(truth)] for group in groups if len(group) >= min_rows]
    rates = [sum(values) / len(values) for values in kept if values]
    return max(rates) - min(rates) if len(rates) > 1 else None


def gaps(rows, min_rows, classifier=True):
    group, target, value = zip(*rows, strict=True)
    numbers = np.array(value, dtype=float)
    predictions = fairness.Predictions(numbers, np.array(value, dtype=bool) if classifier else None)
    return fairness.gaps(pl.Series(group, dtype=pl.String), np.array(target, dtype=float), predictions, min_rows)[0]


CHOSEN = st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 2), st.integers(0, 2))


@settings(deadline=None)
@given(st.lists(CHOSEN, min_size=1, max_size=40), st.integers(1, 6))
def test_gaps_of_classes(rows, min_rows):
    """Of selection the widest of any class; of error that in the share of wrong decisions."""
    group, target, chosen = zip(*rows, strict=True)
    predictions = fairness.Predictions(np.ones((len(rows), 3)), np.array(chosen), ["x", "y", "z"])
    result, _ = fairness.gaps(pl.Series(group, dtype=pl.String), np.array(target, dtype=float), predictions, min_rows)
    each = [widest([(g, t, c == code) for g, t, c in rows], min_rows) for code in range(3)]
    assert close(result["selection"], max((gap for gap in each if gap is not None), default=None))
    assert close_or_certain(result["error"], widest([(g, t, c != t) for g, t, c in rows], min_rows))


def close(gap, expected):
    return gap is expected if expected is None or gap is None else gap.value == pytest.approx(expected)


def close_or_certain(gap, expected):
    """A gap beyond chance comes before a wider one that may be chance."""
    return close(gap, expected) or (gap is not None and gap.beyond_chance and gap.value < expected)


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=40), st.integers(1, 6))
def test_gaps_of_decisions(rows, min_rows):
    result = gaps(rows, min_rows)
    by_truth = [widest(rows, min_rows, keep=lambda truth, side=side: truth == side) for side in (0, 1)]
    assert close(result["selection"], widest(rows, min_rows))
    assert close_or_certain(result["error"], max((gap for gap in by_truth if gap is not None), default=None))


@settings(deadline=None)
@example([("a", 1, 1), ("b", 2, 2)], 1)
@given(st.lists(MEASURED, min_size=1, max_size=40), st.integers(1, 6))
def test_gap_of_a_regression_is_a_share_of_its_error(rows, min_rows):
    errors = [(group, truth, abs(value - truth)) for group, truth, value in rows]
    overall = sum(error for _, _, error in errors) / len(errors)
    gap = widest(errors, min_rows)
    result = gaps(rows, min_rows, classifier=False)
    assert result.keys() == {"error"}
    assert close(result["error"], gap if gap is None or not overall else gap / overall)


def test_gap_names_its_groups_and_its_rate():
    """Of a 3 of 4 are selected, of b 1 of 4; TPR 2 of 2 against 1 of 2, FPR 1 of 2 against 0 of 2."""
    chosen = {"a": [1, 1, 1, 0], "b": [1, 0, 0, 0]}
    rows = [(group, truth, act) for group in chosen for truth, act in zip([1, 1, 0, 0], chosen[group], strict=True)]
    result = gaps(rows, 4)
    assert result["selection"] == fairness.Gap("selection rate", ("b", 4, 0.25, 4), ("a", 4, 0.75, 4))
    assert result["selection"].ratio == pytest.approx(1 / 3)
    assert result["error"] == fairness.Gap("TPR", ("b", 4, 0.5, 2), ("a", 4, 1.0, 2), compared=2)


def test_gap_in_false_positives_is_called_that():
    rows = [("a", 1, 1), ("a", 0, 0), ("b", 1, 1), ("b", 0, 1)]
    assert gaps(rows, 2)["error"] == fairness.Gap("FPR", ("a", 2, 0.0, 1), ("b", 2, 1.0, 1), compared=2)


def test_nobody_selected_has_no_ratio():
    assert gaps([("a", 1, 0), ("b", 0, 0)], 1)["selection"].ratio is None


CALLED = {"white": (100, 65), "black": (100, 40), "other": (5, 0)}


def called(**groups):
    """The selection ratio where of so many people of each group so many are called."""
    rows = [(name, place < chosen) for name, (size, chosen) in groups.items() for place in range(size)]
    names, decision = zip(*rows, strict=True)
    return fairness.selection_ratio(pl.Series(names), fairness.Predictions(np.array([]), np.array(decision)), 1)


def test_ratio_beyond_chance_comes_before_a_lower_one_of_few():
    gap = called(**CALLED)
    assert (gap.lowest.group, gap.highest.group, gap.compared) == ("black", "white", 3)
    assert gap.ratio == pytest.approx(40 / 65) and gap.beyond_chance


def test_interval_of_a_ratio():
    """Against the textbook's: exp(log(40/65) ± 1.96 √(1/40 - 1/100 + 1/65 - 1/100)) = 0.465 to 0.814."""
    assert called(white=CALLED["white"], black=CALLED["black"]).ratio_interval == pytest.approx((0.465, 0.814), rel=0.01)


@pytest.mark.parametrize("size, certain", [(3, False), (30, True)])
def test_none_of_few_may_be_chance(size, certain):
    gap = called(all=(size, size), none=(size, 0))
    assert gap.ratio == 0 and gap.beyond_chance == certain


def test_error_beyond_chance_comes_before_a_wider_one_of_few():
    """All of c's two true rows are missed, of b's a third."""
    rows = [
        (group, 1, place >= missed) for group, size, missed in (("a", 90, 0), ("b", 90, 30), ("c", 2, 2)) for place in range(size)
    ]
    gap = gaps(rows, 1)["error"]
    assert (gap.rate, gap.lowest.group, gap.highest.group) == ("TPR", "b", "a")


def test_small_groups_are_counted_not_compared():
    group, answers = pl.Series(["a", "a", "b", "b", "c"]), np.array([1.0, 0, 1, 0, 1])
    predictions = fairness.Predictions(answers, answers > 0)
    result, skipped = fairness.gaps(group, answers, predictions, 2)
    assert (result["error"].value, skipped) == (0, 1)
    assert fairness.gaps(group, answers, predictions, 3) == ({"selection": None, "error": None}, 3)


def test_metric_of_each_group_beside_the_reference():
    """The lower the error, the better: of a it is halved, of b doubled; c is too small, d has one outcome."""
    test = pl.DataFrame({"kind": [*"aabbcdd"]})
    target = np.array([0.0, 4, 0, 4, 1, 2, 2])
    score, reference = target + np.array([1.0, 1, 4, 4, 9, 9, 9]), target + 2
    measured, skipped = fairness.group_metrics(test, "kind", METRICS["regression"]["mae"], target, score, reference, min_rows=2)
    assert [group[:5] for group in measured] == [("b", 2, 4.0, 2.0, -1.0), ("a", 2, 1.0, 2.0, 0.5)] and skipped == 2
    assert [group.members.nonzero()[0].tolist() for group in measured] == [[2, 3], [0, 1]]


def test_groups_hold_every_row_once():
    rows = pl.DataFrame({"kind": ["b", None, "a", "b"]})
    members = {value: rows.tolist() for value, rows in fairness.groups(rows, "kind")}
    assert members == {
        None: [False, True, False, False],
        "a": [False, False, True, False],
        "b": [True, False, False, True],
    }
