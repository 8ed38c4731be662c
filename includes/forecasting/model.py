"""The estimator, made of features and parameters; what `factory tune` searches; and which types a model may hold."""

from typing import Any

import polars as pl
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor

from .factory.scoring.relative import Relative

TRUSTED_TYPES: list[str] = []
"""What loading the model may construct beyond the known types of scikit-learn, LightGBM and XGBoost: `factory train`
names what is missing; review each before you add it."""

SPACE = {
    "max_iter": (50, 400),
    "learning_rate": (0.01, 0.3, "log"),
    "max_leaf_nodes": (7, 63, "log"),
    "min_samples_leaf": (5, 100, "log"),
    "l2_regularization": (1e-3, 10.0, "log"),
}
"""What `factory tune` searches: a list of values, or the lowest and the highest, "log" for a logarithmic scale."""


def model(problem: str, features: pl.Schema, **parameters: Any) -> BaseEstimator:
    """The estimator to train, unfitted: it learns by how much the usual value of the hour has to be corrected.

    `features` maps the name of each feature to its type, and `parameters` is the section `model` of params.yaml.
    The estimator is fitted to a matrix of floats, in which null is NaN and a category its code from 0 on; its columns
    may be named in `categorical_features` and in a ColumnTransformer (docs/model.md).
    """
    categorical = [name for name, dtype in features.items() if dtype == pl.Enum]
    boosting = HistGradientBoostingRegressor(
        categorical_features=categorical, early_stopping=False, loss="absolute_error", **parameters
    )
    levels = ["naive", "seasonal_naive", "mean", "drift"]
    return Relative(boosting, base=["usual", *levels[1:]], scale="scale", levels=levels, least=0)
