"""What others forecast: seasonal naive, statsforecast's AutoETS and AutoARIMA, and LightGBM by mlforecast, in their own environment.

Started as `python forecasters.py OBSERVATIONS SETTINGS OUT MODEL`. AutoETS and the coefficients of AutoARIMA are fitted at
each origin, AutoARIMA's order at the first and where it fails, and LightGBM once, on what is known at the first. Missing stamps are interpolated, as these libraries take none.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from mlforecast import MLForecast
from mlforecast.lag_transforms import ExpandingMean, ExponentiallyWeightedMean, RollingMean, SeasonalRollingMean
from mlforecast.target_transforms import Differences, LocalStandardScaler
from mlforecast.utils import PredictionIntervals
from statsforecast.models import ARIMA, MSTL, AutoARIMA, AutoETS, SeasonalNaive

LEVEL = 90
PANDAS = {"1h": "h", "1d": "D", "1w": "W-MON", "1mo": "MS", "1q": "QS"}
DATED = {"1h": ["hour", "dayofweek"], "1d": ["dayofweek", "dayofyear"], "1w": ["week"], "1mo": ["month"], "1q": ["quarter"]}
LONGEST = 24  # the longest season that AutoETS takes; its authors' advice for a longer one is MSTL, with AutoETS for the rest
FAR = 10  # times what a series has ever spanned
HISTORY = {168: 1344}  # AutoARIMA of a longer one takes hours


def main(observations: str, settings: str, out: str, model: str) -> None:
    """Write the model's forecasts of each series from each origin, and its seconds."""
    facts = json.loads(Path(settings).read_text("utf-8"))
    rows = filled(pd.read_parquet(observations), PANDAS[facts["every"]])
    before = time.process_time()
    made = boosted(rows, facts) if model == "LightGBM" else statistical(rows, facts, model)
    made.to_parquet(out)
    print(json.dumps({"cpu": time.process_time() - before}))


def filled(rows: pd.DataFrame, step: str) -> pd.DataFrame:
    """All stamps of each series from its first to its last."""
    parts = []
    for name, part in rows.groupby("series"):
        values = part.set_index("time")["value"].asfreq(step).interpolate()
        parts.append(pd.DataFrame({"unique_id": name, "ds": values.index, "y": values.to_numpy()}))
    return pd.concat(parts, ignore_index=True)


def statistical(rows: pd.DataFrame, facts: dict[str, Any], name: str) -> pd.DataFrame:
    """Series by series."""
    origins = list(map(pd.Timestamp, facts["origins"]))
    longest = HISTORY.get(facts["season"])
    parts = []
    for series, part in rows.groupby("unique_id"):
        values = part.set_index("ds")["y"]
        model = _model(name, facts["season"], facts["every"])
        for origin in origins:
            known = values[:origin].to_numpy()[-(longest or len(values)) :]
            try:
                made = model.fit(known).predict(h=facts["horizon"], level=[LEVEL])
                suits = np.abs(made["mean"] - known[-1]).max() < FAR * np.ptp(known)
            except ValueError:
                suits = False
            if not suits:  # the order that was found at the first origin
                model = _model(name, facts["season"], facts["every"])
                made = model.fit(known).predict(h=facts["horizon"], level=[LEVEL])
            model = _chosen(model) if name == "AutoARIMA" and origin == origins[0] else model
            parts.append(_forecast(series, origin, facts, made["mean"], made[f"lo-{LEVEL}"], made[f"hi-{LEVEL}"]))
    return pd.concat(parts, ignore_index=True)


def _model(name: str, season: int, every: str) -> Any:
    if name == "seasonal naive":
        return SeasonalNaive(season)
    if name == "AutoARIMA":
        return AutoARIMA(season_length=24 if every == "1h" else season, approximation=True)
    if season <= LONGEST:
        return AutoETS(season_length=season)
    return MSTL([24, season] if every == "1h" else season, trend_forecaster=AutoETS(model="ZZN"))


