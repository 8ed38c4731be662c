"""Candidates for forecasts: relative to the best simple one, blended with it, and written as the model that was compared."""

from datetime import date, timedelta

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory.scoring.relative import Relative
from late_flights.factory.training import bases, candidates, cross_validation, estimator, families, model_code, selection
from late_flights.factory.training.forecast_comparison import ForecastComparison
from tests.factory import toy

NAMES = ["smooth", "naive", "mean", "scale", "wind", "step"]
SCHEMA = pl.Schema({name: pl.Float64() for name in NAMES} | {"step": pl.Int16()})
PARAMETERS = {
    "simple": {},
    "linear": {"penalty": 10.0, "bins": 0},
    "boosting": {"max_iter": 5, "max_leaf_nodes": 4},
    "extra_trees": {"trees": 3, "leaf_share": 0.02, "split_share": 0.5},
}


class Sold(dy.Schema):
    sold = dy.Float64(min=0)


def params(metric="mase"):
    forecast = {"group": "store", "time": "day", "every": "1d", "horizon": 4, "season": 7}
    return toy.params("forecasting", forecast=forecast, data={"target": "sold"}, evaluation={"metric": metric})


def rows(effect, days=120):
    """Ten stores of very different size; the target is off the smooth forecast by the effect times wind, by scale, and noise."""
    random = np.random.default_rng(0)
    days_of_step = [(day, step) for day in range(days) for step in range(1, 5)]
    parts = []
    for number in range(10):
        scale = 10.0 ** (number % 4)
        level = scale * (20 + random.normal(size=len(days_of_step)).cumsum() / 20)
        wind = random.normal(20, 5, len(days_of_step))
        missed = scale * (effect * (wind - 20) / 5 + random.normal(0, 0.5, len(days_of_step)))
        parts.append(
            pl.DataFrame(
                {
                    "store": f"s{number}",
                    "origin": [date(2024, 1, 1) + timedelta(day) for day, _ in days_of_step],
                    "day": [date(2024, 1, 1) + timedelta(day + step) for day, step in days_of_step],
                    "step": [step for _, step in days_of_step],
                    "smooth": level,
                    "naive": level + scale * random.normal(0, 2, len(level)),
                    "mean": level + scale * random.normal(0, 3, len(level)),
                    "scale": scale,
                    "wind": wind,
                    "sold": np.maximum(0, level + missed),
                }
            )
        )
    return pl.concat(parts)


@pytest.fixture
def compared(monkeypatch, quick):
    monkeypatch.setattr(contract, "LabelledRow", Sold)
    matrix = lambda rows, encoders: rows.select(NAMES).to_numpy().astype(np.float32)
    monkeypatch.setattr(cross_validation, "feature_matrix", matrix)
    return lambda table, metric="mase": selection.choose(table, params(metric), SCHEMA)


def test_the_base_is_nearest_and_levels_have_the_unit_of_the_target(compared):
    table = rows(1)
    found = ForecastComparison(table, params(), SCHEMA)
    assert found.base == bases.Base(["smooth", "naive"], ["smooth", "naive", "mean"], 0.0)
    assert np.nanstd(found.inputs[:, 1]) < 10 and np.nanmean(found.inputs[:, 4]) == pytest.approx(20, abs=1)


def test_what_the_base_misses_is_learned_whatever_the_size_of_the_series(compared):
    choice = compared(rows(2))
    by_family = {each.candidate.family: each.loss for each in choice.evaluated}
    assert choice.metric == "mase" and by_family["simple"] > 1.5  # 2 standard deviations of wind
    assert choice.chosen.loss < 0.5 and "linear" in choice.chosen.candidate.families
    assert {each.candidate.base.columns[0] for each in choice.evaluated} == {"smooth"}
    assert all("relative to smooth" in each.candidate.name for each in choice.evaluated)


def test_where_nothing_can_be_learned_the_base_is_chosen(compared):
    chosen = compared(rows(0)).chosen.candidate
    assert chosen.families == ("simple",) and "relative to smooth" in chosen.name


def test_half_of_the_simple_forecast_is_tried_where_less_of_it_is_best(compared):
    strong, weaker, later = rows(1, days=60), rows(0.8, days=60), pl.col("origin") >= date(2024, 2, 1)
    evaluated = compared(pl.concat([strong.filter(~later), weaker.filter(later)])).evaluated
    blends = [each.candidate for each in evaluated if each.candidate.families == ("simple", "linear")]
    less, half = sorted(each.parameters["weights"] for each in blends)
    assert less[0] < less[1] and half[0] == half[1] == less[1]
    assert min(blends, key=lambda each: each.complexity).parameters["weights"] == half


@pytest.mark.parametrize("metric, unit", [("mase", 1), ("mae", 100), ("rmse", 100), ("rmsse", 1), ("bias", 1)])
def test_losses_have_the_unit_of_the_metric(compared, metric, unit):
    comparison = ForecastComparison(rows(0), params(metric), SCHEMA)
    figure = comparison.evaluate(candidates.default(comparison.base)).figure(comparison.metric)
    assert comparison.metric == ("mase" if metric == "bias" else metric)
    assert unit / 4 < figure < unit * 4


def test_series_that_never_change_are_compared_too(compared):
    table = rows(0).with_columns(scale=pl.lit(None, pl.Float64), smooth=5.0, naive=5.0, sold=5.0 + (pl.col("step") == 1))
    assert compared(table).chosen.candidate.families


def test_features_without_a_scale_are_learned_as_of_a_regression(compared, monkeypatch):
    schema = pl.Schema({name: dtype for name, dtype in SCHEMA.items() if name != "scale"})
    matrix = lambda rows, encoders: rows.select([*schema]).to_numpy().astype(np.float32)
    monkeypatch.setattr(cross_validation, "feature_matrix", matrix)
    chosen = selection.choose(rows(2), params(), schema).chosen.candidate
    assert chosen.base is None and "simple" not in chosen.families


@pytest.mark.parametrize("chosen", [("simple",), ("boosting",), ("simple", "linear", "boosting", "extra_trees")], ids="+".join)
def test_what_is_written_is_what_is_compared(chosen):
    names: dict = {"__package__": "late_flights"}
    content = model_code.text(chosen, relative=True)
    exec(compile(content, "model.py", "exec"), names)  # noqa: S102  our own text
    base = bases.Base(["smooth", "naive"], ["smooth", "naive", "mean"], 0.0)
    given = {name: value for family in chosen for name, value in PARAMETERS[family].items()} | base.parameters()
    made = names["model"]("forecasting", SCHEMA, **given, **({"weights": [2] * len(chosen)} if len(chosen) > 1 else {}))
    members = {name: getattr(families, name)("regression", SCHEMA, **PARAMETERS[name]) for name in chosen}
    inner = families.blend("regression", members, [2] * len(chosen)) if len(chosen) > 1 else members[chosen[0]]
    assert repr(made) == repr(families.relative(inner, **base.parameters()))
    estimator.by_position(made, SCHEMA.names())
    assert isinstance(made, Relative) and (made.base, made.scale, made.levels) == ([0, 1], 3, [0, 1, 2])
    assert model_code.is_generated(content) and not model_code.is_generated(content.replace("least)", "None)"))
