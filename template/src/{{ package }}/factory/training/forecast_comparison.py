"""Candidates for a forecast, compared by what they learn relative to a simple one."""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..config import Params
from ..metrics.definitions import Vector
from ..scoring.relative import FAR, learnable, missed
from ..scoring.texts import NONE, Encoders
from ..tables.chunks import Rows
from . import bases
from .candidates import ABSOLUTE
from .comparison import Comparison

MOST = 2 * float(FAR)  # that an error counts in scales, as the few of series that have just begun would decide


class ForecastComparison(Comparison):
    """Evaluates candidates that learn what the base misses, in units of the scale; without a base, the target as it is."""

    def __init__(self, train: Rows, params: Params, schema: pl.Schema, encoders: Encoders = NONE) -> None:
        super().__init__(train, params, schema, encoders)
        self._target = np.asarray(self.folds.target)
        self._answer, self._scale = np.zeros_like(self._target), np.ones_like(self._target)
        self.base = bases.chosen(self.inputs, self._target, schema, params.data.target)
        if self.base:
            relative = self.base.relative(None, schema)
            relative.learn_fallback(self.inputs, self._target)
            self.inputs, *found = relative.transform(self.inputs)
            self._answer, self._scale = (each.astype(np.float64) for each in found)
        known = learnable(self._scale)
        self.parts = [replace(part, fit=part.fit & known) for part in self.parts]
        self._unit = self._unit_of_metric()

    def _goal(self, logarithmic: bool) -> Vector:
        return missed(self._target, self._answer, self._scale) if self.base else self._target

    def _errors(self, predicted: NDArray[np.float64], logarithmic: bool) -> Vector:
        answer = self._answer[self.rows] + self._scale[self.rows] * predicted
        if self.base and self.base.least is not None:
            answer = answer.clip(self.base.least)
        errors: Vector = (self._target[self.rows] - answer) / self._unit
        return errors.clip(-MOST, MOST) if self.metric in ("mase", "rmsse") else errors

    def _loss_of_constant(self) -> float:
        """Of the mean of the target, also where candidates learn something else."""
        errors = (self._target[self.rows] - self._target.mean()) / self._unit
        return float((np.abs(errors) if self.metric in ABSOLUTE else errors**2).mean())

    def _unit_of_metric(self) -> Vector:
        """Of each row held out, the scale that its error is divided by."""
        scale = getattr(self.folds.target, "scale", None)
        if scale is None or self.metric in ("mae", "rmse"):
            return np.ones(len(self.rows))
        return np.asarray(scale[self.rows])
