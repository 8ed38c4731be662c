"""Training or test: a row is always in the same part, and never in both."""

from hashlib import sha256

import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.data import split
from late_flights.factory.tables import chunks
from tests.factory import toy

DATA = {"target": "answer", "sensitive": []}
NO_ID = {"data": DATA}
BY_ID = {"data": {"target": "answer", "id": "key"}}
REPEATS = {"data": DATA | {"id": "key", "repeats": True, "time": "seen"}}


def many(times: int = 5, height: int = 200) -> pl.DataFrame:
    """Rows of which several share an id, at times of their own."""
    return toy.rows(times * height).with_columns(key=pl.format("k{}", pl.int_range(pl.len()) % height))


@pytest.mark.parametrize(
    "time", [pl.col("seen"), pl.col("seen").dt.truncate("1d"), pl.col("seen").dt.date()], ids=["time", "day", "date"]
)
def test_newest_rows_are_the_test_and_those_of_one_time_together(time):
    rows = toy.rows(400).with_columns(seen=time).sample(fraction=1, shuffle=True, seed=0)
    train, test = split.split(rows, toy.params())
    assert train["seen"].max() < test["seen"].min() and test.height == pytest.approx(100, abs=24)  # a day of rows


@pytest.mark.parametrize("sections", [{}, BY_ID], ids=["by time", "by id"])
def test_rows_without_an_outcome_are_in_neither_part(sections):
    rows = toy.rows(400).with_columns(pl.when(pl.int_range(pl.len()) % 10 > 0).then("answer"))
    train, test = split.split(rows, toy.params(**sections))
    assert pl.concat([train, test]).sort("seen").equals(rows.drop_nulls("answer"))


@pytest.mark.parametrize("changed", [None, "test", "train"])
@pytest.mark.parametrize("sections", [{}, BY_ID], ids=["by time", "by id"])
def test_part_with_one_class_is_refused(changed, sections):
    params = toy.params(**sections)
    train, test = split.split(toy.rows(200), params)
    constant = pl.lit(True).alias("answer")
    parts = {"train": train, "test": test}
    rows = pl.concat(part.with_columns(constant) if changed in (None, name) else part for name, part in parts.items())
    with pytest.raises(
        errors.FactoryError, match=f"the .* {changed or 'train'} rows have fewer than two distinct values of answer"
    ):
        split.split(rows, params)


def test_row_without_a_time_is_refused():
    rows = toy.rows(50).with_columns(pl.when(pl.col("key") != "k7").then("seen").alias("seen"))
    with pytest.raises(errors.FactoryError, match="seen: 1 rows have no time"):
        split.split(rows, toy.params())


@pytest.mark.parametrize(
    "problem, answers, wanted",
    [
        ("classification", ["yes", "no"], "true and false, or 1 and 0"),
        ("classification", [1, 2], "true and false, or 1 and 0"),
        ("regression", ["1", "2"], "numbers"),
    ],
)
def test_target_of_another_kind_is_refused(problem, answers, wanted):
    rows = toy.rows(100).with_columns(answer=pl.Series(answers * 50))
    with pytest.raises(errors.FactoryError, match=f"answer: the target of a {problem} problem has to be {wanted}"):
        split.split(rows, toy.params(problem))


def test_part_of_an_id_is_that_of_its_hash():
    """As in all earlier releases: a row of an old project stays in its part."""
    params = toy.params(data=DATA | {"id": "key"})
    rows = toy.rows(500)
    expected = [int(sha256(key.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF < 0.25 for key in rows["key"]]
    assert split.is_test_row(rows, params).to_list() == expected


def test_id_of_several_rows_is_in_one_part_whatever_the_time():
    learned, test = split.split(many(), toy.params(**REPEATS))
    assert not set(learned["key"]) & set(test["key"])
    assert test.height == pytest.approx(250, rel=0.3)


def few(shares: dict[str, int]) -> pl.DataFrame:
    """That many rows of each id."""
    return toy.rows(sum(shares.values())).with_columns(key=pl.Series([key for key in shares for _ in range(shares[key])]))


FIRST = "k114"  # its hash puts it into any test


def test_few_ids_have_a_share_that_makes_a_usable_test():
    rows = few({FIRST: 60, "a": 20, "b": 30, "c": 40, "d": 50})
    share = split.share_of_ids(rows["key"], 0.25)
    chosen = split.is_test_row(rows, toy.params(**REPEATS, split={"test": share}))
    assert 0.125 <= chosen.mean() <= 0.5


def test_usual_share_of_many_ids_stays():
    assert split.share_of_ids(many()["key"], 0.25) == 0.25
    assert split.share_of_ids(many()["key"].alias("rows"), 0.25) == 0.25


def test_id_with_most_rows_in_the_test_is_refused():
    rows = few({FIRST: 300, "a": 20, "b": 30, "c": 40, "d": 10})
    with pytest.raises(errors.FactoryError, match=r"key: 5 ids, the largest with 75% of the rows: no split .* another id"):
        split.split(rows, toy.params(**REPEATS))


def test_repeats_are_refused_unless_they_are_meant():
    with pytest.raises(errors.FactoryError, match=r"key: 1,000 rows share their id with another, .* `data.repeats: true`"):
        split.split(many(), toy.params())


def test_row_without_an_id_is_refused():
    rows = toy.rows(50).with_columns(key=pl.when(pl.col("key") != "k7").then("key"))
    with pytest.raises(errors.FactoryError, match="key: 1 rows have no id"):
        split.split(rows, toy.params(**REPEATS))


def test_without_an_id_the_part_follows_from_all_but_the_target():
    rows = toy.rows(400)
    params = toy.params(**NO_ID)
    is_test = split.is_test_row(rows, params)
    assert is_test.mean() == pytest.approx(0.25, rel=0.3)
    assert split.is_test_row(rows.with_columns(~pl.col("answer")), params).equals(is_test)
    twice = pl.concat([rows[::2], rows])
    assert split.is_test_row(twice, params).equals(pl.concat([is_test[::2], is_test]))
    assert not split.is_test_row(rows.with_columns(pl.col("amount") + 1), params).equals(is_test)


def test_without_an_id_rows_of_every_kind_have_a_part():
    odd = toy.rows(300).with_columns(
        bytes=pl.lit(b"\xff"), text=pl.lit("a\nb\u2028c\x85"), listed=pl.concat_list("amount", "amount")
    )
    is_test = split.is_test_row(odd, toy.params(**NO_ID))
    assert len(is_test) == 300 and 0 < is_test.sum() < 300


def test_chunks_do_not_change_the_parts(monkeypatch):
    whole = split.is_test_row(toy.rows(300), toy.params(**NO_ID))
    monkeypatch.setattr(chunks, "CHUNK", 7)
    assert split.is_test_row(toy.rows(300), toy.params(**NO_ID)).equals(whole)


@pytest.mark.parametrize("sections", [NO_ID, REPEATS, BY_ID], ids=["no id", "repeats", "id"])
def test_folds_of_training_rows_are_of_like_size_and_keep_ids_together(sections):
    """The salt makes another choice than that of the test rows: without it one fold would be empty."""
    rows = many(height=400) if sections is REPEATS else toy.rows(2000)
    params = toy.params(**sections)
    learned = split.split(rows, params)[0]
    fold = split.folds(learned, params, 5, "salt")
    assert (fold.value_counts(normalize=True)["proportion"] - 0.2).abs().max() < 0.06
    assert learned.select("key", fold=fold).unique().height == learned["key"].n_unique()
