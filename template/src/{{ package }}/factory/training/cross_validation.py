"""Validation: every metric on training rows that the model has not learned from, to choose models by."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from ..config import Params
from ..data import split
from ..errors import FactoryError
from ..metrics import bootstrap
from ..metrics.bootstrap import Interval
from ..metrics.definitions import Metric, Vector, classes_of, ids_of, metrics_of, target_of
from ..scoring import artifact
from ..scoring.interval import PART
from ..scoring.scorer import feature_matrix
from ..scoring.texts import NONE, Encoders
from ..tables.chunks import Rows, collect, height, sample
from . import estimator, rolling_origin
from .rolling_origin import Mask, Part

MAX_ROWS = 200_000
FOLDS = (5, 3, 2)  # as many as leave every fold two values of the target
MAX_CELLS_OF_FOLDS = 1_000_000  # for larger tables one part is precise enough, and several fits take long
FEWER_ORIGINS = (3, 2)  # of larger tables of forecasts, whose seasons one part does not show
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
    rows: pl.DataFrame | None
    """Of a forecast, step and scale of each; of decisions by group, their group; and the number of the part."""

    def facts(self) -> dict[str, Any]:
        """What the manifest holds of it."""
        metrics = {name: asdict(interval) for name, interval in self.metrics.items()}
        return {"folds": self.folds, "rows": len(self.target), "metrics": metrics}


class Folds:
    """Training rows, and the parts of them that are held out in turn.

    If the split is by time, the newest rows are the only part. Otherwise a hash chooses, as it does for the test rows,
    so that rows of one id stay together: several parts, or one if the table is large. Of forecasts, see `rolling_origin`.
    Raises TooFewRows.
    """

    def __init__(
        self,
        train: Rows,
        params: Params,
        schema: pl.Schema,
        most: int = MAX_ROWS,
        counts: tuple[int, ...] = FOLDS,
        encoders: Encoders = NONE,
    ) -> None:
        rows = sample(train, most) if height(train) > most else collect(train)
        self.schema, self.classes = schema, len(classes_of(rows, params) or [])
        self.inputs, self.target = feature_matrix(rows, encoders), target_of(rows, params)
        by = [params.decision.by] if params.decision and params.decision.by else []
        needed = ["step", "scale"] if params.forecast else by
        self.needed = rows.select(needed) if needed else None
        self.ids, self.parts = ids_of(rows, params), self._parts(rows, params, counts)

    @property
    def held_out(self) -> list[Mask]:
        """Which rows each part measures."""
        return [part.held_out for part in self.parts]

    def scores(self, params: Params) -> Iterator[tuple[Vector, Vector]]:
        """Target and score of the rows of each part, by a model of others."""
        for part in self.parts:
            fitted = estimator.fit(self.inputs[part.fit], self.target[part.fit], params, self.schema)
            yield self.target[part.held_out], artifact.predictor(fitted, self.classes)(self.inputs[part.held_out])

    def _parts(self, rows: pl.DataFrame, params: Params, counts: tuple[int, ...]) -> list[Part]:
        for parts in self._choices(rows, params, counts):
            if all(self._can_learn(part.fit) and self._can_measure(part.held_out) for part in parts):
                return parts
        raise TooFewRows(
            f"cannot validate on {rows.height:,} training rows: a part of them has only one value of {params.data.target}, "
            "or lacks a class: add more data"
        )

    def _choices(self, rows: pl.DataFrame, params: Params, counts: tuple[int, ...]) -> Iterator[list[Part]]:
        is_small = self.inputs.size <= MAX_CELLS_OF_FOLDS
        if params.forecast:
            counts = counts if is_small else FEWER_ORIGINS
            choices = [rolling_origin.parts(rows, params, count) for count in (*counts, 1)]
            yield from (parts for parts in choices if all(part.is_sound for part in parts))
            yield choices[-1]
            return
        if not split.is_by_time(params.data) and is_small:
            for count in counts:
                fold = split.folds(rows, params, count, SALT).to_numpy()
                yield [Part(fold != i, fold == i) for i in range(count)]
        one = split.is_test_row(rows, params, SALT).to_numpy()
        yield [Part(~one, one)]

    def _can_learn(self, part: Mask) -> bool:
        return len(np.unique(self.target[part])) >= (self.classes or 2)

    def _can_measure(self, part: Mask) -> bool:
        return len(np.unique(self.target[part])) > 1


def validate(folds: Folds, params: Params) -> Validation:
    """Every metric of the problem, on rows that the model has not learned from."""
    parts = list(folds.scores(params))
    target, score = (np.concatenate(values) for values in zip(*parts, strict=True))
    defined = metrics_of(params) if np.isfinite(score).all() else {}  # NaN has no metric, and fails the gate
    ids = None if folds.ids is None else folds.ids[folds.held_out[0]]
    metrics = {name: _interval(metric, parts, ids) for name, metric in defined.items()}
    needed = None if folds.needed is None else pl.concat(_parts(folds.needed, folds.held_out))
    return Validation(metrics, len(parts), target, score, needed)


def _parts(rows: pl.DataFrame, held_out: list[Mask]) -> Iterator[pl.DataFrame]:
    for number, part in enumerate(held_out):
        yield rows.filter(pl.Series(part)).with_columns(pl.lit(number).alias(PART))


def _interval(metric: Metric, parts: list[tuple[Vector, Vector]], ids: bootstrap.Ids) -> Interval:
    if len(parts) == 1:
        return bootstrap.interval(metric, *parts[0], ids)
    values = [float(metric(target, score)) for target, score in parts]
    return Interval(float(np.mean(values)), min(values), max(values))
