"""What a row and a delivery must be: each limit refuses what is beyond it."""

from datetime import datetime
from typing import Any

import dataframely as dy
import polars as pl
import pytest

from . import config, contract, errors, rules
from .factory.conftest import ROOT

TARGET = config.load(ROOT / "params.yaml").data.target
FLIGHT: dict[str, Any] = {
    "flight": "UA1545-EWR-20130101",
    "scheduled_departure": datetime(2013, 1, 1, 5, 15),
    "carrier": "UA",
    "origin": "EWR",
    "dest": "IAH",
    "distance": 1400,
    "scheduled_minutes": 227,
    "departure_delay": 2,
    "plane_built": 1999,
    "seats": 149,
    "temperature": 3.9,
    "wind_speed": 20.4,
    "wind_gust": None,
    "precipitation": 0.0,
    "visibility": 16.1,
    "pressure": 1012.0,
}


def validate(schema=contract.Row, **changed):
    return rules.validate(pl.DataFrame([FLIGHT | changed], infer_schema_length=None), schema)


def refused(schema=contract.Row, **changed):
    """The columns and rules for which the contract refuses the row."""
    with pytest.raises(errors.ContractViolation) as refusal:
        validate(schema, **changed)
    return {violation.subject for violation in refusal.value.violations}


def test_flight_is_a_row():
    validate()


def test_sampled_rows_are_rows():
    for schema in (contract.Row, contract.LabelledRow):
        rules.validate(schema.sample(100, generator=dy.random.Generator(0)), schema)


OPTIONAL = ["plane_built", "seats", "temperature", "wind_speed", "wind_gust", "precipitation", "visibility", "pressure"]


def test_optional_columns_may_be_unknown():
    validate(**dict.fromkeys(OPTIONAL))


@pytest.mark.parametrize("column", [column for column in FLIGHT if column not in OPTIONAL])
def test_other_columns_must_be_known(column):
    assert column in refused(**{column: None})


INVALID: dict[str, list[Any]] = {
    "flight": ["UA1-EWR", "UA1545-EWR-20130101-again"],
    "scheduled_departure": [datetime(1999, 12, 31), datetime(2100, 1, 2)],
    "carrier": ["XX"],
    "origin": ["BOS"],
    "dest": ["IA", "KIAH"],
    "distance": [9, 6001],
    "scheduled_minutes": [19, 901],
    "departure_delay": [-121, 3001],
    "plane_built": [1939, 2101],
    "seats": [0, 901],
    "temperature": [-40.1, 50.1],
    "wind_speed": [-0.1, 150.1],
    "wind_gust": [-0.1, 250.1],
    "precipitation": [-0.1, 200.1],
    "visibility": [-0.1, 20.1],
    "pressure": [869.9, 1085.1],
}


@pytest.mark.parametrize("column, value", [(column, value) for column, values in INVALID.items() for value in values])
def test_limits(column, value):
    assert column in refused(**{column: value})


def test_every_column_is_tested():
    assert list(FLIGHT) == list(INVALID) == contract.Row.column_names()
    assert contract.LabelledRow.column_names() == [*FLIGHT, TARGET]


def test_impossible_speed():
    assert refused(distance=1500, scheduled_minutes=100) == {"flies_at_a_possible_speed"}


def test_plane_from_the_future():
    assert refused(plane_built=2014) == {"was_built_before_it_flew"}


@pytest.mark.parametrize("value", [None, "soon", 5000])
def test_outcome(value):
    assert TARGET in refused(contract.LabelledRow, **{TARGET: value})


DELIVERY = pl.DataFrame([FLIGHT | {"origin": origin} for origin in ("EWR", "JFK", "LGA")] * 20)
"""Sixty flights that keep every invariant."""


def test_good_delivery():
    rules.check_invariants(DELIVERY, contract.DELIVERY)


def first(share, column, value):
    rows = pl.int_range(pl.len()) < share * pl.len()
    return DELIVERY.with_columns(pl.when(rows).then(value).otherwise(column).alias(column))


BROKEN = {
    "at most 5 % of the flights lack the weather": first(0.06, "temperature", None),
    "at most 30 % of the flights lack the aircraft": first(0.31, "plane_built", None),
    "flights leave from all three airports": DELIVERY.filter(pl.col("origin") != "LGA"),
    "half of all departures are less than an hour late": first(0.6, "departure_delay", 60),
}


@pytest.mark.parametrize("invariant, delivery", BROKEN.items(), ids=BROKEN)
def test_broken_delivery(invariant, delivery):
    with pytest.raises(errors.ContractViolation) as refusal:
        rules.check_invariants(delivery, contract.DELIVERY)
    assert [violation.subject for violation in refusal.value.violations] == [invariant]


def test_every_invariant_is_tested():
    assert BROKEN.keys() == contract.DELIVERY.keys()
