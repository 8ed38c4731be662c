"""How the model works on the test rows: metrics, slices, curves, and which features it relies on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ...features import features
from ..config import Params
from ..metrics import bootstrap, definitions, fairness, threshold
from ..metrics.bootstrap import Estimate
from ..metrics.curves import CURVES
from ..metrics.definitions import Vector, main_metric
from ..scoring import artifact
from ..scoring.scorer import Scorer, matrix
from ..tables.chunks import Matrix, Rows

SLICE_ROWS = 30
REFERENCE_SCORES = 100  # by which a deployed model is recognised
IMPORTANCE_ROWS = 2_000
IMPORTANCE_CELLS = 1_000_000  # of wide tables fewer rows
IMPORTANCE_REPEATS = 3


@dataclass(frozen=True)
class Assessment:
    """A model's scores of the test rows, and all that the reports show of them."""

    params: Params
    manifest: dict[str, Any]
    train: Rows
    test: pl.DataFrame
    target: Vector
    score: Vector
    estimates: dict[str, Estimate]
    confusion: dict[str, Any] | None
    slices: pl.DataFrame
    importance: pl.DataFrame
    curves: dict[str, pl.DataFrame]


def assess(model: artifact.Artifact, train: Rows, test: pl.DataFrame, params: Params) -> Assessment:
    """Everything that the reports show. Raises FactoryError where the main metric is unknown."""
    main_metric(params)
    target, score = definitions.target_of(test, params), Scorer(model).predict_with_ids(test)[1]
    return Assessment(
        params=params,
        manifest=model.manifest,
        train=train,
        test=test,
        target=target,
        score=score,
        estimates=bootstrap.estimates(params.problem, target, score, model.manifest["baseline"]),
        confusion=confusion(target, score, model.manifest),
        slices=slices(test, target, score, params),
        importance=importance(model, test, target, params),
        curves=CURVES[params.problem](target, score),
    )


def confusion(target: Vector, score: Vector, manifest: dict[str, Any]) -> dict[str, Any] | None:
    """How often each outcome of a decision occurred; of classes, by true class how often each was decided."""
    if classes := manifest.get("classes"):
        rows = definitions.confusion_matrix(target, score).tolist()
        return {name: dict(zip(classes, row, strict=True)) for name, row in zip(classes, rows, strict=True)}
    limit = manifest["threshold"]
    return None if limit is None else threshold.confusion_counts(target, score >= limit)


def slices(test: pl.DataFrame, target: Vector, score: Vector, params: Params) -> pl.DataFrame:
    """The main metric and the mean target and score in each large enough group of the slice columns.

    Of several classes the means are of whether the decision is right and of its probability.
    """
    outcome, confidence = definitions.top_class(target, score)
    metric = main_metric(params)
    groups = []
    for column in params.group_columns:
        for value, rows in fairness.groups(test, column):
            if rows.sum() >= SLICE_ROWS and np.ptp(target[rows]) > 0:
                groups.append(
                    {
                        "column": column,
                        "value": str(value),
                        "rows": int(rows.sum()),
                        metric.name: float(metric(target[rows], score[rows])),
                        "mean_target": float(outcome[rows].mean()),
                        "mean_score": float(confidence[rows].mean()),
                    }
                )
    return pl.DataFrame(groups)


def importance(model: artifact.Artifact, test: pl.DataFrame, target: Vector, params: Params) -> pl.DataFrame:
    """By how much the main metric worsens when a feature is shuffled (Breiman 2001), largest first."""
    metric, generator = main_metric(params), np.random.default_rng(0)
    max_rows = max(IMPORTANCE_CELLS // len(model.manifest["features"]), IMPORTANCE_ROWS // 10)
    rows = np.sort(generator.permutation(test.height)[: min(IMPORTANCE_ROWS, max_rows)])
    table = features(test[rows])
    values, target = matrix(table), target[rows]

    def quality(features: Matrix) -> float:
        return float(metric.direction * metric(target, model.predict(features)))

    def loss(column: int) -> float:
        shuffled = values.copy()
        drops = []
        for _ in range(IMPORTANCE_REPEATS):
            shuffled[:, column] = generator.permutation(values[:, column])
            drops.append(intact - quality(shuffled))
        return float(np.mean(drops))

    intact = quality(values)
    losses = [loss(column) for column in range(values.shape[1])]
    return pl.DataFrame({"feature": table.columns, "loss": losses}).sort("loss", descending=True)
