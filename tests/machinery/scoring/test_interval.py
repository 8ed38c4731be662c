"""Intervals of a regression: they cover new rows as they promise, and are wider where errors are larger."""

import numpy as np
import polars as pl
import pytest
from late_flights.factory.scoring import interval

PARTS = {interval.PART: pl.Int32()}


def drawn(rows: int, seed: int):
    generator = np.random.default_rng(seed)
    score = generator.uniform(1, 10, rows)
    return score + score * generator.standard_t(4, rows), score


@pytest.mark.parametrize("rows", [60, 300, 3000])
def test_new_rows_are_covered(rows):
    shares = []
    for seed in range(20):
        known = interval.fitted(*drawn(rows, seed))
        assert known is not None
        target, score = drawn(2000, 100 + seed)
        low, high = interval.bounds(score, known)
        shares.append(((low <= target) & (target <= high)).mean())
    assert np.mean(shares) == pytest.approx(interval.LEVEL, abs=0.03)


def test_larger_errors_have_wider_intervals():
    known = interval.fitted(*drawn(3000, 1))
    assert known is not None
    low, high = interval.bounds(np.array([1.5, 9.5]), known)
    assert (high - low)[1] > 2 * (high - low)[0]


def test_few_rows_and_broken_scores_have_none():
    assert interval.fitted(*drawn(interval.MIN_ROWS - 1, 0)) is None
    assert interval.fitted(np.zeros(100), np.full(100, np.nan)) is None


def test_scores_that_are_all_equal_have_one():
    known = interval.fitted(np.arange(2000.0), np.zeros(2000))
    assert known is not None and known["edges"] == []
    assert interval.bounds(np.zeros(1), known) == (pytest.approx([99]), pytest.approx([1900]))


def forecast(rows: int, seed: int, horizon: int = 4):
    """Errors that grow with the step, in series of very different size."""
    generator = np.random.default_rng(seed)
    step, scale = generator.integers(1, horizon + 1, rows), generator.choice([1.0, 1000.0], rows)
    score = scale * generator.uniform(3, 5, rows)
    part = np.arange(rows) * 5 // rows
    table = pl.DataFrame({"step": step, "scale": scale, interval.PART: part}, {"step": pl.Int16(), "scale": pl.Float64()} | PARTS)
    return score + scale * step * generator.standard_t(4, rows), score, table


def within(target, score, known, rows):
    low, high = interval.bounds(score, known, rows)
    return (low <= target) & (target <= high)


