"""Repeated rows, columns that go together, and the target by feature: of tables in which the answer is known."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from late_flights.factory.evaluation.profiling import associations, by_target, repeats, view
from late_flights.factory.evaluation.profiling.observations import profile

ROWS = 2000
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(2, ROWS))
CITY = RANDOM.choice(["Bern", "Genf", "Zug"], ROWS)
TABLE = pl.DataFrame(
    {
        "x": X,
        "cube": -(X**3),
        "y": Y,
        "city": CITY,
        "code": [{"Bern": 3, "Genf": 1, "Zug": 7}[city] for city in CITY],
        "short": [city[0] for city in CITY],
        "day": [date(2024, 1, 1) + timedelta(days=int(100 * value)) for value in X],
        "noise": RANDOM.choice(["a", "b"], ROWS),
    }
)


def of(table, keys=(), hidden=()):
    return view.of_rows(table, hidden, keys, datetime(2026, 1, 1, tzinfo=UTC))


def test_repeated_rows_are_counted_and_contradictions_apart():
    table = pl.DataFrame({"a": [1, 1, 1, 2, 3, None, None], "b": ["x", "x", "x", "x", "x", "", ""], "t": [0, 0, 1, 0, 0, 1, 1]})
    found = repeats.repeats(table.lazy(), table.height, ["a", "b"], "t")
    assert (found.repeated, found.contradicting, found.is_estimate) == (2, 1, False)
    assert repeats.repeats(table, table.height, ["a", "b"], None).repeated == 3
    assert repeats.repeats(table, table.height, [], "t").repeated == 0


def test_of_many_rows_a_sample_of_the_hashes_gives_the_same_share(monkeypatch):
    once = pl.DataFrame({"a": range(40_000), "t": 0})
    table = pl.concat([once, once.head(10_000)])
    monkeypatch.setattr(repeats, "MOST", 10_000)
    found = repeats.repeats(table, table.height, ["a"], "t")
    assert found.is_estimate and abs(found.share - 0.2) < 0.02 and found.contradicting == 0


def test_test_rows_among_the_training_rows():
    train = pl.DataFrame({"a": range(100), "kind": pl.Series(["x", "y"] * 50, dtype=pl.Enum(["x", "y"])), "t": 0})
    test = pl.concat([train.head(5), train.head(5).with_columns(t=1), train.head(10).with_columns(a=pl.col("a") + 1000)])
    assert repeats.across(train.lazy(), 120, test, ["a", "kind"], "t") == 0.25


@pytest.mark.parametrize(
    "one, other, strength",
    [
        ("x", "cube", -1.0),
        ("x", "day", 1.0),
        ("city", "short", 1.0),
        ("city", "code", 1.0),
        ("x", "y", 0.0),
        ("city", "noise", 0.0),
    ],
)
def test_associations_of_every_kind(one, other, strength):
    found = associations.associations(of(TABLE))
    i, j = (found.columns.index(name) for name in (one, other))
    assert found.strength[i, j] == found.strength[j, i] == pytest.approx(abs(strength), abs=0.06)
    if abs(strength) == 1 and other in ("cube", "day"):
        assert found.direction[i, j] == np.sign(strength)


def test_only_nearly_equal_columns_are_redundant():
    pairs = {(one, other) for one, other, _ in associations.associations(of(TABLE)).pairs()}
    assert pairs == {("x", "cube"), ("x", "day"), ("cube", "day"), ("city", "code"), ("city", "short"), ("code", "short")}


def test_missing_values_are_left_out_of_an_association():
    half = TABLE.select("x", "cube").with_columns(pl.when(pl.int_range(ROWS) % 2 == 0).then("cube"))
    assert associations.associations(of(half)).strength[0, 1] > 0.99


def test_too_many_columns_are_left_out_and_counted(monkeypatch):
    monkeypatch.setattr(associations, "MOST_COLUMNS", 3)
    found = associations.associations(of(TABLE))
    assert found.columns == ("x", "cube", "y") and found.left_out == 5


def test_a_feature_that_explains_more_is_stronger_and_noise_is_none():
    table = TABLE.with_columns(target=pl.col("x").abs() + 0.1 * pl.col("y"))  # which no straight line explains
    found = by_target.by_target(of(table), "target")
    assert next(iter(found.strengths)) in ("x", "cube", "day") and found.strengths["x"] > 0.9
    assert found.strengths["noise"] < 0.1 and found.strengths["city"] < 0.1
    lines = next(feature for feature in found.features if feature.name == "x").lines
    assert len(lines) == 10 and sum(line.share for line in lines) == pytest.approx(1)
    assert lines[0].outcomes[0] > 1 > lines[4].outcomes[0]


def test_one_wrong_value_of_the_target_does_not_change_the_lines():
    target = TABLE["x"].to_numpy().copy()
    target[0] = 1e9
    found = by_target.by_target(of(TABLE.with_columns(target=target)), "target")
    assert max(line.outcomes[0] for feature in found.features for line in feature.lines) < 10


@pytest.mark.parametrize("dtype", [pl.Boolean, pl.String, pl.Int64])
def test_the_share_of_the_rarer_of_two_values(dtype):
    target = pl.Series(CITY == "Zug").cast(dtype)
    found = by_target.by_target(of(TABLE.with_columns(target=target)), "target")
    shares = {line.label: line.outcomes[0] for line in found.features[0].lines}
    assert found.features[0].name in ("city", "code", "short") and found.features[0].strength > 0.99
    assert sorted(shares.values())[:2] == [0, 0] and max(shares.values()) == 1
    assert found.positive in ("true", "1")


def test_classes_have_a_share_each_and_rare_values_are_together():
    names = [f"n{min(i % 97, 20)}" for i in range(ROWS)]
    table = TABLE.select("x").with_columns(name=pl.Series(names), target=pl.Series(CITY))
    found = by_target.by_target(of(table.with_columns(again="target")), "target")
    assert set(found.classes) == {"Bern", "Genf", "Zug"}
    again = next(feature for feature in found.features if feature.name == "again")
    assert sorted(line.outcomes for line in again.lines) == [(0, 0, 1), (0, 1, 0), (1, 0, 0)]
    lines = by_target._lines(table["name"], np.ones((ROWS, 1)), hidden=False)
    assert len(lines) == 9 and lines[-1].label == "others"


def test_observations_are_in_plain_english_and_the_serious_ones_first():
    table = TABLE.with_columns(
        age=pl.Series([150, *RANDOM.integers(20, 80, ROWS - 1)]),
        empty=pl.lit(None, pl.Float64),
        always=5,
        late=pl.when(pl.int_range(ROWS) % 10 == 0).then(pl.lit("y")),
        later=pl.when(pl.int_range(ROWS) % 10 == 0).then(pl.lit("x")),
        sold=pl.int_range(ROWS) % 50 == 0,
    )
    texts = [each.text for each in profile(of(table), "sold").observations]
    assert texts == [
        "age: 1 of 2,000 values is above 120, too high for an age; the farthest is 150",
        "sold: true is the target of only 2.0% of the rows",
        "late, later: missing in the same rows, 90% of the rows",
        "always: always 5",
        "late: always y where it is known",
        "later: always x where it is known",
        "empty: always missing",
        "x, cube, day go together, almost exactly: are a few of them enough?",
        "city, code, short go together, almost exactly: are a few of them enough?",
    ]
    repeated = pl.concat([table, table.head(200)])
    assert profile(of(repeated), "sold").observations[0].text == "200 of 2,200 rows (9.1%) repeat an earlier row in every column"


def test_of_equally_rare_classes_always_the_same_is_named():
    names = [f"c{i:02}" for i in range(30)] * 20
    for _ in range(5):
        table = pl.DataFrame({"count": RANDOM.permutation(names)})  # a column that is called like polars' own
        [line] = [each.text for each in profile(of(table), "count").observations if each.kind == "target"]
        assert line == "count: c00 is the target of only 3.3% of the rows"


def test_many_columns_of_a_kind_are_one_line():
    table = TABLE.select("y").with_columns(**{f"s{i}": pl.lit(1.0) for i in range(50)}, **{f"x{i}": pl.lit(X) for i in range(50)})
    constant, redundant = profile(of(table), None).observations
    assert (
        constant.text == "s0, s1, s2, s3, s4, s5 and 44 more: always the same value, or missing" and len(constant.columns) == 50
    )
    assert redundant.text.startswith("x0, x1, x2, x3, x4, x5 and 44 more go together") and len(redundant.columns) == 50


@pytest.mark.parametrize("target", [None, "t"])
def test_a_table_of_nothing_has_a_profile(target):
    table = pl.DataFrame({"a": [1], "t": ["x"], "d": pl.Series([None], dtype=pl.Date)})
    found = profile(of(table), target)
    assert found.by_target is None and found.repeats.repeated == 0
