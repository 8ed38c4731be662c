"""A portfolio that is compared in a second."""

import pytest
from late_flights.factory.training import candidates, comparison, stopping
from threadpoolctl import threadpool_limits


@pytest.fixture
def quick(monkeypatch):
    """Fewer folds, rounds and trees, since which is chosen among clear cases does not depend on them; threads of small fits wait."""
    monkeypatch.setattr(comparison, "FOLDS", (2,))
    monkeypatch.setattr(stopping, "MAX_ROUNDS", 80)
    monkeypatch.setattr(candidates, "TREES", 10)
    with threadpool_limits(1):
        yield
