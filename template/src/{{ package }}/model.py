"""Parameters in, unfitted estimator out."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

TRUSTED_TYPES = [
    "functools.partial",  # skops wants what it calls to be trusted too
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
]
"""What loading the model may construct beyond the types that skops trusts: review each before it enters."""

SPACE = {
    "max_iter": (50, 400),
    "learning_rate": (0.01, 0.3, "log"),
    "max_leaf_nodes": (7, 63, "log"),
    "min_samples_leaf": (5, 100, "log"),
    "l2_regularization": (1e-3, 10.0, "log"),
}
"""What `factory tune` searches: a list of values, or the lowest and the highest."""


def model(problem: str, categorical: list[int], **parameters: Any) -> BaseEstimator:
    """A scikit-learn estimator for a matrix of floats, one column a feature, NaN where unknown.

    `categorical` holds the positions of the columns with category codes; `parameters` is
    the section `model` of params.yaml.
    """
    kinds = {
        "classification": HistGradientBoostingClassifier,
        "multiclass": HistGradientBoostingClassifier,
        "regression": HistGradientBoostingRegressor,
    }
    return kinds[problem](categorical_features=categorical, early_stopping=False, **parameters)
