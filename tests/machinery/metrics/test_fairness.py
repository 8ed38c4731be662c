"""Gaps between groups, against the same in a few lines of plain Python."""

from itertools import groupby

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from late_flights.factory.metrics import fairness

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
    return fairness.gaps(pl.Series(group, dtype=pl.String), np.array(target, dtype=float), predictions, min_rows)


CHOSEN = st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 2), st.integers(0, 2))


@settings(deadline=None)
@given(st.lists(CHOSEN, min_size=1, max_size=40), st.integers(1, 6))
def test_gaps_of_classes(rows, min_rows):
    """Of selection the widest of any class; of error that in the share of wrong decisions."""
    group, target, chosen = zip(*rows, strict=True)
    predictions = fairness.Predictions(np.ones((len(rows), 3)), np.array(chosen), ["x", "y", "z"])
    result = fairness.gaps(pl.Series(group, dtype=pl.String), np.array(target, dtype=float), predictions, min_rows)
    each = [widest([(g, t, c == code) for g, t, c in rows], min_rows) for code in range(3)]
    assert close(result["selection"].value, max((gap for gap in each if gap is not None), default=None))
    assert close(result["error"].value, widest([(g, t, c != t) for g, t, c in rows], min_rows))


def close(value, expected):
    return value == expected if expected is None or value is None else value == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=40), st.integers(1, 6))
def test_gaps_of_decisions(rows, min_rows):
    result = gaps(rows, min_rows)
    by_truth = [widest(rows, min_rows, keep=lambda truth, side=side: truth == side) for side in (0, 1)]
    assert close(result["selection"].value, widest(rows, min_rows))
    assert close(result["error"].value, max((gap for gap in by_truth if gap is not None), default=None))


@settings(deadline=None)
@example([("a", 1, 1), ("b", 2, 2)], 1)
@given(st.lists(MEASURED, min_size=1, max_size=40), st.integers(1, 6))
def test_gap_of_a_regression_is_a_share_of_its_error(rows, min_rows):
    errors = [(group, truth, abs(value - truth)) for group, truth, value in rows]
    overall = sum(error for _, _, error in errors) / len(errors)
    gap = widest(errors, min_rows)
    result = gaps(rows, min_rows, classifier=False)
    assert result.keys() == {"error"}
    assert close(result["error"].value, gap if gap is None or not overall else gap / overall)


def test_gap_names_its_groups():
    """Of a 3 of 4 are chosen, of b 1 of 4; a's hits are 2 of 2 against 1 of 2, its false alarms 1 of 2 against none."""
    chosen = {"a": [1, 1, 1, 0], "b": [1, 0, 0, 0]}
    rows = [(group, truth, act) for group in chosen for truth, act in zip([1, 1, 0, 0], chosen[group], strict=True)]
    result = gaps(rows, 4)
    assert result["selection"] == fairness.Gap(0.5, "b 0.25, a 0.75")
    assert result["error"] == fairness.Gap(0.5, "b 0.50, a 1.00")


def test_small_groups_are_counted_not_compared():
    large = [("a", 1, 1), ("a", 0, 0), ("b", 1, 1), ("b", 0, 0)]
    result = gaps([*large, ("c", 1, 0)], 2)
    assert result["error"] == fairness.Gap(0, "a 1.00, b 1.00; 1 groups below 2 rows")
    assert gaps(large, 3)["error"] == fairness.Gap(None, "fewer than two groups to compare; 2 groups below 3 rows")


def test_groups_hold_every_row_once():
    rows = pl.DataFrame({"kind": ["b", None, "a", "b"]})
    members = {value: rows.tolist() for value, rows in fairness.groups(rows, "kind")}
    assert members == {
        None: [False, True, False, False],
        "a": [False, False, True, False],
        "b": [True, False, False, True],
    }
