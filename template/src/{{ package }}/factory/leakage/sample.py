"""Rows in which leaks are searched for, and how well a small model predicts their target."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score
from threadpoolctl import threadpool_limits

from ..metrics.definitions import Vector, multiclass_roc_auc, roc_auc_by_ranks

SETTINGS: dict[str, Any] = {
    "max_iter": 50,
    "learning_rate": 0.1,
    "max_leaf_nodes": 15,
    "early_stopping": False,
    "random_state": 0,
}
SCORES = {"classification": "ROC AUC", "multiclass": "mean ROC AUC", "regression": "R²"}
"""The score of each problem, at best 1."""


@dataclass(frozen=True)
class Sample:
    """Columns as numbers, in the rows' order of delivery: NaN is unknown, and of `categories` they are codes from 0 on.

    The target is 0 or 1 of a classification, the code of the class of a multiclass problem.
    """

    problem: str
    target_name: str
    target: Vector
    columns: dict[str, Vector]
    categories: frozenset[str] = frozenset()

    @property
    def rows(self) -> int:
        """Their number."""
        return len(self.target)

    def without(self, names: Collection[str]) -> "Sample":
        """The sample without these columns."""
        return replace(self, columns={name: values for name, values in self.columns.items() if name not in names})

    def only(self, names: Collection[str]) -> "Sample":
        """The sample with these columns."""
        return replace(self, columns={name: self.columns[name] for name in names})

    def scores(self, fold: NDArray[np.integer[Any]]) -> Vector:
        """The score of each fold by a small model of the others, without folds that have a single value of the target.

        `fold` is the number of each row's fold.
        """
        matrix = np.column_stack([*self.columns.values()])
        with threadpool_limits(1):  # small fits would wait for each other
            return np.array(
                [
                    self._score(matrix, fold == number)
                    for number in np.unique(fold)
                    if np.ptp(self.target[fold == number]) and np.ptp(self.target[fold != number])
                ]
            )

    def _score(self, matrix: NDArray[np.float64], test: NDArray[np.bool_]) -> float:
        categorical = [name in self.categories for name in self.columns]
        kind = HistGradientBoostingRegressor if self.problem == "regression" else HistGradientBoostingClassifier
        fitted = kind(categorical_features=categorical, **SETTINGS).fit(matrix[~test], self.target[~test])
        truth = self.target[test]
        if self.problem == "regression":
            return float(r2_score(truth, fitted.predict(matrix[test])))
        score = np.zeros((len(truth), int(self.target.max()) + 1))
        score[:, fitted.classes_.astype(int)] = fitted.predict_proba(matrix[test])
        return (
            multiclass_roc_auc(truth, score)
            if self.problem == "multiclass"
            else roc_auc_by_ranks(truth > 0, score[:, 1])
        )
