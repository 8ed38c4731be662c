"""Histogram gradient boosting fitted in little room: the same model, its bins filled some rows at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.utils import check_random_state

SLICE = 50_000  # rows


def fit(estimator: Any, matrix: NDArray[np.float32], target: NDArray[np.float64]) -> Any:
    """The estimator, fitted. scikit-learn's own way takes several copies of all rows as doubles."""
    boosted = isinstance(estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor)
    known = hasattr(estimator, "_preprocess_X") and hasattr(estimator, "_bin_data")  # no promise
    if not (boosted and known) or len(matrix) <= SLICE:
        return estimator.fit(matrix, target)
    bins = _Bins(estimator)
    estimator._preprocess_X, estimator._bin_data = bins.learn_categories, bins.fill
    try:
        return estimator.fit(matrix, target)
    finally:
        del estimator._preprocess_X, estimator._bin_data


class _Bins:
    """Two steps of the estimator's `fit`, for a matrix that stays as it is."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.doubles, self.fill_at_once = estimator._preprocess_X, estimator._bin_data

    def learn_categories(self, matrix: Any, *, reset: bool) -> Any:
        """The matrix itself and the categories, of which the rows where each comes first tell all."""
        if not reset:
            return matrix
        self.doubles(matrix[:1], reset=True)
        categorical = self.estimator.is_categorical_
        columns: Any = [] if categorical is None else np.flatnonzero(categorical)
        first = [np.unique(matrix[:, column], return_index=True)[1] for column in columns]
        return matrix, self.doubles(matrix[np.unique(np.concatenate([[0, 1], *first]).astype(int))], reset=True)[1]

    def fill(self, matrix: Any, sample_weight: Any, is_training_data: bool) -> Any:
        """The number of the bin of each value; the bins' bounds are learned from the rows that scikit-learn draws."""
        mapper = self.estimator._bin_mapper
        if sample_weight is not None:
            return self.fill_at_once(self.doubles(matrix, reset=False), sample_weight, is_training_data)
        if is_training_data:
            drawn: Any = slice(None)
            if len(matrix) > mapper.subsample:
                drawn = check_random_state(mapper.random_state).choice(len(matrix), mapper.subsample)
            mapper.fit(self.doubles(matrix[drawn], reset=False))
        bins = np.empty(matrix.shape, np.uint8, order="F" if is_training_data else "C")
        for start in range(0, len(matrix), SLICE):
            bins[start : start + SLICE] = mapper.transform(self.doubles(matrix[start : start + SLICE], reset=False))
        return bins
