"""What is delivered of series is compared with earlier observations, not with the rows of forecasts made of them."""

import polars as pl
import pytest
from late_flights.factory import config
from late_flights.factory.data.contract_diff import diff

from machinery import series


@pytest.fixture
def problem() -> str:
    return "forecasting"


@pytest.mark.usefixtures("trained")
def test_a_renamed_column_that_is_not_known_ahead_is_recognised_by_its_values():
    later = series.observations(300, first=600).rename({"visitors": "people_in_store"})
    messages = [each.message for each in diff.differences(later, config.load(), "next.parquet")]
    assert [message for message in messages if "people_in_store is new and looks like it" in message], messages
    assert not any("people_in_store is new: to use it" in message for message in messages)


@pytest.mark.usefixtures("trained")
def test_another_column_is_not_taken_for_it():
    later = series.observations(300, first=600).with_columns(visitors=pl.int_range(pl.len()) + 10_000_000)
    later = later.rename({"visitors": "ticket"})
    messages = [each.message for each in diff.differences(later, config.load(), "next.parquet")]
    assert any("ticket is new: to use it" in message for message in messages), messages
