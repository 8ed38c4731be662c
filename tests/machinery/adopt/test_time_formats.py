"""How people write times: what is read as one, and what is left alone."""

from datetime import UTC, date, datetime, time

import polars as pl
import pytest
from late_flights.factory.adopt import contract_code, profile, time_formats
from late_flights.factory.validation import rules
from late_flights.factory.validation.times import explain

MARCH = date(2018, 3, 1)
NOON = datetime(2018, 3, 1, 12)
NOON_UTC = NOON.replace(tzinfo=UTC)


def column(values, name="it", rows=40):
    table = pl.DataFrame({name: (list(values) * rows)[:rows]}, strict=False)
    return profile.profile(table.lazy())[name]


TEXTS = [
    (["Mar-2018", "Apr-2018"], "%b-%Y", MARCH),
    (["MAR 2018", "may 2018"], "%b %Y", MARCH),
    (["March 2018", "May 2018"], "%B %Y", MARCH),
    (["Mar-18", "Apr-18"], "%b-%y", MARCH),
    (["2018/3", "2018/12"], "%Y/%m", MARCH),
    (["2018-03", "2018-04"], "%Y-%m", MARCH),
    (["03/2018", "04/2018"], "%m/%Y", MARCH),
    (["2018M03", "2018M04"], "%YM%m", MARCH),
    (["2018Q1", "2018Q4"], "%YQ%q", date(2018, 1, 1)),
    (["Q2 2018", "Q3 2018"], "Q%q %Y", date(2018, 4, 1)),
    (["2018-W09", "2018-W10"], "%G-W%V", date(2018, 2, 26)),
    (["Thu, 1 Mar 2018", "Fri, 2 Mar 2018"], "%a, %d %b %Y", MARCH),
    (["Thursday, March 1, 2018", "Friday, March 2, 2018"], "%A, %B %d, %Y", MARCH),
    (["01MAR2018", "02MAR2018"], "%d%b%Y", MARCH),
    (["01.03.18", "31.12.99"], "%d.%m.%y", MARCH),
    (["3/1/18", "12/31/99"], "%m/%d/%y", MARCH),
    (["18/03/01", "18/03/31", "18/12/02"], "%y/%m/%d", MARCH),
    (["18-03-01", "96-12-31"], "%y-%m-%d", MARCH),
    (["01/03/2018 12:00 PM", "13/03/2018 1:05 am"], "%d/%m/%Y %I:%M %p", NOON),
    (["2018-03-01 12:00:00PM", "2018-03-02 01:00:00AM"], "%Y-%m-%d %I:%M:%S%p", NOON),
    (["3/1/2018 12:00 p.m.", "12/31/2018 1:05 A.M."], "%m/%d/%Y %I:%M %p", NOON),
    (["3/1/2018 12:00", "12/31/2018 9:05"], "%m/%d/%Y %H:%M", NOON),
    (["01.03.2018, 12:00", "02.03.2018, 08:00"], "%d.%m.%Y, %H:%M", NOON),
    (["Thu Mar  1 12:00:00 2018", "Mon Mar 12 08:00:00 2018"], "%a %b %d %H:%M:%S %Y", NOON),
    (["2018-03-01 12:00:00,000", "2018-03-01 12:00:00,125"], "%Y-%m-%d %H:%M:%S,%3f", NOON),
    (["2018-03-01 12:00:00.25", "2018-03-01T12:00:00.5"], None, NOON.replace(microsecond=250_000)),
    (["2018-3-1", "2018-12-31"], None, MARCH),
    (["2018-03-01T12:00:00+00:00", "2018-03-01T12:00:00+02:00"], None, NOON_UTC),
    (["2018-03-01 14:00:00+0200", "2018-03-01 12:00:00.5 UTC"], None, NOON_UTC),
    (["2018-03-01T12:00:00Z", "2018-03-01T12:00Z"], None, NOON_UTC),
    (["01/Mar/2018:12:00:00 +0000", "02/Mar/2018:12:00:00 +0100"], "%d/%b/%Y:%H:%M:%S%.f%#z", NOON_UTC),
    (["Thu, 01 Mar 2018 13:00:00 +0100", "Fri, 02 Mar 2018 12:00:00 GMT"], "%a, %d %b %Y %H:%M:%S%.f%#z", NOON_UTC),
    (["Thu Mar 01 12:00:00 +0000 2018", "Fri Mar 02 12:00:00 +0000 2018"], "%a %b %d %H:%M:%S %z %Y", NOON_UTC),
    (["Thu Mar  1 12:00:00 UTC 2018", "Fri Mar  2 12:00:00 UTC 2018"], "%a %b %d %H:%M:%S UTC %Y", NOON_UTC),
    (["20180301T120000Z", "20180302T120000Z"], "%Y%m%dT%H%M%S%#z", NOON_UTC),
    (["2018-03-01T12:00:00.000+0000", "2018-03-01T12:00:00.250+0000"], None, NOON_UTC),
    (["1:05:30 pm", "11:05:00 AM"], "%I:%M:%S %p", time(13, 5, 30)),
]
NUMBERS = [
    ("it", range(20180301, 20180320), "%Y%m%d", MARCH),
    ("it", [20180301.0, *range(20180302, 20180320), None], "%Y%m%d", MARCH),
    ("it", [20180301, *range(20180302, 20180320), 99991231], "%Y%m%d", MARCH),
    ("it", [str(day) for day in range(20180301, 20180320)], "%Y%m%d", MARCH),
    ("order_date", [20180301, 20180302], "%Y%m%d", MARCH),
    ("month", [201803, 201804], "%Y%m", MARCH),
    ("it", range(20180301120000, 20180301120020), "%Y%m%d%H%M%S", NOON),
    ("created_at", [1519905600, 1519905607], "epoch", NOON_UTC),
    ("updated", [1519905600, 1519905607], "epoch", NOON_UTC),
    ("createdAt", [1519905600, 1519905607.5], "epoch", NOON_UTC),
    ("timestamp", ["1519905600000", "1519905607250"], "epoch ms", NOON_UTC),
    ("it", range(1519905600, 1519905600 + 86_400, 3_600), "epoch", NOON_UTC),
    ("date", [43160, 43161], "excel", MARCH),
    ("OrderDate", [43160.5, 43161.25], "excel", NOON),
]


