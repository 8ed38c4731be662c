"""Values that cannot be are found and counted in all rows; plausible ones of the same columns are not."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from late_flights.factory.evaluation.profiling import view
from late_flights.factory.evaluation.profiling.implausible import implausible

ROWS = 1000
RANDOM = np.random.default_rng(0)
NOW = datetime(2024, 6, 1, tzinfo=UTC)
AHEAD = NOW.date() + timedelta(days=400)


def whole(low, high):
    return RANDOM.integers(low, high, ROWS).tolist()


def measured(middle, spread):
    return RANDOM.normal(middle, spread, ROWS).clip(middle / 4).round(1).tolist()


def days(first=date(2015, 1, 1), number=2000):
    return [first + timedelta(days=day) for day in whole(0, number)]


def found(name, values, odd=(), **options):
    values = [*odd, *values[len(odd) :]]
    seen = view.of_rows(pl.DataFrame({name: values}, strict=False), options.get("hidden", ()), (), options.get("now", NOW))
    return [(each.kind, each.count) for each in implausible(seen)]


@pytest.mark.parametrize(
    "name, usual, odd, kind",
    [
        ("age", whole(18, 90), [138], "impossible"),
        ("Alter", whole(18, 90), [200, 201], "impossible"),
        ("customerAge", whole(18, 90), [-1, -4], "impossible"),
        ("latitude", measured(45, 5), [139.7], "impossible"),
        ("humidity", whole(20, 100), [140], "impossible"),
        ("size", measured(80, 20), [0, 0], "impossible"),
        ("Größe", measured(80, 20), [0], "impossible"),
        ("poids", measured(80, 20), [0], "impossible"),
        ("price", measured(80, 20), [-3.5], "impossible"),
        ("visits", whole(0, 30), [-2, -3], "impossible"),
        ("seen", days(), [AHEAD], "impossible"),
        ("built_year", whole(1950, 2020), [NOW.year + 30], "impossible"),
        ("Baujahr", whole(1950, 2020), [NOW.year + 30], "impossible"),
        ("visits", whole(0, 30), [-1] * 5, "code"),
        ("glucose", measured(120, 20), [0] * 50, "code"),
        ("moved_in", days(), [date(1900, 1, 1)] * 3, "code"),
        ("income", measured(3000, 300), [9_000_000], "outlier"),
        ("level", [value - 500 for value in measured(100, 10)], [9000], "outlier"),
    ],
)
def test_what_cannot_be_is_found(name, usual, odd, kind):
    assert found(name, usual, odd) == [(kind, len(odd))]


@pytest.mark.parametrize(
    "name, values",
    [
        ("age", whole(0, 100)),
        ("age_of_house", whole(0, 400)),
        ("temperature", RANDOM.normal(5, 10, ROWS).tolist()),
        ("profit", [-3.0, *measured(30, 20)[1:]]),
        ("z", RANDOM.normal(0, 1, ROWS).tolist()),
        ("income", RANDOM.lognormal(8, 1.2, ROWS).tolist()),
        ("visits", RANDOM.poisson(2, ROWS).tolist()),
        ("share", RANDOM.uniform(0, 1, ROWS).tolist()),
        ("rating", whole(0, 6)),
        ("rate", measured(4, 1)),
        ("due", [AHEAD, *days()[1:]]),
        ("renewal", [AHEAD] * 900 + days()[:100]),
        ("seen", days()),
        ("year", whole(1950, NOW.year + 2)),
        ("flag", [i % 2 == 0 for i in range(ROWS)]),
        ("minute", whole(0, 90)),
        ("one", [7] * ROWS),
        ("nothing", pl.Series([None] * ROWS, dtype=pl.Float64)),
        ("broken", [float("nan")] * ROWS),
    ],
)
def test_what_can_be_is_not(name, values):
    assert found(name, values) == []


def test_what_is_ahead_depends_on_the_moment_alone():
    for name, values in (("seen", [AHEAD, *days()[1:]]), ("built_year", [NOW.year + 30, *whole(1950, 2020)[1:]])):
        assert found(name, values) == [("impossible", 1)]
        assert found(name, values, now=NOW + timedelta(days=40 * 365)) == []


def test_what_no_sampled_row_has_is_found_and_counted(monkeypatch):
    monkeypatch.setattr(view, "SAMPLE_ROWS", 100)
    sampled = view.of_rows(pl.DataFrame({"place": range(ROWS)}).lazy(), (), (), NOW).sample["place"]
    values = whole(18, 90)
    for place, odd in zip(sorted({*range(ROWS)} - {*sampled}), [138, 140, 150], strict=False):
        values[place] = odd
    seen = view.of_rows(pl.DataFrame({"age": values}).lazy(), (), (), NOW)
    assert (seen.sample["age"] < 120).all()
    [each] = implausible(seen)
    assert f"{each}" == "age: 3 of 1,000 values are above 120, too high for an age; the farthest is 150"


def test_a_personal_value_is_not_shown():
    seen = view.of_rows(pl.DataFrame({"age": [138, *whole(18, 90)[1:]]}), ["age"], (), NOW)
    assert "138" not in f"{implausible(seen)[0]}"
