"""Rows in which leaks are searched for, and how well a small model predicts their target."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
QUICK = SETTINGS | {"max_iter": 25, "learning_rate": 0.2}
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
    together: NDArray[np.int64] | None = None
    """Codes of the ids whose rows the split keeps together, if ids repeat."""
    by_time: bool = False
    """Whether the newest rows are the test."""
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The text of each code of a category."""

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

    def take(self, rows: NDArray[np.integer[Any]]) -> "Sample":
        """The sample's rows with these numbers."""
        together = None if self.together is None else self.together[rows]
        columns = {name: values[rows] for name, values in self.columns.items()}
        return replace(self, target=self.target[rows], columns=columns, together=together)

    def scores(self, fold: NDArray[np.integer[Any]]) -> Vector:
        """The score of each fold by a small model of the others, without folds that have a single value of the target.

        `fold` is the number of each row's fold.
        """
        matrix = np.column_stack([*self.columns.values()])
        with threadpool_limits(1):  # small fits would wait for each other
            return np.array(
                [
                    self.score(self.target[fold == number], self._predict(matrix, fold == number, SETTINGS))
                    for number in np.unique(fold)
                    if np.ptp(self.target[fold == number]) and np.ptp(self.target[fold != number])
                ]
            )

    def predictions(self, fold: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """What a small model of the other folds predicts of each row: a number, or a probability of each class."""
        matrix = np.column_stack([*self.columns.values()])
        with threadpool_limits(1):
            parts = {number: self._predict(matrix, fold == number, QUICK) for number in np.unique(fold)}
        predicted = np.empty((self.rows, *next(iter(parts.values())).shape[1:]))
        for number, part in parts.items():
            predicted[fold == number] = part
        return predicted

    def score(self, truth: Vector, predicted: NDArray[np.float64]) -> float:
        """The score of predictions."""
        if self.problem == "regression":
            return float(r2_score(truth, predicted))
        if self.problem == "multiclass":
            return multiclass_roc_auc(truth, predicted)
        return roc_auc_by_ranks(truth > 0, predicted[:, 1])

    def _predict(
        self, matrix: NDArray[np.float64], test: NDArray[np.bool_], settings: dict[str, Any]
    ) -> NDArray[np.float64]:
        learned = self.target[~test]
        categorical = [name in self.categories for name in self.columns]
        if self.problem == "regression":
            regressor = HistGradientBoostingRegressor(categorical_features=categorical, **settings)
            return regressor.fit(matrix[~test], learned).predict(matrix[test])  # type: ignore[no-any-return]
        probability = np.zeros((int(test.sum()), int(self.target.max()) + 1))
        if np.ptp(learned) == 0:
            probability[:, int(learned[0])] = 1
            return probability
        classifier = HistGradientBoostingClassifier(categorical_features=categorical, **settings)
        classifier.fit(matrix[~test], learned)
        probability[:, classifier.classes_.astype(int)] = classifier.predict_proba(matrix[test])
        return probability
