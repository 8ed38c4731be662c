"""Candidates on the same folds: their predictions of rows held out, their losses, and what they cost."""

import math
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from ..config import Params
from ..metrics.definitions import Vector
from ..scoring import artifact
from ..scoring.texts import NONE, Encoders
from ..tables.chunks import Rows, column, height
from . import estimator, stopping
from .bases import Base
from .candidates import ABSOLUTE, SQUARED, WIDE, Candidate, metric_of
from .cross_validation import FOLDS, Folds
from .rolling_origin import Part

MAX_ROWS, MAX_CELLS, MIN_ROWS = 20_000, 600_000, 2_000
"""Of the sample that candidates are compared on; wider tables have fewer rows, down to the least."""
MANY_ROWS, FEW_FOLDS = 3_000, (3, 2)
"""From so many rows on fewer folds are precise enough."""
LEAST_PROBABILITY = 1e-7
FAR = 1_000  # times the loss of a constant


@dataclass(frozen=True)
class Evaluated:
    """A candidate with its predictions of the rows held out, by models that have not learned from them."""

    candidate: Candidate
    predicted: NDArray[np.float64]
    losses: Vector
    """Of each row: of classifiers the log loss, of regressions the squared or, by metric, the absolute error."""
    fit_seconds: float = 0
    predict_ms: float = 0  # of a row, in a batch
    size_mb: float = 0

    @property
    def loss(self) -> float:
        """The mean."""
        return float(self.losses.mean())

    def figure(self, metric: str) -> float:
        """The mean in the metric's unit."""
        return math.sqrt(self.loss) if metric in SQUARED else self.loss


class Comparison:
    """Evaluates candidates on the same folds; of forecasts see `ForecastComparison`."""

    base: Base | None

    def __init__(self, train: Rows, params: Params, schema: pl.Schema, encoders: Encoders = NONE) -> None:
        most = min(height(train), MAX_ROWS, max(MIN_ROWS, MAX_CELLS // len(schema)))
        folds = FEW_FOLDS if most >= MANY_ROWS or len(schema) > WIDE else FOLDS
        self.folds = Folds(train, params, schema, most, folds, encoders)
        self.params, self.schema = params, schema
        self.metric, self.base = metric_of(params), None
        self.inputs, self.parts = self.folds.inputs, self.folds.parts
        self.rows = np.concatenate([np.flatnonzero(part) for part in self.folds.held_out])
        self.target = self.folds.target[self.rows]
        self.lowest = _lowest(train, params)
        self.ids = None if self.folds.ids is None else self.folds.ids[self.rows]

    def evaluate(self, candidate: Candidate) -> Evaluated:
        """The candidate with its predictions; boosting also with the number of rounds.

        Raises ValueError where it cannot be fitted to these rows, or predicts what is far from all of them.
        """
        candidate = replace(candidate, base=self.base)
        goal = self._goal(candidate.logarithmic)
        fit = self._fit_boosting if candidate.families == ("boosting",) else self._fit
        start = time.process_time()
        fitted = [fit(candidate, part, goal) for part in self.parts]
        seconds = (time.process_time() - start) / len(fitted)
        predictors: list[Callable[[Any], Any]] = [artifact.predictor(each, self.folds.classes) for each in fitted]
        parts, taken = self._predictions(predictors)
        share = 1.0
        if candidate.families == ("boosting",):
            rounds = stopping.best_rounds(fitted)
            candidate = candidate.with_parameters(max_iter=rounds)
            share = rounds / float(np.mean([each.n_iter_ for each in fitted]))
            parts, _ = self._predictions(
                [stopping.staged(each, rounds, self.params) for each in fitted]
            )  # takes longer than to predict
        size = len(pickle.dumps(fitted[-1])) * share / 1e6  # as a measure alone: nothing reads it
        judged = self._judged(candidate, parts)
        if not judged.loss <= FAR * self._loss_of_constant():
            raise ValueError("its predictions are far from all values of the target")
        return replace(judged, fit_seconds=seconds, predict_ms=taken * share, size_mb=size)

    def blend(self, members: list[Evaluated], weights: list[int]) -> Evaluated:
        """The weighted mean of what the members predict, on the scale that they learn."""
        logarithmic = members[0].candidate.logarithmic
        parameters = {name: value for each in members for name, value in each.candidate.parameters.items()}
        names = tuple(each.candidate.family for each in members)
        candidate = Candidate(names, {"weights": weights} | parameters, logarithmic, self.base)
        mean = np.average([each.predicted for each in members], axis=0, weights=weights)
        blended = self._judged(candidate, mean)
        costs = {
            name: sum(getattr(each, name) for each in members) for name in ("fit_seconds", "predict_ms", "size_mb")
        }
        return replace(blended, **costs)

    def _predictions(self, predictors: list[Callable[[Any], Any]]) -> tuple[NDArray[np.float64], float]:
        """Of the rows held out, and the milliseconds that one of them took."""
        start = time.process_time()
        parts = [f(self.inputs[part]) for f, part in zip(predictors, self.folds.held_out, strict=True)]
        return np.concatenate(parts), (time.process_time() - start) / len(self.rows) * 1000

    def _goal(self, logarithmic: bool) -> Vector:
        """What is learned of all rows."""
        return np.asarray(np.log1p(self.folds.target) if logarithmic else self.folds.target)

    def _errors(self, predicted: NDArray[np.float64], logarithmic: bool) -> Vector:
        """Of the rows held out, in the metric's unit."""
        return np.asarray(self.target - (np.expm1(predicted) if logarithmic else predicted))

    def _loss_of_constant(self) -> float:
        """Of the mean for all rows; a probability's loss has a limit of its own."""
        if not self.params.is_number:
            return math.inf
        return float(self._losses(np.full(len(self.target), self.target.mean()), False).mean())

    def _judged(self, candidate: Candidate, predicted: NDArray[np.float64]) -> Evaluated:
        return Evaluated(candidate, predicted, self._losses(predicted, candidate.logarithmic))

    def _losses(self, predicted: NDArray[np.float64], logarithmic: bool) -> Vector:
        losses: Vector
        if self.params.is_number:
            with np.errstate(over="ignore"):  # such a candidate is left out
                errors = self._errors(predicted, logarithmic)
                losses = np.abs(errors) if self.metric in ABSOLUTE else errors**2
            return losses
        if self.params.problem == "classification":
            predicted = np.column_stack([1 - predicted, predicted])
        right = predicted[np.arange(len(self.target)), self.target.astype(int)]
        losses = -np.log(np.clip(right, LEAST_PROBABILITY, 1))
        return losses

    def _fit(self, candidate: Candidate, part: Part, goal: Vector) -> BaseEstimator:
        return estimator.fitted(self._made(candidate), self.inputs[part.fit], goal[part.fit])

    def _fit_boosting(self, candidate: Candidate, part: Part, goal: Vector) -> BaseEstimator:
        """Until the rows held out are no longer predicted better."""
        return stopping.fitted(self._made(candidate), self.inputs, goal, part)

    def _made(self, candidate: Candidate) -> BaseEstimator:
        made = candidate.estimator(self.params.problem, self.schema)
        estimator.by_position(made, self.schema.names())
        return made


def _lowest(train: Rows, params: Params) -> float:
    """The lowest value of the target in all rows to train on, of which those that are compared are a sample."""
    return float(column(train, params.data.target).min()) if params.is_number else 0.0  # type: ignore[arg-type]
