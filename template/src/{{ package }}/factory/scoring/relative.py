"""An estimator of what a simple forecast misses, in units of how much the series varies: so series of any size are alike."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone

from ..tables.chunks import Matrix

FAR = np.float32(10)
"""Times the scale, beyond which distances count as that: the scale of a short history may be very small."""
Column = Any
"""The name of a feature, or its position in the matrix that the estimator is fitted to."""


def learnable(scale: NDArray[Any]) -> NDArray[np.bool_]:
    """The rows with a scale, or all if there is none."""
    known: NDArray[np.bool_] = scale > 0
    return known if known.any() else ~known


def missed(target: NDArray[np.float64], base: NDArray[Any], scale: NDArray[Any]) -> NDArray[np.float64]:
    """By how many scales the target is above the base: what is learned; 0 without a scale."""
    distance = target - base
    scales: NDArray[np.float64] = np.divide(distance, scale, out=np.zeros_like(distance), where=scale > 0)
    return scales.clip(-FAR, FAR)


class Relative(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Answers base + scale · what `regressor` has learned of (target - base) / scale.

    `base` names the columns of simple forecasts, of which the first counts that is known, and `scale` the one of the series'
    scale. The regressor sees the columns in `levels` as it sees the target, and in place of the scale how far zero is.

    Without a scale, as of a series that has never changed, the answer is the base; without either, as of a new series, the
    base is the mean of all targets, and the scale the median of all. No answer is below `least`.
    """

    def __init__(
        self,
        regressor: Any,
        base: list[Column],
        scale: Column,
        levels: list[Column] | None = None,
        least: float | None = None,
    ) -> None:
        self.regressor, self.base, self.scale, self.levels, self.least = regressor, base, scale, levels, least

    def fit(self, inputs: Matrix, target: NDArray[np.float64], X_val: Any = None, y_val: Any = None) -> Self:
        """Learn from the rows whose scale is known; of none, that the base is right.

        `X_val` and `y_val` are rows by which the regressor stops early.
        """
        self.learn_fallback(inputs, target)
        relative, base, scale = self.transform(inputs)
        known = learnable(scale)
        learned = relative[known]
        learned[:, np.isnan(learned).all(axis=0)] = 0  # which boosting would fail on
        held_out = {} if X_val is None else self._held_out(X_val, y_val)
        self.regressor_ = clone(self.regressor).fit(learned, missed(target, base, scale)[known], **held_out)
        return self

    def _held_out(self, inputs: Matrix, target: NDArray[np.float64]) -> dict[str, Any]:
        relative, base, scale = self.transform(inputs)
        known = learnable(scale)
        return {"X_val": relative[known], "y_val": missed(target, base, scale)[known]}

    def learn_fallback(self, inputs: Matrix, target: NDArray[np.float64]) -> None:
        """What base and scale are of a series that has none."""
        scales = inputs[:, self.scale]
        self.n_features_in_ = inputs.shape[1]
        self.level_ = float(np.float32(np.mean(target)))
        self.spread_ = float(np.median(scales[scales > 0])) if (scales > 0).any() else 0.0

    def transform(self, inputs: Matrix) -> tuple[Matrix, Matrix, Matrix]:
        """The features as the regressor sees them, and base and scale of each row; a scale of 0 is unknown."""
        base, scale = np.full(len(inputs), np.nan, np.float32), inputs[:, self.scale]
        for column in self.base:
            base = np.where(np.isnan(base), inputs[:, column], base)
        is_new = np.isnan(base)
        base = np.where(is_new, np.float32(self.level_), base)
        scale = np.where(is_new, np.float32(self.spread_), np.where(scale > 0, scale, np.float32(0)))
        relative, columns = inputs.copy(), [*(self.levels or []), self.scale]
        relative[:, self.scale] = 0
        unit = np.where(scale > 0, scale, np.float32(np.nan))
        relative[:, columns] = ((relative[:, columns] - base[:, None]) / unit[:, None]).clip(-FAR, FAR)
        return relative, base, scale

    def predict(self, inputs: Matrix) -> NDArray[np.float64]:
        """The forecast of each row."""
        relative, base, scale = self.transform(np.asarray(inputs, np.float32))
        return self._answer(base, scale, self.regressor_.predict(relative))

    def staged_predict(self, inputs: Matrix) -> Iterator[NDArray[np.float64]]:
        """The forecasts after each round of boosting."""
        relative, base, scale = self.transform(np.asarray(inputs, np.float32))
        for missed in self.regressor_.staged_predict(relative):
            yield self._answer(base, scale, missed)

    def _answer(self, base: Matrix, scale: Matrix, missed: Any) -> NDArray[np.float64]:
        answer = np.asarray(base + scale * missed, np.float64)
        return answer if self.least is None else answer.clip(self.least)
