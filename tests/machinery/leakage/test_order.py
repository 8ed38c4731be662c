"""Series told from tables that are merely sorted."""

from dataclasses import replace

import numpy as np
import pytest
from late_flights.factory.leakage.order import order
from late_flights.factory.leakage.sample import Sample

ROWS = 300
RANDOM = np.random.default_rng(0)
SLOW = np.cumsum(RANDOM.normal(size=(4, ROWS)), axis=1)
SIZE, COLOUR = RANDOM.normal(size=ROWS), RANDOM.integers(0, 3, ROWS).astype(float)


def series(by_time=False):
    """A target that goes with the day, which the slow columns give away."""
    return Sample("regression", "demand", SLOW[0], {"warmth": SLOW[1], "price": SLOW[2], "stock": SLOW[3]}, by_time=by_time)


def shop(problem="regression"):
    """A target that follows from the row's own columns."""
    target = 2 * SIZE + COLOUR + RANDOM.normal(size=ROWS)
    target = target if problem == "regression" else np.digitize(target, [0, 2]).astype(float)
    return Sample(problem, "price", target, {"size": SIZE, "colour": COLOUR})


def test_series_without_a_time():
    [found] = order(series())
    assert (found.kind, found.subject, found.refuses) == ("order", "row order", True)


@pytest.mark.parametrize("own, asked", {4: [False], 40: []}.items())
def test_series_whose_rows_mostly_give_the_target_away_themselves_is_a_question_at_most(own, asked):
    sample = series()
    found = order(replace(sample, target=sample.target + own * sample.columns["warmth"]))
    assert [finding.refuses for finding in found] == asked


def test_series_of_which_the_newest_rows_are_the_test():
    assert not list(order(series(by_time=True)))


def test_series_in_another_order():
    assert not list(order(series().take(RANDOM.permutation(ROWS))))


SORTED = {
    "by the target": (shop(), lambda shop: shop.target),
    "by its classes": (shop("multiclass"), lambda shop: shop.target),
    "by a feature": (shop(), lambda shop: -shop.columns["size"]),
    "by a category and within it by the target": (shop(), lambda shop: shop.columns["colour"] * 100 + shop.target),
}


@pytest.mark.parametrize("sample, key", SORTED.values(), ids=SORTED)
def test_sorted_table_is_no_series(sample, key):
    assert not list(order(sample.take(np.argsort(key(sample), kind="stable"))))


def test_series_within_a_sorted_category():
    year = np.repeat([1.0, 2.0], ROWS // 2)
    assert list(order(replace(series(), columns=series().columns | {"year": year})))