def _chosen(found: AutoARIMA) -> ARIMA:
    """Of the same order."""
    p, q, seasonal_p, seasonal_q, season, d, seasonal_d = found.model_["arma"]
    return ARIMA(
        (p, d, q),
        season,
        (seasonal_p, seasonal_d, seasonal_q),
        include_mean="intercept" in found.model_["coef"],
        include_drift="drift" in found.model_["coef"],
    )


def _forecast(series: str, origin: pd.Timestamp, facts: dict[str, Any], score: Any, low: Any, high: Any) -> pd.DataFrame:
    times = pd.date_range(origin, periods=facts["horizon"] + 1, freq=PANDAS[facts["every"]])[1:]
    steps = range(1, facts["horizon"] + 1)
    return pd.DataFrame(
        {"series": series, "time": times, "origin": origin, "step": steps, "score": score, "low": low, "high": high}
    )


def boosted(rows: pd.DataFrame, facts: dict[str, Any]) -> pd.DataFrame:
    """One LightGBM for all series, by the target's form that forecasts the newest horizon before the first origin best."""
    origins = list(map(pd.Timestamp, facts["origins"]))
    known = rows[rows["ds"] <= origins[0]]
    forms = [
        [LocalStandardScaler()],
        [Differences([1]), LocalStandardScaler()],
        [Differences([facts["season"]]), LocalStandardScaler()],
    ]
    best = min(forms, key=lambda form: _error(known, facts, form))
    model = _boosted(facts, best)
    spare = known.groupby("unique_id").size().min() - 3 * facts["season"]
    windows = PredictionIntervals(n_windows=int(np.clip(spare // facts["horizon"], 2, 8)), h=facts["horizon"])
    model.fit(known, prediction_intervals=windows, static_features=[])
    parts = []
    for origin in origins:
        history = rows[rows["ds"] <= origin]
        history = history[history.groupby("unique_id")["ds"].transform("max") == origin]
        made = model.predict(facts["horizon"], new_df=history, level=[LEVEL])
        frame = made.rename(
            columns={"unique_id": "series", "ds": "time", "m": "score", f"m-lo-{LEVEL}": "low", f"m-hi-{LEVEL}": "high"}
        )
        frame["step"] = frame.groupby("series").cumcount() + 1
        parts.append(frame.assign(origin=origin))
    return pd.concat(parts, ignore_index=True)


def _error(known: pd.DataFrame, facts: dict[str, Any], form: list[Any]) -> float:
    made = _boosted(facts, form).cross_validation(known, n_windows=2, h=facts["horizon"], static_features=[], refit=True)
    scale = known.groupby("unique_id")["y"].apply(lambda y: (y - y.shift(facts["season"])).abs().mean())
    error = (made["y"] - made["m"]).abs() / made["unique_id"].map(scale)
    return float(error.replace(np.inf, np.nan).mean())


def _boosted(facts: dict[str, Any], form: list[Any]) -> MLForecast:
    season, every = facts["season"], facts["every"]
    near = {"1h": [1, 2, 3, 24, 25, 48, 168, 169], "1d": [*range(1, 15)], "1w": [1, 2, 3, 4, 8, 51, 52, 53]}
    lags = near.get(every, [*range(1, season + 2)])
    short = 24 if every == "1h" else min(season, 4)
    of_one = [
        RollingMean(short, min_samples=1),
        RollingMean(season, min_samples=1),
        ExponentiallyWeightedMean(0.3),
        ExpandingMean(),
    ]
    transforms = {1: of_one, season: [SeasonalRollingMean(season, 3, min_samples=1)]}
    learner = lgb.LGBMRegressor(
        objective="mae", n_estimators=300, learning_rate=0.05, num_leaves=31, n_jobs=1, verbosity=-1, random_state=0
    )
    return MLForecast(
        {"m": learner}, PANDAS[every], lags=lags, lag_transforms=transforms, date_features=DATED[every], target_transforms=form
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
