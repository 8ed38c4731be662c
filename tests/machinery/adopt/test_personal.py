"""What names or reaches a person is recognised by its form or by its name; it is out, or it is the id and said to be personal."""

import polars as pl
import pytest
from late_flights.factory.adopt import personal, profile

from machinery.adopt.adopt_table import ROWS, propose


def card(number):
    """The number with its check digit, which makes it pass."""
    return next(text for text in (f"{number}{digit}" for digit in range(10)) if personal.FORMS["card number"](text))


def iban(number):
    return next(
        text for text in (f"DE{check:02}{number:018}" for check in range(2, 99)) if personal.FORMS["account number"](text)
    )


PEOPLE = ["Smith, Mary", "John Q. Public", "Ana Lopez", "R. Kipling"]
FORMS = {
    "e-mail address": [f"a.b{i}@example.com" for i in range(9)],
    "IP address": [*(f"10.0.{i}.254" for i in range(9)), "2001:db8::1"],
    "account number": [iban(i * 7919) for i in range(9)],
    "card number": [card(f"4{i:014}") for i in range(1, 10)],
    "phone number": [f"+49 30 12345{i}" for i in range(5)] + [f"(555) 010-010{i}" for i in range(5)],
    "national id": [f"{i:03}-12-3456" for i in range(1, 10)],
    "postal address": [f"{i} Long Street" for i in range(9)] + ["Hauptstraße 7"],
    "name": [f"{name}{ending}" for name in PEOPLE for ending in ("", " jr", " III")],
}


@pytest.mark.parametrize("kind, values", FORMS.items(), ids=FORMS)
def test_values_of_a_form_are_recognised_under_any_name(kind, values):
    assert found(x=values) == kind


def found(**column):
    [(name, values)] = column.items()
    return personal.kind(profile.profile(pl.LazyFrame({name: values}))[name])


OTHERS = {
    "numbers without their check digit": [f"4{i:015}" for i in range(9)],
    "dates": [f"2024-01-0{i}" for i in range(1, 9)],
    "versions": [f"1.2.{i}" for i in range(9)],
    "cars": [f"ford torino {i}" for i in range(9)],
    "places": ["New York", "Los Angeles", "San Jose", "Las Vegas", "Salt Lake City", "El Paso"],
    "decimals": [i / 7 for i in range(9)],
}


@pytest.mark.parametrize("values", OTHERS.values(), ids=OTHERS)
def test_other_values_are_not(values):
    assert found(x=values) is None


NAMES = {
    "name": "first_name LastName surname customer_full_name firstname",
    "e-mail address": "email E-Mail customer_email_address",
    "phone number": "phone mobile_number telefon",
    "postal address": "street billing_address address_line_1",
    "national id": "ssn passport_no",
    None: "filename product_name street_type phone_count ip_rights renamed shipping",
}


@pytest.mark.parametrize("kind, name", [(kind, name) for kind, names in NAMES.items() for name in names.split()])
def test_names_of_columns(kind, name):
    assert found(**{name: [f"v{12345 + i}" for i in range(30)]}) == kind


def test_names_of_columns_with_other_values():
    assert found(mobile=list(range(30))) is None and found(street=list(range(30))) is None
    assert found(phone=[5550100 + i for i in range(30)]) == "phone number"


def test_dates_of_birth_are_dates():
    assert found(date_of_birth=[f"1980-01-0{i}" for i in range(1, 9)]) == "date of birth"
    assert found(born=list(range(1950, 1999))) is None


def roles(**columns):
    table = pl.DataFrame({"size": [i * 7 % 397 + 50 for i in range(ROWS)], "price": [i * 7 % 31 for i in range(ROWS)]} | columns)
    return {role.name: (role.role, role.why) for role in propose(table).roles}


MAILS = [f"a{i}@example.com" for i in range(ROWS)]


def test_it_is_out():
    assert roles(mail=MAILS[:40] * 10)["mail"] == ("excluded", "personal data: e-mail address")


def test_it_is_the_id_where_nothing_else_is():
    assert roles(mail=MAILS)["mail"] == ("id", "identifies the row; personal data: e-mail address")
    found = roles(mail=MAILS, key=[f"k{i}" for i in range(ROWS)])
    assert (found["mail"][0], found["key"][0]) == ("excluded", "id")
