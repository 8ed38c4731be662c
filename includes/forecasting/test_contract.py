"""What an observation and a delivery must be: each limit refuses what is beyond it."""

from datetime import datetime
from typing import Any

import dataframely as dy
import polars as pl
import pytest

from . import contract, errors, rules

HOUR: dict[str, Any] = {
    "airport": "JFK",
    "hour": datetime(2013, 1, 1, 5),
    "holiday": True,
    "wind_speed": 20.4,
    "visibility": 16.1,
    "departures": 14,
}


def validate(**changed):
    return rules.validate(pl.DataFrame([HOUR | changed], infer_schema_length=None), contract.Observation)


def refused(**changed):
    """The columns and rules for which the contract refuses the observation."""
    with pytest.raises(errors.ContractViolation) as refusal:
        validate(**changed)
    return {violation.subject for violation in refusal.value.violations}


def test_hour_is_an_observation():
    validate()


def test_sampled_rows_are_rows():
    for schema in (contract.Observation, contract.Row, contract.LabelledRow):
        rules.validate(schema.sample(100, generator=dy.random.Generator(0)), schema)


OPTIONAL = ["wind_speed", "visibility", "departures"]


def test_optional_columns_may_be_unknown():
    validate(**dict.fromkeys(OPTIONAL))


@pytest.mark.parametrize("column", [column for column in HOUR if column not in OPTIONAL])
def test_other_columns_must_be_known(column):
    assert column in refused(**{column: None})


INVALID: dict[str, list[Any]] = {
    "airport": ["BOS"],
    "hour": [datetime(1999, 12, 31), datetime(2100, 1, 2)],
    "holiday": ["perhaps"],
    "wind_speed": [-0.1, 150.1],
    "visibility": [-0.1, 20.1],
    "departures": [-1, 151],
}


@pytest.mark.parametrize("column, value", [(column, value) for column, values in INVALID.items() for value in values])
def test_limits(column, value):
    assert column in refused(**{column: value})


def test_every_column_is_tested():
    assert list(HOUR) == list(INVALID) == contract.Observation.column_names()


def test_rows_to_score_have_what_is_known_ahead_and_no_more():
    known = {"airport", "hour", "holiday", "origin", "step"}
    assert known < set(contract.Row.column_names())
    assert not {"wind_speed", "visibility", "departures"} & set(contract.Row.column_names())
    assert contract.LabelledRow.column_names() == [*contract.Row.column_names(), "departures"]


DELIVERY = pl.DataFrame([HOUR | {"airport": airport} for airport in ("EWR", "JFK", "LGA")] * 20)
"""Sixty hours that keep every invariant."""


def test_good_delivery():
    rules.check_invariants(DELIVERY, contract.DELIVERY)


def first(share, column, value):
    chosen = pl.int_range(pl.len()) < share * pl.len()
    return DELIVERY.with_columns(pl.when(chosen).then(value).otherwise(column).alias(column))


BROKEN = {
    "at most 5 % of the hours lack the weather": first(0.06, "visibility", None),
    "flights leave from all three airports": DELIVERY.filter(pl.col("airport") != "LGA"),
    "no more than half of the hours are without a departure": first(0.6, "departures", 0),
}


@pytest.mark.parametrize("invariant, delivery", BROKEN.items(), ids=BROKEN)
def test_broken_delivery(invariant, delivery):
    with pytest.raises(errors.ContractViolation) as refusal:
        rules.check_invariants(delivery, contract.DELIVERY)
    assert [violation.subject for violation in refusal.value.violations] == [invariant]


def test_every_invariant_is_tested():
    assert BROKEN.keys() == contract.DELIVERY.keys()
