"""A small project that forecasts: three hourly series with a season of a day, as `toy` is one of the other problems."""

from datetime import datetime, timedelta
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
import pytest
import yaml
from late_flights import contract
from late_flights.factory import config, forecasting
from late_flights.factory.forecasting.settings import Settings
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor

START = datetime(2020, 1, 1)
SHOPS = ["north", "south", "west"]


class Observation(dy.Schema):
    """The sales of a shop in an hour."""

    shop = dy.Enum(SHOPS)
    hour = dy.Datetime(min=START)
    open = dy.Bool(metadata=forecasting.KNOWN_AHEAD)
    visitors = dy.Int32(nullable=True, min=0)
    sales = dy.Float64(nullable=True, min=0)


def history(rows: pl.DataFrame, origin: datetime) -> pl.DataFrame:
    return rows.group_by("shop").agg(
        visitors_before=pl.col("visitors").last(),
        day=pl.col("sales").tail(24).mean(),
    )


def features(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        "shop",
        "open",
        "step",
        "naive",
        "seasonal_naive",
        "mean",
        "scale",
        "visitors_before",
        "day",
        pl.col("hour").dt.hour().alias("clock"),
    )


def model(problem: str, features: pl.Schema, **parameters: Any) -> BaseEstimator:
    categorical = [name for name, dtype in features.items() if dtype == pl.Enum]
    return HistGradientBoostingRegressor(categorical_features=categorical, early_stopping=False, **parameters)


Row, LabelledRow = forecasting.rows(Observation, history, group="shop", time="hour", target="sales")
DECLARED = {"Observation": Observation, "Row": Row, "LabelledRow": LabelledRow, "history": history}


def declare(patch: pytest.MonkeyPatch, past: Any = history) -> None:
    """Put the contract in place of yours, with rows by that history()."""
    row, labelled = forecasting.rows(Observation, past, group="shop", time="hour", target="sales")
    for name, value in (DECLARED | {"Row": row, "LabelledRow": labelled}).items():
        patch.setattr(contract, name, value, raising=False)


def settings(**sections: Any) -> dict[str, Any]:
    """The content of params.yaml."""
    content: dict[str, Any] = {
        "problem": "forecasting",
        "data": {"target": "sales"},
        "forecast": {"group": "shop", "time": "hour", "every": "1h", "horizon": 6, "season": 24},
        "split": {"test": 0.25},
        "model": {"max_iter": 20, "random_state": 0},
        "evaluation": {"metric": "mae", "slices": ["shop"]},
    }
    return content | sections


SETTINGS = Settings(groups=["shop"], time="hour", target="sales", every="1h", horizon=6, season=24, gap=0, window=72)
"""What follows from them."""


def params(**sections: Any) -> config.Params:
    return config.Params.model_validate(settings(**sections))


def text(**sections: Any) -> str:
    return yaml.safe_dump(settings(**sections))


def observations(hours: int = 400, first: int = 0) -> pl.DataFrame:
    """Valid observations, in which the sales follow the hour of the day and whether a shop is open, but for some noise."""
    random = np.random.default_rng(first)
    places = np.arange(first, first + hours)
    parts = []
    for number, shop in enumerate(SHOPS, start=1):
        is_open = (places // 24) % 7 < 6
        level = number * 10 * (1.5 + np.sin(2 * np.pi * places / 24)) * np.where(is_open, 1, 0.3)
        sales = np.maximum(0, level + random.normal(0, number, hours))
        visitors = np.round(sales * 3)
        times = [START + timedelta(hours=int(place)) for place in places]
        parts.append(pl.DataFrame({"shop": [shop] * hours, "hour": times, "open": is_open, "visitors": visitors, "sales": sales}))
    types = {name: column.dtype for name, column in Observation.columns().items()}
    return pl.concat(parts).cast(types)
