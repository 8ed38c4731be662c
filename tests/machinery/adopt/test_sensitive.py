"""Groups of people are found by the names of columns and by their values, and what merely sounds like one is not."""

import polars as pl
import pytest
from late_flights.factory.adopt import profile, sensitive

from machinery.adopt.adopt_table import propose

PEOPLE = (
    "sex SEX sexe Gender is_female female male isMale1 race Race_Code applicant_race black nonwhite is_white hisp hispanic "
    "Ethnicity minority religion marital_status married unmarried foreign foreign_worker native-country citizenship disabled "
    "pregnant veteran immigrant nationality age AgeGroup age_of_applicant union"
)
THINGS = (
    "mileage average page race_time race_id raceway stage vehicle_age house_age white_wine black_box trace terrace maritime "
    "national_park sexton blackout foreign_exchange_rate reunion embrace femalegauge agency"
)


@pytest.mark.parametrize("name", PEOPLE.split())
def test_names_of_people(name):
    assert sensitive.is_about_people(name)


@pytest.mark.parametrize("name", THINGS.split())
def test_names_of_things(name):
    assert not sensitive.is_about_people(name)


FOUND = {
    "0 and 1": ("black", [0, 1], True),
    "yes and no": ("married", ["yes", "no"], True),
    "true and false": ("female", [True, False], True),
    "codes": ("race", [1, 2, 3, 4], True),
    "numbers with a gap": ("hisp", [0.0, 1.0, None], True),
    "an amount": ("female", list(range(50)), False),
    "a constant": ("female", [1], False),
    "two letters": ("x1", ["F", "M"], True),
    "black or white": ("colour", ["Black", "White"], True),
    "one or not": ("mother", ["white", "not white"], True),
    "three colours": ("colour", ["black", "white", "red"], False),
    "ages in years": ("age", [18, 19, 20, 21], False),
    "groups of ages": ("age", ["18-30", "31-60", "61+"], True),
    "values that say so": ("group", ["White", "Asian-Pac-Islander", "African American"], True),
    "one value that might": ("kitchen", ["Asian", "Italian"], False),
}


@pytest.mark.parametrize("name, values, expected", FOUND.values(), ids=FOUND)
def test_few_groups_of_people_are_sensitive(name, values, expected):
    column = profile.profile(pl.LazyFrame({name: values * 10}))[name]
    assert sensitive.is_sensitive(column) == expected


def test_a_measured_column_is_sensitive_and_no_feature():
    [role] = [role for role in propose(roles={"sex": "measured"}).roles if role.name == "sex"]
    assert (role.role, role.sensitive) == ("measured", True)