def shaken(seed: int, parts: int = 7):
    """Forecasts whose errors are all moved alike in each part, the newest of which is not known yet."""
    target, score, table = forecast(parts * 400, seed)
    table = table.with_columns((pl.int_range(pl.len()) // 400).cast(pl.Int32).alias(interval.PART))
    shock = np.random.default_rng(1000 + seed).normal(0, 4, parts)[table[interval.PART].to_numpy()]
    target = target + shock * table["scale"].to_numpy()
    new = (table[interval.PART] == parts - 1).to_numpy()
    return (target[~new], score[~new], table.filter(~new)), (target[new], score[new], table.filter(new))


@pytest.mark.parametrize("rows", [60, 900, 4000])
def test_steps_of_series_of_any_size_are_covered(rows):
    covered = []
    for seed in range(20):
        known = interval.fitted_by_step(*forecast(rows, seed), None)
        target, score, table = forecast(4000, 100 + seed)
        covered.append(table.with_columns(covered=pl.Series(within(target, score, known, table))))
    shares = pl.concat(covered).group_by("scale", *(["step"] if rows > 60 else [])).agg(pl.col("covered").mean())
    np.testing.assert_allclose(shares["covered"], interval.LEVEL, atol=0.05)


def test_later_steps_and_larger_series_have_wider_intervals():
    known = interval.fitted_by_step(*forecast(4000, 1), None)
    rows = pl.DataFrame({"step": [1, 4, 1, 9], "scale": [1.0, 1.0, 1000.0, 1.0]})
    low, high = interval.bounds(np.zeros(4), known, rows)
    width = high - low
    assert width[1] > 3 * width[0] and width[2] == pytest.approx(1000 * width[0])
    assert width[3] == width[1]  # beyond the horizon as at its end


def test_what_moves_all_series_of_a_time_widens_the_intervals():
    widened, usual = [], []
    for seed in range(40):
        (target, score, rows), (new_target, new_score, new) = shaken(seed)
        one = rows.with_columns(pl.lit(0, pl.Int32).alias(interval.PART))
        for shares, table in ((widened, rows), (usual, one)):
            known = interval.fitted_by_step(target, score, table, None)
            shares.append(within(new_target, new_score, known, new).mean())
    assert np.mean(usual) + 0.03 < np.mean(widened) < 0.95, (np.mean(usual), np.mean(widened))


def test_without_a_scale_the_score_has_the_usual_one_and_no_end_is_below_the_least():
    known = interval.fitted_by_step(*forecast(4000, 1), 0.0)
    rows = pl.DataFrame({"step": [1, 1, 1], "scale": [None, 0.0, None]}, {"step": pl.Int16(), "scale": pl.Float64()})
    low, high = interval.bounds(np.array([4.0, 4.0, 0.0]), known, rows)
    assert low[0] == low[1] and 0 <= low[0] < 4 < high[0] and low[2] == 0
    assert interval.bounds(np.array([-1.0]), known, rows[:1])[0] == -1  # a score that is lower is still in its interval


def sleeping(count: int, waking: float):
    """Forecasts with skewed errors that grow by step, and of series of zeros, of which such a share has a value."""
    generator = np.random.default_rng(0)
    target, score, rows = forecast(4000, 1)
    target = score - rows["scale"].to_numpy() * rows["step"].to_numpy() ** 2 * generator.exponential(1, 4000)
    dead = rows.head(count).with_columns(scale=pl.lit(None, pl.Float64))
    woken = np.where(generator.uniform(size=count) < waking, generator.exponential(1000, count), 0.0)
    return np.append(target, woken), np.append(score, np.zeros(count)), pl.concat([rows, dead])


def test_series_of_zeros_are_as_uncertain_as_those_like_them():
    target, score, rows = sleeping(1000, 0.3)
    known = interval.fitted_by_step(target, score, rows, 0.0)
    inside = rows.with_columns(inside=pl.Series(within(target, score, known, rows)))[4000:]
    shares = inside.group_by("step").agg(pl.col("inside").mean())["inside"]
    assert len(shares) == 4 and shares.is_between(0.88, 0.98).all()


def test_a_series_of_zeros_is_as_wide_as_the_calmest_where_few_were_held_out_and_0_wide_where_all_stayed_0():
    asked = pl.DataFrame({"step": [1, 4], "scale": [None, None]}, {"step": pl.Int16(), "scale": pl.Float64()})
    few, stayed = (interval.fitted_by_step(*sleeping(count, 0.0), 0.0) for count in (interval.MIN_ROWS - 1, 1000))
    (low, *_), (high, *_) = interval.bounds(np.zeros(2), few, asked)
    assert low == 0 and 0.1 < high < max(map(abs, few["low"]))  # the calmest have a scale of 1
    assert interval.bounds(np.zeros(2), stayed, asked)[1].tolist() == [0, 0]
    before = {name: value for name, value in few.items() if name != "still"}
    assert interval.bounds(np.zeros(2), before, asked)[1].tolist() == [0, 0]


def test_a_part_whose_series_all_sleep_widens_nothing():
    part = np.repeat([0, 1], 100)
    rows = pl.DataFrame({"step": np.ones(200, int), "scale": np.where(part, np.nan, 1.0), interval.PART: part}, nan_to_null=True)
    target, score = np.where(part, 0.0, 5 + np.tile(np.linspace(-1, 1, 100), 2)), np.where(part, 0.0, 5.0)
    known = interval.fitted_by_step(target, score, rows, None)
    assert known["low"][0] > -1 and known["high"][0] < 1 and known["still"] == [0, 0]


def test_dead_series_do_not_narrow_the_intervals_of_the_others():
    target, score, rows = forecast(2000, 1)
    dead = rows.with_columns(scale=pl.lit(None, pl.Float64))
    both = [np.append(each, np.zeros(2000)) for each in (target, score)]
    known, (target, score, rows) = interval.fitted_by_step(*both, pl.concat([rows, dead]), None), forecast(4000, 2)
    assert within(target, score, known, rows).mean() == pytest.approx(interval.LEVEL, abs=0.03)
    assert interval.fitted_by_step(np.zeros(100), np.zeros(100), dead[:100], None) is None


def test_few_or_broken_forecasts_have_none():
    target, score, table = forecast(interval.MIN_ROWS - 1, 0)
    assert interval.fitted_by_step(target, score, table, None) is None
    assert interval.fitted_by_step(np.zeros(100), np.full(100, np.nan), forecast(100, 0)[2], None) is None
    with pytest.raises(ValueError, match="depends on the rows"):
        interval.bounds(score, interval.fitted_by_step(*forecast(100, 0), None))
