"""Early stopping of boosting: as many rounds as improve the rows that validation holds out, by time or in whole groups."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from ..config import Params
from ..errors import FactoryError
from ..metrics.definitions import Vector
from ..scoring.relative import Relative
from ..tables.chunks import Matrix
from . import estimator
from .cross_validation import Folds
from .rolling_origin import Part

MAX_ROUNDS, PATIENCE = 1_000, 25


class Stopped:
    """The models of each part, with as many rounds as improve what it holds out."""

    def __init__(self, folds: Folds, params: Params) -> None:
        self._folds, self._params, self._fitted = folds, params, list[Any]()

    def scores(self) -> Iterator[tuple[Vector, Vector]]:
        """Target and score of the rows of each part, by the best model of the others. Raises FactoryError."""
        for part in self._folds.parts:
            made = estimator.build(self._params.problem, self._params.model, self._folds.schema)
            self._fitted.append(fitted(made, self._folds.inputs, self._folds.target, part))
            yield self._of(part, self._fitted[-1], best_rounds(self._fitted[-1:]))

    @property
    def rounds(self) -> int:
        """The number that is best for all parts together."""
        return best_rounds(self._fitted)

    def again(self) -> Iterator[tuple[Vector, Vector]]:
        """The same scores, of models with that number of rounds."""
        for part, model in zip(self._folds.parts, self._fitted, strict=True):
            yield self._of(part, model, self.rounds)

    def _of(self, part: Part, model: Any, rounds: int) -> tuple[Vector, Vector]:
        score = staged(model, rounds, self._params)(self._folds.inputs[part.held_out])
        return self._folds.target[part.held_out], np.asarray(score, np.float64)


def fitted(made: BaseEstimator, inputs: Matrix, goal: Vector, part: Part) -> Any:
    """Boosting, alone or relative to a base, until the rows held out are no longer predicted better. Raises FactoryError."""
    boosting = made.regressor if isinstance(made, Relative) else made
    if not isinstance(boosting, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
        raise FactoryError(
            f"model.py, SPACE: max_iter: {type(boosting).__name__} cannot stop early, only scikit-learn's "
            "HistGradientBoosting can: give the lowest and the highest"
        )
    boosting.set_params(max_iter=MAX_ROUNDS, early_stopping=True, n_iter_no_change=PATIENCE, scoring="loss")
    held_out = {"X_val": inputs[part.held_out], "y_val": goal[part.held_out]}
    return estimator.fitted(made, inputs[part.fit], goal[part.fit], **held_out)


def best_rounds(models: list[Any]) -> int:
    """The rounds after which the mean loss of the rows held out was least, of those that all models reached."""
    boosting = [getattr(each, "regressor_", each) for each in models]
    reached = min(each.n_iter_ for each in boosting)
    curve = np.mean([each.validation_score_[1 : reached + 1] for each in boosting], axis=0)
    return int(curve.argmax()) + 1


def staged(model: Any, rounds: int, params: Params) -> Callable[[Matrix], Any]:
    """What the model predicted after so many rounds."""

    def predict(inputs: Matrix) -> Any:
        stages = model.staged_predict(inputs) if params.is_number else model.staged_predict_proba(inputs)
        found = next(islice(stages, rounds - 1, None))
        return found[:, 1] if params.problem == "classification" else found

    return predict
