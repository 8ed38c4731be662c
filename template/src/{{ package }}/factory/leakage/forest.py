"""What many small trees predict for rows that they have not seen."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.metrics import r2_score
from threadpoolctl import threadpool_limits

from ..metrics.definitions import Vector, mean_absolute_error, multiclass_roc_auc, roc_auc_by_ranks
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
        return score(self.sample, self.predicted)

    def __str__(self) -> str:
        """In words for people: the error in the target's own unit, or else the score's name and value."""
        return measure(self.sample, self.predicted)


def thinned(sample: Sample, group: Vector | None) -> Sample:
    """At most MAX_ROWS of its rows in random order, those of one group side by side."""
    random = np.random.default_rng(0)
    rows = random.permutation(sample.rows)
    if group is not None:
        codes = np.unique(group, return_inverse=True)[1]
        rows = rows[np.argsort(random.permutation(codes.max() + 1)[codes[rows]], kind="stable")]
    rows = rows[:MAX_ROWS]
    columns = {name: values[rows] for name, values in sample.columns.items()}
    return replace(sample, target=sample.target[rows], columns=columns)


def forecast(sample: Sample) -> Forecast:
    """Each half of the rows, predicted by trees that have learned from the other half."""
    classes = 1 if sample.problem == "regression" else int(sample.target.max()) + 1
    predicted = np.full((sample.rows, classes), 1 / classes if classes > 1 else sample.target.mean())
    importance = np.zeros(len(sample.columns))
    if sample.columns:
        matrix = np.column_stack([ranks(values) for values in sample.columns.values()])
        half = np.arange(sample.rows) < sample.rows // 2
        for test in (half, ~half):
            trees = _fitted(sample.problem, matrix[~test], sample.target[~test])
            importance += trees.feature_importances_ / 2
            if classes == 1:
                predicted[test, 0] = trees.predict(matrix[test])
            else:
                predicted[test] = 0
                predicted[np.ix_(test, trees.classes_.astype(int))] = trees.predict_proba(matrix[test])
    return Forecast(sample, predicted, dict(zip(sample.columns, importance.tolist(), strict=True)))


def ranks(values: NDArray[np.float64]) -> Vector:
    """From 0 to 1, which spares the trees' random thresholds long tails; unknown far below."""
    return (pl.Series(values, nan_to_null=True).rank() / len(values)).fill_null(-1).to_numpy()


def score(sample: Sample, predicted: Vector) -> float:
    """ROC AUC, mean ROC AUC or R² of predictions."""
    if sample.problem == "regression":
        return float(r2_score(sample.target, predicted[:, 0]))
    if sample.problem == "multiclass":
        return multiclass_roc_auc(sample.target, predicted)
    return roc_auc_by_ranks(sample.target > 0, predicted[:, -1])


def measure(sample: Sample, predicted: Vector) -> str:
    """How good predictions are, in words for people."""
    if sample.problem == "regression":
        return f"a mean error of {mean_absolute_error(sample.target, predicted[:, 0]):.3g}"
    return f"{SCORES[sample.problem]} {score(sample, predicted):.4f}"


def _fitted(problem: str, matrix: Vector, target: Vector) -> Any:
    kind = ExtraTreesRegressor if problem == "regression" else ExtraTreesClassifier
    with threadpool_limits(1):
        return kind(**SETTINGS).fit(matrix, target)
