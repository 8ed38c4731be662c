"""Values in another unit than earlier ones: named where one unit alone fits, else by the factor, and no other change."""

from itertools import permutations

import numpy as np
import polars as pl
import pytest
from late_flights.factory.data.contract_diff.units import UNITS, unit_change

EARLIER = pl.Series("earlier", np.random.default_rng(0).normal(20, 6, 500))
LATER = pl.Series("later", np.random.default_rng(1).normal(20, 6, 300))
PLACES = pl.Series("distance", np.random.default_rng(2).integers(80, 2500, 150))
ROUTES, NEXT = (PLACES.sample(2000, with_replacement=True, seed=seed) for seed in (3, 4))
CELSIUS = pl.Series("temperature", np.random.default_rng(5).normal(8, 9, 1000))


@pytest.mark.parametrize("factor", UNITS)
def test_factor_between_units_is_suspected(factor):
    assert " times the earlier ones" in unit_change(EARLIER, LATER * factor)
    assert unit_change(EARLIER * factor, LATER * factor) is None


@pytest.mark.parametrize(
    "factor, decimals", [*((factor, 9) for factor in UNITS), *((factor, 1) for factor in UNITS if factor > 1)]
)
def test_unit_is_named_where_earlier_values_come_again(factor, decimals):
    assert (
        unit_change(ROUTES, (NEXT * factor).round(decimals))
        == f"the values are {factor:.4g} times the earlier ones ({UNITS[factor]}?)"
    )


SCALES = {"°C": CELSIUS, "°F": CELSIUS * 1.8 + 32, "K": CELSIUS + 273.15}


@pytest.mark.parametrize("season", [0, 7])
@pytest.mark.parametrize("earlier, new", [*permutations(SCALES, 2)])
def test_temperatures_are_named_in_any_season(earlier, new, season):
    warmer = season * (1.8 if new == "°F" else 1)
    assert unit_change(SCALES[earlier], SCALES[new] + warmer).endswith(f"{new} in place of {earlier}")


@pytest.mark.parametrize("factor", [1.609, 1.7, 1.852, 2.2046])
def test_no_factor_is_taken_for_a_temperature(factor):
    assert "°" not in unit_change(ROUTES.cast(pl.Float64) + 0.123, NEXT * factor)


def test_factor_that_several_units_fit_has_no_name():
    message = unit_change(EARLIER, LATER * 24.7)
    assert message.startswith("the values are about 2") and "?" not in message


def test_known_units_alone():
    assert unit_change(EARLIER, LATER * 7).startswith("the values are about 6.7") and not unit_change(
        EARLIER, LATER * 7, known=True
    )
    assert "100 times" in unit_change(EARLIER, LATER * 100, known=True)


def test_season_that_is_far_beyond_is_another_unit():
    assert "times" in unit_change(EARLIER, (LATER - LATER.mean() / 3) * 100)


def test_years_without_their_century_are_shifted():
    years = pl.Series([1990 + i % 20 for i in range(200)])
    assert "shifted by about -1,900" in unit_change(years, years - 1900)
    assert unit_change(years, years + 20) is None


def test_zeros_say_nothing_of_the_unit():
    rain = pl.Series([0.0] * 900 + [1.5 * i for i in range(1, 101)])
    assert "100 times" in unit_change(rain, rain * 100)


OTHER = {
    "same": LATER,
    "grown": LATER * 1.2,
    "shifted": LATER + 30,
    "outliers": pl.concat([LATER, LATER[:20] * 1000]),
    "other shape": pl.Series([200.0, 200.1] * 100),
    "zeros": pl.Series([0.0] * 20),
    "infinite": pl.concat([LATER, pl.Series([float("inf"), float("nan")])]),
    "nothing": pl.Series([None], dtype=pl.Float64),
}


@pytest.mark.parametrize("new", OTHER.values(), ids=OTHER)
def test_other_changes_are_no_unit(new):
    assert unit_change(EARLIER, new) is None
