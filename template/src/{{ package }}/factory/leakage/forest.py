"""What many small trees predict for rows that they have not seen."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from threadpoolctl import threadpool_limits

from ..metrics.definitions import Vector, mean_absolute_error
from .sample import SCORES, Sample

SETTINGS: dict[str, Any] = {"n_estimators": 25, "min_samples_leaf": 2, "max_features": 0.5, "random_state": 0}
MAX_ROWS = 2_000


@dataclass(frozen=True)
class Forecast:
    """Of each row by the other half of the rows: a number, or the probability of each class."""

    sample: Sample
    predicted: Vector
    importance: dict[str, float]

    @property
    def score(self) -> float:
        """At best 1; 0 of no columns."""
        return self.sample.score(self.sample.target, self.predicted)

    def __str__(self) -> str:
        """In words for people: the error in the target's own unit, or else the score's name and value."""
        if self.sample.problem == "regression":
            return f"a mean error of {mean_absolute_error(self.sample.target, self.predicted):.3g}"
        return f"{SCORES[self.sample.problem]} {self.score:.4f}"


def thinned(sample: Sample) -> Sample:
    """At most MAX_ROWS of its rows in random order, those that the split keeps together side by side."""
    random = np.random.default_rng(0)
    rows = random.permutation(sample.rows)
    if sample.together is not None:
        codes = np.unique(sample.together, return_inverse=True)[1]
        rows = rows[np.argsort(random.permutation(codes.max() + 1)[codes[rows]], kind="stable")]
    return sample.take(rows[:MAX_ROWS])


def forecast(sample: Sample) -> Forecast:
    """Each half of the rows, predicted by trees that have learned from the other half."""
    is_number = sample.problem == "regression"
    classes = 1 if is_number else int(sample.target.max()) + 1
    predicted = np.full((sample.rows, classes), sample.target.mean() if is_number else 0.0)
    importance = np.zeros(len(sample.columns))
    if sample.columns:
        matrix = np.column_stack([ranks(values) for values in sample.columns.values()])
        half = np.arange(sample.rows) < sample.rows // 2
        for test in (half, ~half):
            trees = _fitted(sample.problem, matrix[~test], sample.target[~test])
            importance += trees.feature_importances_ / 2
            if is_number:
                predicted[test, 0] = trees.predict(matrix[test])
            else:
                predicted[np.ix_(test, trees.classes_.astype(int))] = trees.predict_proba(matrix[test])
    predicted = predicted[:, 0] if is_number else predicted
    return Forecast(sample, predicted, dict(zip(sample.columns, importance.tolist(), strict=True)))


def ranks(values: NDArray[np.float64]) -> Vector:
    """From 0 to 1, which spares the trees' random thresholds long tails; unknown far below."""
    return (pl.Series(values, nan_to_null=True).rank() / len(values)).fill_null(-1).to_numpy()


def _fitted(problem: str, matrix: Vector, target: Vector) -> Any:
    kind = ExtraTreesRegressor if problem == "regression" else ExtraTreesClassifier
    with threadpool_limits(1):
        return kind(**SETTINGS).fit(matrix, target)