@pytest.mark.parametrize("name, values, format, first", [*(("it", *each) for each in TEXTS), *NUMBERS])
def test_times_are_read_and_the_next_delivery_too(name, values, format, first):
    found = column(values, name)
    assert found.format.metadata.get("format") == format
    assert (found.sample[0], found.kind) == (first, type(first).__name__.capitalize())
    assert found.missing == list(found.sample).count(None)
    schema = type("Row", (rules.dy.Schema,), {name: found.format.column()})
    again = rules.validate(pl.DataFrame({name: list(values)}, strict=False), schema)
    assert again[name][0] == first and again[name].null_count() == list(values).count(None)


LEFT_ALONE = [
    ("amount", [1_500_000_000, 1_500_000_001, 1_600_000_000]),
    ("revenue", [1_500_000_000 + 1_000_000 * i for i in range(20)]),
    ("phone", [2_125_550_100 + 37 * i for i in range(20)]),
    ("salary", [43_160, 51_000, 60_500]),
    ("salary_at_start", [43_160, 51_000, 60_500]),
    ("date", [1, 2, 3]),
    ("zip", [20_180, 20_190, 30_100]),
    ("station", range(200_101, 200_113)),
    ("code", [20180301, 20181301, *range(20180302, 20180320)]),
    ("it", [20180301, 20180302]),
    ("when", [20180301, 20180301]),
    ("season", ["2009/10", "2010/11", "2011/12"]),
    ("size", ["10-12", "12-14"]),
    ("day", ["12-Mar", "13-Apr"]),
    ("version", ["1.2.3", "2.3.4"]),
    ("it", ["Mon, 1 Mar 2018", "Tue, 2 Mar 2018"]),  # those were Thursday and Friday
]


@pytest.mark.parametrize("name, values", LEFT_ALONE)
def test_what_is_no_time_stays_what_it_is(name, values):
    assert column(values, name).kind == ("String" if isinstance(values[0], str) else "Int64")


@pytest.mark.parametrize(
    "name, texts, first",
    [
        ("day", ["01.01.96", "31.12.05"], 1996),
        ("day", ["01.01.68", "31.12.99"], 1968),
        ("birth_date", ["12.03.35", "25.03.45", "01.01.02"], 1935),
        ("valid_until", [f"12.03.{(date.today().year + 8) % 100}", "01.01.25"], date.today().year + 8),
    ],
)
def test_century_of_two_digits_is_stated(name, texts, first):
    found = column(texts, name)
    assert found.sample[0].year == first
    assert contract_code.column_code(found, set()).comment.startswith(f"seen {found.low} to {found.high}, years of two digits")
    pivot = found.format.metadata["pivot"]
    assert explain(found.format.column()) == f"years of two digits are {pivot} to {pivot + 99}"


def test_formats_are_explained_in_the_contract():
    comments = {
        "epoch ms": (column([1519905600000, 1519905607250], "ts"), "milliseconds since 1970, UTC"),
        "excel": (column([43160, 43161], "date"), "days since 1899-12-30, as in spreadsheets"),
        "%b-%Y": (column(["Mar-2018", "Apr-2018"]), "the first day of its month"),
        "%YQ%q": (column(["2018Q1", "2018Q2"]), "the first day of its quarter"),
        "%G-W%V": (column(["2018-W09", "2018-W10"]), "the first day of its week"),
    }
    for format, (found, words) in comments.items():
        code = contract_code.column_code(found, set())
        assert f"'format': '{format}'" in code.code and code.comment.endswith(words)


def test_limits_have_the_zone_of_the_times():
    code = contract_code.column_code(column(["2018-03-01T12:00:00Z", "2018-03-02T12:00:00Z"]), set()).code
    assert "min=datetime(2000, 1, 1, tzinfo=ZoneInfo('UTC'))" in code and "time_zone='UTC'" in code


def test_shape_has_four_digits_of_a_year_unless_it_says_two():
    assert time_formats.shape("%d.%m.%Y").match("01.03.2018") and not time_formats.shape("%d.%m.%Y").match("01.03.18")
