"""Intervals of a regression: they cover new rows as they promise, and are wider where errors are larger."""

import numpy as np
import pytest
from late_flights.factory.scoring import interval


def drawn(rows: int, seed: int):
    generator = np.random.default_rng(seed)
    score = generator.uniform(1, 10, rows)
    return score + score * generator.standard_t(4, rows), score


@pytest.mark.parametrize("rows", [60, 300, 3000])
def test_new_rows_are_covered(rows):
    shares = []
    for seed in range(20):
        known = interval.fitted(*drawn(rows, seed))
        assert known is not None
        target, score = drawn(2000, 100 + seed)
        low, high = interval.bounds(score, known)
        shares.append(((low <= target) & (target <= high)).mean())
    assert np.mean(shares) == pytest.approx(interval.LEVEL, abs=0.03)


def test_larger_errors_have_wider_intervals():
    known = interval.fitted(*drawn(3000, 1))
    assert known is not None
    low, high = interval.bounds(np.array([1.5, 9.5]), known)
    assert (high - low)[1] > 2 * (high - low)[0]


def test_few_rows_and_broken_scores_have_none():
    assert interval.fitted(*drawn(interval.MIN_ROWS - 1, 0)) is None
    assert interval.fitted(np.zeros(100), np.full(100, np.nan)) is None


def test_scores_that_are_all_equal_have_one():
    known = interval.fitted(np.arange(2000.0), np.zeros(2000))
    assert known is not None and known["edges"] == []
    assert interval.bounds(np.zeros(1), known) == (pytest.approx([99]), pytest.approx([1900]))
