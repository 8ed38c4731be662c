"""Made-up rows of forecasts, and evidence for the gate that passes its checks."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from late_flights.factory.config import Params
from late_flights.factory.forecasting.rows import SMOOTHED
from late_flights.factory.gate.evidence import Evidence, Part
from late_flights.factory.metrics import definitions
from late_flights.factory.metrics.fairness import Predictions

HORIZON, SEASON = 24, 24
START = datetime(2024, 1, 1)


def params(**parts: Any) -> Params:
    """Hourly sales of shops, a day ahead."""
    settings = {
        "problem": "forecasting",
        "data": {"target": "sales"},
        "forecast": {"group": "shop", "time": "at", "every": "1h", "horizon": HORIZON, "season": SEASON},
        "evaluation": {"metric": "mase"},
        "gate": {"floor": 2.0},
    }
    return Params.model_validate(settings | parts)


def sales(series: int, times: int, seed: int = 0) -> np.ndarray:
    """Of each series at each hour: a daily pattern that drifts, and noise."""
    random = np.random.default_rng(seed)
    hours = np.arange(times)
    level = 100 * 3.0 ** np.arange(series)[:, None]
    drift = random.normal(0, 0.03, (series, times)).cumsum(axis=1)
    return level * (2 + np.sin(hours * 2 * np.pi / SEASON) + drift + random.normal(0, 0.1, (series, times)))


def rows(series: int = 3, times: int = 24 * 14, every: int = 7, first: int = 0, seed: int = 0) -> pl.DataFrame:
    """Rows of origins `every` so many hours, of targets at hours `first` and later."""
    past = 2 * SEASON
    values = sales(series, past + first + times, seed)
    table = []
    for origin in range(past + first - 1, past + first + times - 1, every):
        for step in range(1, HORIZON + 1):
            if (place := origin + step) >= past + first + times:
                break
            for shop in range(series):
                seen = values[shop, origin - past + 1 : origin + 1]
                table.append(
                    (
                        f"shop {shop}",
                        START + timedelta(hours=place),
                        START + timedelta(hours=origin),
                        step,
                        seen[-1],
                        values[shop, place - SEASON],
                        seen.mean(),
                        seen[-1] + (seen[-1] - seen[0]) / (past - 1) * step,
                        np.abs(seen[SEASON:] - seen[:-SEASON]).mean(),
                        values[shop, place],
                    )
                )
    names = ["shop", "at", "origin", "step", "naive", "seasonal_naive", "mean", "drift", "scale", "sales"]
    smoothed = (((pl.col("naive") + pl.col("seasonal_naive")) / 2).alias(name) for name in SMOOTHED)
    return pl.DataFrame(table, schema=names, orient="row").with_columns(smoothed)


def interval(low: float, high: float) -> dict[str, Any]:
    """Intervals that end so far from the scores."""
    return {"level": 0.9, "edges": [], "low": [low], "high": [high]}


def guess(table: pl.DataFrame, share: float, seed: int = 1) -> np.ndarray:
    """Scores that are as far from the targets as a share of the scale."""
    noise = np.random.default_rng(seed).normal(size=table.height)
    return (table["sales"] + share * table["scale"] * noise).to_numpy()


def features(table: pl.DataFrame) -> pl.DataFrame:
    """What a model sees of the rows."""
    return table.select("step", "naive", "seasonal_naive", hour=pl.col("at").dt.hour())


def passing(**parts: Any) -> Evidence:
    """Evidence of a challenger as good as the champion."""
    settings = parts.get("params", params())
    train, test = rows(first=0, times=24 * 10), rows(first=24 * 11, times=24 * 10)
    score = guess(test, 0.5)
    evidence = Evidence(
        params=settings,
        test=test,
        target=definitions.target_of(test, settings),
        challenger=Predictions(score),
        champion=Predictions(score),
        baseline=float(train["sales"].mean()),  # type: ignore[arg-type]
        latency_ms=0.1,
        size_mb=1.0,
        parity=1e-7,
        tolerance=1e-5,
        contract_changed=False,
        validation={"metrics": {"mase": {"value": 0.4, "low": 0.3, "high": 0.5}}},
        train=Part(train, features(train)),
        tested=Part(test, features(test)),
    )
    return replace(evidence, **parts)
