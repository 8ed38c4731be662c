"""Training: the same rows and parameters give the same bytes."""

import pytest
from late_flights.factory.training import skops_schema, train
from tests.factory import toy
from threadpoolctl import threadpool_limits


@pytest.mark.usefixtures("project")
def test_threads_do_not_change_the_bytes():
    rows = toy.rows(12_000)  # enough for scikit-learn to work in parallel
    models = set()
    for threads in (1, 2):
        with threadpool_limits(threads):
            models.add(skops_schema.to_skops(train.fit(rows, toy.params())))
    assert len(models) == 1
