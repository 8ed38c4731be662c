"""The files of a forecast: contract and history hold for their own table, whatever its steps, zones and names."""

import shutil
import sys
from datetime import datetime

import dataframely as dy
import numpy as np
import polars as pl
import pytest
import yaml
from late_flights.factory import config
from late_flights.factory.adopt import defaults, render
from late_flights.factory.validation import rules
from tests.factory.conftest import ROOT

from machinery.adopt.adopt_table import module
from machinery.adopt.series_table import SALES, forecast

ODD = {"day": "the day", "shop": "filter", "item": "1st", "price": "a|b", "weekday": "match", "sold": "class"}
MORE = pl.Series(np.random.default_rng(0).permutation(SALES.height))


def single(every, count, season, zone=None, start=datetime(2020, 1, 31)):
    steps = {"15m": "{}m", "h": "{}h", "mo": "{}mo", "d": "{}d"}[every]
    size = 15 if every == "15m" else 1
    first = pl.lit(start).dt.replace_time_zone(zone)
    times = pl.select(first.dt.offset_by(pl.format(steps, pl.int_range(count) * size))).to_series()
    load = 100 + 10 * np.sin(2 * np.pi * np.arange(count) / season)
    return pl.DataFrame({"at": times, "load": load})


TABLES = {
    "days": (SALES, "sold"),
    "names": (SALES.rename(ODD).with_columns(state=pl.when(MORE % 2 == 0).then(pl.lit("wet")).otherwise(pl.lit("dry"))), "class"),
    "numbers": (SALES.with_columns(shop=pl.when(pl.col("shop") == "a").then(1).otherwise(2)), "sold"),
    "minutes": (single("15m", 3000, 96), "load"),
    "hours": (single("h", 3000, 168, "Europe/Berlin", datetime(2024, 3, 1)), "load"),
    "months": (single("mo", 150, 12).with_columns(pl.col("at").dt.date()), "load"),
    "walk": (single("d", 300, 7).with_columns(load=pl.Series(np.random.default_rng(0).normal(0, 1, 300)).cum_sum()), "load"),
}


@pytest.fixture(scope="module", params=TABLES)
def written(request, tmp_path_factory):
    """The table, the proposal, and the modules and parameters that are written of it."""
    folder = tmp_path_factory.mktemp("settings")
    shutil.copy(ROOT / "pyproject.toml", folder)
    table, target = TABLES[request.param]
    proposed = forecast(table, target)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        render.write(proposed, defaults.BaselineResult(), folder / "build")
        features = module(folder / "build", "features")
        patch.setitem(sys.modules, "late_flights.features", features)
        yield table, proposed, module(folder / "build", "contract"), features, folder / "build" / "params.yaml"


def test_contract_holds_for_the_table(written):
    table, proposed, contract, _, _ = written
    rows = rules.validate(table.select(contract.Observation.column_names()), contract.Observation)
    rules.check_invariants(rows, contract.DELIVERY)
    assert rows.height == table.height
    rules.validate(rows.with_columns(pl.lit(None).alias(proposed.target.name)), contract.Observation)


def test_rows_have_what_is_known_ahead_and_no_value_of_the_time_that_is_forecast(written):
    _, proposed, contract, _, _ = written
    ahead = {role.name for role in proposed.roles if role.role in ("group", "time", "known-ahead")}
    past = {role.name for role in proposed.roles if role.role in ("feature", "target")}
    assert ahead <= set(contract.Row.column_names()) and not past & set(contract.Row.column_names())
    assert set(contract.LabelledRow.column_names()) - set(contract.Row.column_names()) == {proposed.target.name}


def test_history_has_a_row_for_each_series_and_time_ahead(written):
    table, proposed, contract, features, _ = written
    found, series = proposed.forecast, proposed.forecast.series
    rows = rules.validate(table.select(contract.Observation.column_names()), contract.Observation).sort(
        *series.groups, series.time
    )
    origin = rows[series.time].max()
    history = features.history(rows, origin)
    ahead = history.filter(pl.col(series.time) > origin) if found.season > 1 else history
    steps = min(found.horizon, found.season) if found.season > 1 else 1
    assert ahead.select(*series.groups).n_unique() == series.count if series.groups else True
    assert ahead.height >= steps * series.count and not ahead.is_duplicated().any()
    assert set(history.columns) - {*series.groups, series.time} <= set(contract.Row.column_names())


def test_features_are_numbers_and_categories(written):
    _, _, contract, features, _ = written
    rows = pl.DataFrame(contract.Row.sample(20, generator=dy.random.Generator(0)))
    assert all(dtype.is_numeric() or dtype in (pl.Boolean, pl.Enum) for dtype in features.features(rows).dtypes)


def test_parameters_are_read(written):
    _, proposed, _, _, path = written
    params = config.Params.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    found = proposed.forecast
    assert params.forecast and params.problem == "forecasting" and params.data.time == found.series.time
    assert (params.forecast.every, params.forecast.horizon, params.forecast.season) == (
        found.series.step.every,
        found.horizon,
        found.season,
    )
    assert params.forecast.groups == [*found.series.groups]
