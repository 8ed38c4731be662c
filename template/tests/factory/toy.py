"""A small project for tests: contract, features, model, parameters and rows."""

from datetime import datetime, timedelta
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
import yaml
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from .. import config

START = datetime(2020, 1, 1)
KINDS = ["red", "green", "blue"]
CLASSES = ["low", "middle", "high"]
METRIC = {"classification": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
VALUE = {"true_positive": 2, "false_positive": -1, "false_negative": -2}


class Row(dy.Schema):
    key = dy.String(regex=r"^k\d+$")
    seen = dy.Datetime(min=START)
    kind = dy.Enum(KINDS)
    amount = dy.Float64(min=0, max=100)
    gap = dy.Int16(nullable=True, min=-10, max=10)

    @dy.rule()
    def red_is_small(cls) -> pl.Expr:
        return (pl.col("kind") != "red") | (pl.col("amount") < 90)


class Classified(Row):
    answer = dy.Bool()


class Sorted(Row):
    answer = dy.Enum(CLASSES)


class Measured(Row):
    answer = dy.Float64(min=-1000, max=1000)


DECLARED: dict[str, Any] = {"DELIVERY": {}, "IGNORED": {}, "MISSING": None, "SINCE": {}}
LABELLED = {"classification": Classified, "multiclass": Sorted, "regression": Measured}


def features(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("kind", "amount", "gap", pl.col("seen").dt.weekday().alias("weekday"))


def model(problem: str, features: pl.Schema, **parameters: Any) -> BaseEstimator:
    categorical = [name for name, dtype in features.items() if dtype == pl.Enum]
    kind = HistGradientBoostingRegressor if problem == "regression" else HistGradientBoostingClassifier
    return kind(categorical_features=categorical, early_stopping=False, **parameters)


def settings(problem: str = "classification", **sections: Any) -> dict[str, Any]:
    """The content of params.yaml."""
    content: dict[str, Any] = {
        "problem": problem,
        "data": {"target": "answer", "id": "key", "time": "seen", "sensitive": ["kind"]},
        "split": {"test": 0.25},
        "model": {"max_iter": 20, "random_state": 0},
        "evaluation": {"metric": METRIC.get(problem, ""), "slices": ["gap"]},
    }
    return content | ({"value": VALUE} if problem == "classification" else {}) | sections


def params(problem: str = "classification", **sections: Any) -> config.Params:
    return config.Params.model_validate(settings(problem, **sections))


def text(problem: str = "classification", **sections: Any) -> str:
    return yaml.safe_dump(settings(problem, **sections))


def rows(height: int = 400, problem: str = "classification", first: int = 0) -> pl.DataFrame:
    """Valid rows, an hour apart, whose answer follows amount and gap, but for some noise."""
    random = np.random.default_rng(first)
    amount = random.uniform(0, 89, height).round(3)
    gap = random.integers(-10, 11, height)
    answer = amount + 3 * gap + random.normal(0, 10, height)
    return pl.DataFrame(
        {
            "key": [f"k{first + i}" for i in range(height)],
            "seen": [START + timedelta(hours=first + i) for i in range(height)],
            "kind": random.choice(KINDS, height).tolist(),
            "amount": amount,
            "gap": [None if i % 10 == 0 else int(value) for i, value in enumerate(gap)],
            "answer": outcomes(answer, problem),
        },
        schema={name: column.dtype for name, column in LABELLED[problem].columns().items()},
    )


def outcomes(answer: Any, problem: str) -> Any:
    """The target of each problem, from the number behind the answer."""
    if problem == "multiclass":
        return [CLASSES[place] for place in np.digitize(answer, [30, 60])]
    return answer > 45 if problem == "classification" else answer
