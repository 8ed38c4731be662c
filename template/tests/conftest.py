"""What all tests share."""

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small models train faster on one thread, above all where several runs share the processors."""
    with threadpool_limits(1):
        yield
