"""What is expected of another delivery: an honest one keeps it, one with a defect does not."""

import numpy as np
import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.adopt import contract_code, invariants, variation
from late_flights.factory.validation import expectations, rules

from machinery.adopt.adopt_table import propose

ROWS = 4_000
RANDOM = np.random.default_rng(0)
SEASON = np.arange(ROWS) * 10 // ROWS % 2
LOW = RANDOM.normal(20, 5, ROWS)
TABLE = pl.DataFrame(
    {
        "customer_id": range(ROWS),
        "female": RANDOM.random(ROWS) < 0.3,
        "black": (RANDOM.random(ROWS) < 0.1).astype(int),
        "colour": RANDOM.choice(["red", "green", "blue"], ROWS, p=[0.6, 0.3, 0.1]),
        "visits": RANDOM.poisson(2, ROWS).clip(0, 8),
        "size": RANDOM.lognormal(3, 0.4, ROWS).round(2),
        "low": LOW.round(1),
        "high": (LOW + RANDOM.exponential(3, ROWS)).round(1),
        "heating": (RANDOM.random(ROWS) < 0.2 + 0.3 * SEASON).astype(int),
        "late": RANDOM.random(ROWS) < 0.2,
    }
).with_columns(size=pl.when(pl.int_range(pl.len()) % 20 > 0).then("size"))


@pytest.fixture(scope="module")
def delivery():
    """The invariants of the table, by column."""
    proposal = propose(TABLE, "late")
    codes = [contract_code.column_code(role.column, set()) for role in proposal.used]
    found = list(invariants.invariants(proposal, codes, variation.Parts.of(proposal)))
    return {each.name: eval(each.code, vars(expectations).copy()) for each in found}


def problems(rows, delivery):
    try:
        rules.check_invariants(rows, delivery)
    except errors.ContractViolation as error:
        return [str(violation) for violation in error.violations]
    return []


def test_of_every_column_but_the_id(delivery):
    assert "usual order of low and high" in delivery
    assert [name for name in delivery if "order" not in name] == [
        "usual share of female",
        "usual share of black",
        "usual rows without colour",
        "usual shares of colour",
        "usual shares of visits",
        "usual rows without size",
        "usual values of size",
        "usual values of low",
        "usual values of high",
        "usual share of heating",
        "usual share of late",
    ]


@pytest.mark.parametrize("rows", [1, 10, 30, 400, ROWS])
def test_honest_deliveries(rows, delivery):
    starts = range(0, ROWS, max(rows, 40))
    assert [problems(TABLE.slice(start, rows), delivery) for start in starts] == [[]] * len(starts)


DEFECTS = {
    "another unit": (pl.col("size") * 2.54, "usual values of size"),
    "flipped flag": ((1 - pl.col("black")).alias("black"), "usual share of black"),
    "rotated categories": (
        pl.col("colour").replace({"red": "green", "green": "blue", "blue": "red"}),
        "usual shares of colour",
    ),
    "shifted codes": (pl.col("visits") + 1, "usual shares of visits"),
    "values lost": (pl.when(pl.int_range(pl.len()) % 3 > 0).then("size").alias("size"), "usual rows without size"),
    "swapped column": (pl.col("female").cast(pl.Int64).alias("black"), "usual share of black"),
}


@pytest.mark.parametrize("change, broken", DEFECTS.values(), ids=DEFECTS)
def test_defects(change, broken, delivery):
    problem, *_ = problems(TABLE[:400].with_columns(change), delivery)
    assert problem.startswith(f"not so: {broken}: share of ")


def test_swapped_columns_that_each_look_as_usual(delivery):
    [problem] = problems(TABLE[:40].with_columns(low="high", high="low"), delivery)
    assert problem.startswith("not so: usual order of low and high: share of low above high is ")


def test_a_share_may_change_by_as_much_as_the_parts_of_the_table_differ(delivery):
    assert problems(TABLE[:400], delivery) == problems(TABLE[400:800], delivery) == []
    assert problems(TABLE[:400].with_columns(female=pl.col("heating") == 0), delivery)


def test_the_figure_is_shown_against_its_interval():
    rows = pl.DataFrame({"female": [True] * 273 + [False] * 27, "price": [1.0] * 300})
    own = {"sum of price": pl.col("price").sum().is_between(1, 5), "few": pl.col("price").len() < 10, "number": pl.len()}
    assert problems(rows, {"usual share of female": expectations.share("female", 0.44, 0.52)} | own) == [
        "not so: usual share of female: share of female is 0.91, expected 0.333 to 0.628 in 300 rows",
        "not so: sum of price: price is 300, expected 1 to 5 in 300 rows",
        "not so: few",
        "not so: number",
    ]


def test_column_without_any_value_breaks_nothing_else():
    rows = pl.DataFrame({"price": [None, None]}, schema={"price": pl.Float64})
    assert problems(rows, {"usual values of price": expectations.below("price", {3: (0.4, 0.6)})}) == []
    assert len(problems(pl.concat([rows] * 50), {"missing": expectations.missing("price", 0, 0.1)})) == 1


@pytest.mark.parametrize("new, limit", [(0, 0.05), (1, 0.2), (10, 1.0)])
def test_as_many_categories_may_be_unseen_as_later_parts_bring(new, limit):
    """Each tenth of the table has so many new shops, with a tenth of its rows each."""
    table = TABLE.with_columns(seen=pl.date(2020, 1, 1) + pl.duration(hours=pl.int_range(pl.len())))
    place = pl.int_range(pl.len())
    kinds = place % 10 + place // 400 * new
    assert variation.Parts.of(propose(table, "late")).unseen_limit(table.select(kinds.cast(pl.String)).to_series()) == limit


def test_a_small_table_may_differ_by_chance_from_a_large_delivery():
    """Of 300 rows 30% are female: of the many delivered perhaps a share from which chance takes these few."""
    female = pl.Series(np.arange(300) % 10 < 3)
    low, high = variation.Parts(np.arange(300) // 30, False).interval(female)
    assert low < 0.3 - 3.5 * (0.21 / 300) ** 0.5 and 0.3 + 3.5 * (0.21 / 300) ** 0.5 < high < 0.5


@pytest.mark.parametrize("in_time, interval", [(False, (0.37, 0.43)), (True, (0, 1))])
def test_a_file_that_is_sorted_says_nothing_of_deliveries_but_time_does(in_time, interval):
    parts = variation.Parts(np.arange(ROWS) // 400, in_time)
    assert parts.interval(pl.Series(np.arange(ROWS) < 1600)) == interval


def test_what_few_rows_always_have_others_may_lack():
    low, high = variation.Parts(np.arange(300) // 30, False).interval(pl.Series([True] * 300))
    assert 0.9 < low < 0.995 and high == 1
