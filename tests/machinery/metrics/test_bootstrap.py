"""Intervals where several rows share an id."""

import numpy as np
from late_flights.factory.metrics import bootstrap, definitions
from tests.factory import toy

IDS, ROWS = 40, 10
RANDOM = np.random.default_rng(0)
ID = RANDOM.permutation(np.repeat(np.arange(IDS), ROWS))
LEVEL = RANDOM.normal(size=IDS)[ID]
REPEATS = {"target": "answer", "sensitive": [], "id": "key", "repeats": True}


def mean(ids, values=LEVEL):
    return bootstrap.difference(lambda rows: float(values[rows].mean()), values, ids)


def width(interval):
    return interval.high - interval.low


def test_interval_of_rows_that_are_alike_is_that_of_their_ids():
    """Ten equal rows of an id tell no more than one."""
    one_of_each = mean(None, LEVEL[np.unique(ID, return_index=True)[1]])
    assert 0.7 < width(mean(ID)) / width(one_of_each) < 1.4
    assert width(mean(ID)) > 2 * width(mean(None))


def test_resamples_hold_whole_ids():
    [rows, *_] = bootstrap._resamples_of_ids(ID, len(ID), np.random.default_rng(1))
    counts = np.bincount(rows, minlength=len(ID))
    assert all(len(set(counts[id == ID])) == 1 for id in range(IDS))


def test_ids_count_only_where_they_repeat():
    rows = toy.rows(4)
    assert definitions.ids_of(rows, toy.params(data=REPEATS)).tolist() == [1, 2, 3, 4]
    assert definitions.ids_of(rows, toy.params()) is None
