"""Fixtures: the contract of the series that are forecast in tests."""

import pytest

from machinery import series


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    series.declare(monkeypatch)
