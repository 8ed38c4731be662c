"""Validation: every metric on training rows that the model has not learned from, to choose models by."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..config import Params
from ..data import split
from ..errors import FactoryError
from ..metrics import bootstrap
from ..metrics.bootstrap import Interval
from ..metrics.definitions import METRICS, Metric, Vector, classes_of, ids_of, target_of
from ..scoring import artifact
from ..scoring.scorer import feature_matrix
from ..tables.chunks import Rows, collect, height, sample
from . import estimator

MAX_ROWS = 200_000
FOLDS = (5, 3, 2)  # as many as leave every fold two values of the target
MAX_CELLS_OF_FOLDS = 1_000_000  # for larger tables one part is precise enough, and several fits take long
SALT = "validation:"


class TooFewRows(FactoryError):
    """The training rows cannot be divided into parts that can be learned from and measured."""


@dataclass(frozen=True)
class Validation:
    """Every metric of the problem on the rows held out, and their targets and scores.

    The interval is the bootstrap's 95% for one part. For several it is from the lowest to the highest fold, which for
    five is about as wide as the t distribution's 95% interval of their mean.
    """

    metrics: dict[str, Interval]
    folds: int
    target: Vector
    score: Vector

    def facts(self) -> dict[str, Any]:
        """What the manifest holds of it."""
        metrics = {name: asdict(interval) for name, interval in self.metrics.items()}
        return {"folds": self.folds, "rows": len(self.target), "metrics": metrics}


class Folds:
    """Training rows, and the parts of them that are held out in turn.

    If the split is by time, the newest rows are the only part. Otherwise a hash chooses, as it does for the test rows,
    so that rows of one id stay together: several parts, or one if the table is large. Raises TooFewRows.
    """

    def __init__(
        self, train: Rows, params: Params, schema: pl.Schema, most: int = MAX_ROWS, counts: tuple[int, ...] = FOLDS
    ) -> None:
        rows = sample(train, most) if height(train) > most else collect(train)
        self.schema, self.classes = schema, len(classes_of(rows, params) or [])
        self.inputs, self.target = feature_matrix(rows), target_of(rows, params)
        self.ids, self.held_out = ids_of(rows, params), self._parts(rows, params, counts)

    def scores(self, params: Params) -> Iterator[tuple[Vector, Vector]]:
        """Target and score of the rows of each part, by a model of the other rows."""
        for part in self.held_out:
            fitted = estimator.fit(self.inputs[~part], self.target[~part], params, self.schema)
            yield self.target[part], artifact.predictor(fitted, self.classes)(self.inputs[part])

    def _parts(self, rows: pl.DataFrame, params: Params, counts: tuple[int, ...]) -> list[NDArray[np.bool_]]:
        one = split.is_test_row(rows, params, SALT).to_numpy()
        choices = [[one]]
        if not split.is_by_time(params.data) and self.inputs.size <= MAX_CELLS_OF_FOLDS:
            folds = {count: split.folds(rows, params, count, SALT).to_numpy() for count in counts}
            choices = [[fold == i for i in range(count)] for count, fold in folds.items()] + choices
        for parts in choices:
            if all(self._can_learn(~part) and self._can_measure(part) for part in parts):
                return parts
        raise TooFewRows(
            f"cannot validate on {rows.height:,} training rows: a part of them has only one value of {params.data.target}, "
            "or lacks a class: add more data"
        )

    def _can_learn(self, part: NDArray[np.bool_]) -> bool:
        return len(np.unique(self.target[part])) >= (self.classes or 2)

    def _can_measure(self, part: NDArray[np.bool_]) -> bool:
        return len(np.unique(self.target[part])) > 1


def validate(folds: Folds, params: Params) -> Validation:
    """Every metric of the problem, on rows that the model has not learned from."""
    parts = list(folds.scores(params))
    target, score = (np.concatenate(values) for values in zip(*parts, strict=True))
    defined = METRICS[params.problem] if np.isfinite(score).all() else {}  # NaN has no metric, and fails the gate
    ids = None if folds.ids is None else folds.ids[folds.held_out[0]]
    metrics = {name: _interval(metric, parts, ids) for name, metric in defined.items()}
    return Validation(metrics, len(parts), target, score)


def _interval(metric: Metric, parts: list[tuple[Vector, Vector]], ids: bootstrap.Ids) -> Interval:
    if len(parts) == 1:
        return bootstrap.interval(metric, *parts[0], ids)
    values = [float(metric(target, score)) for target, score in parts]
    return Interval(float(np.mean(values)), min(values), max(values))
