"""Families of models for tables. `factory candidates` compares them, and copies those it chooses into model.py."""

from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler

from ..scoring.relative import Relative


def boosting(problem: str, features: pl.Schema, **parameters: Any) -> BaseEstimator:
    """Gradient boosting: many small trees, each of what those before it got wrong."""
    categorical = [name for name, dtype in features.items() if dtype == pl.Enum]
    kinds = {
        "classification": HistGradientBoostingClassifier,
        "multiclass": HistGradientBoostingClassifier,
        "regression": HistGradientBoostingRegressor,
    }
    return kinds[problem](categorical_features=categorical, early_stopping=False, **parameters)


def linear(problem: str, features: pl.Schema, penalty: float, bins: int = 0) -> BaseEstimator:
    """A weighted sum of standardised numbers, of their bins if there are any, and of categories."""
    categories = [name for name, dtype in features.items() if dtype == pl.Enum]
    numbers = [name for name in features if name not in categories]
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    encoded = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=-1), OneHotEncoder(handle_unknown="ignore", dtype=np.float32)
    )
    steps = [("numbers", scaled, numbers), ("categories", encoded, categories)]
    if bins:
        binned = KBinsDiscretizer(bins, encode="onehot-dense", quantile_method="averaged_inverted_cdf")
        steps.append(("bins", make_pipeline(SimpleImputer(strategy="median"), binned), numbers))
    prepared = ColumnTransformer([step for step in steps if step[2]])
    if problem == "regression":
        return make_pipeline(prepared, Ridge(alpha=penalty))
    return make_pipeline(prepared, LogisticRegression(C=1 / penalty, max_iter=1000))


def extra_trees(problem: str, features: pl.Schema, trees: int, leaf_share: float, split_share: float) -> BaseEstimator:
    """The mean of large trees that split at random; a leaf has at least that share of the rows."""
    kind = ExtraTreesRegressor if problem == "regression" else ExtraTreesClassifier
    return kind(n_estimators=trees, min_samples_leaf=leaf_share, max_features=split_share, random_state=0)


def blend(problem: str, members: dict[str, BaseEstimator], weights: list[int]) -> BaseEstimator:
    """The weighted mean of what the members predict."""
    if problem == "regression":
        return VotingRegressor([*members.items()], weights=weights)
    return VotingClassifier([*members.items()], voting="soft", weights=weights)


def simple(problem: str, features: pl.Schema) -> BaseEstimator:
    """Nothing is learned: the simple forecast is right."""
    return DummyRegressor(strategy="constant", constant=0.0)


def relative(estimator: BaseEstimator, base: list[str], levels: list[str], least: float | None = None) -> BaseEstimator:
    """The estimator of what a simple forecast, the first of `base` that is known, misses, in units of the series' scale.

    It sees the features in `levels` as it sees the target. No answer is below `least`.
    """
    return Relative(estimator, base=base, scale="scale", levels=levels, least=least)


def of_logarithm(estimator: BaseEstimator) -> BaseEstimator:
    """The estimator of the target's logarithm, in which relative errors count, with its predictions turned back."""
    return TransformedTargetRegressor(estimator, func=np.log1p, inverse_func=np.expm1, check_inverse=False)
