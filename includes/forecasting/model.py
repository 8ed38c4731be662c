"""The estimator, made of features and parameters; what `factory tune` searches; and which types a model may hold."""

from typing import Any

import polars as pl
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from .factory.scoring.relative import Relative

TRUSTED_TYPES: list[str] = []
"""What loading the model may construct beyond the known types of scikit-learn, LightGBM and XGBoost: `factory train`
names what is missing; review each before you add it."""

SPACE = {
    "max_iter": "early stopping",
    "learning_rate": (0.01, 0.3, "log"),
    "max_leaf_nodes": (4, 63, "log"),
    "min_samples_leaf": (5, 100, "log"),
    "l2_regularization": (1e-3, 10.0, "log"),
    "max_features": (0.2, 1.0),
}
"""What `factory tune` searches: a list of values, or the lowest and the highest, "log" for a logarithmic scale."""


def model(
    problem: str, features: pl.Schema, base: list[str], levels: list[str], least: float | None = None, **parameters: Any
) -> BaseEstimator:
    """The estimator to train, unfitted.

    `features` maps the name of each feature to its type, and `parameters` is the section `model` of params.yaml.
    The estimator is fitted to a matrix of floats, in which null is NaN and a category its code from 0 on; its columns
    may be named in `categorical_features` and in a ColumnTransformer (docs/model.md).
    """
    return relative(boosting("regression", features, **parameters), base, levels, least)


def boosting(problem: str, features: pl.Schema, **parameters: Any) -> BaseEstimator:
    """Gradient boosting: many small trees, each of what those before it got wrong."""
    categorical = [name for name, dtype in features.items() if dtype == pl.Enum]
    kinds = {
        "classification": HistGradientBoostingClassifier,
        "multiclass": HistGradientBoostingClassifier,
        "regression": HistGradientBoostingRegressor,
    }
    return kinds[problem](categorical_features=categorical, early_stopping=False, **parameters)


def relative(estimator: BaseEstimator, base: list[str], levels: list[str], least: float | None = None) -> BaseEstimator:
    """The estimator of what a simple forecast, the first of `base` that is known, misses, in units of the series' scale.

    It sees the features in `levels` as it sees the target. No answer is below `least`.
    """
    return Relative(estimator, base=base, scale="scale", levels=levels, least=least)
