"""Captures of ten days."""

from datetime import timedelta

import pytest

from machinery.monitoring.watched import DAY, capture, promote


@pytest.fixture
def served(committed):
    """A day's folder for each of ten days with captures of the model here, which is v1."""
    promote()
    for number in range(10):
        capture(DAY + timedelta(days=number))
    return committed
