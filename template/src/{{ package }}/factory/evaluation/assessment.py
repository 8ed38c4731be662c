"""How the model does on the test rows: metrics, slices, curves, and which features it relies on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ..config import Params
from ..errors import FactoryError
from ..metrics import bootstrap, curves, definitions
from ..metrics.bootstrap import Estimate
from ..metrics.definitions import Vector, main_metric, metrics_of
from ..scoring import artifact, interval
from ..scoring.feature_table import features
from ..scoring.scorer import Scorer, matrix
from ..tables.chunks import Matrix, Rows, sample
from . import forecast_errors
from .confusion import classification_report, confusion
from .slices import slices

TRAIN_ROWS = 5_000  # of which a sample shows whether the model overfits
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
    train_figures: dict[str, float]
    interval: dict[str, float] | None
    confusion: dict[str, Any] | None
    classification_report: dict[str, Any] | None
    slices: pl.DataFrame
    importance: pl.DataFrame
    forecast: forecast_errors.ForecastErrors | None
    curves: dict[str, pl.DataFrame]

    @property
    def figures(self) -> dict[str, Any]:
        """Those by which decisions are judged, as in reports/evaluation.json."""
        report = self.classification_report
        return {"test_rows": self.test.height, "confusion": self.confusion, "classification_report": report}


def assess(model: artifact.Artifact, train: Rows, test: pl.DataFrame, params: Params) -> Assessment:
    """Everything that the reports show. Raises FactoryError where the main metric is unknown, or the target constant."""
    main_metric(params)
    target = definitions.target_of(test, params)
    if np.ptp(target) == 0:
        raise FactoryError(
            f"test: all {test.height:,} rows have the same {params.data.target}, by which no model can be judged: "
            "deliver more rows, or raise split.test in params.yaml"
        )
    score = Scorer(model).predict_with_ids(test)[1]
    facts, decides = model.manifest, not params.is_number
    trivial = definitions.trivial_scores(test, params, facts["baseline"])
    return Assessment(
        params=params,
        manifest=facts,
        train=train,
        test=test,
        target=target,
        score=score,
        estimates=bootstrap.estimates(metrics_of(params), target, score, trivial, definitions.ids_of(test, params)),
        train_figures=train_figures(model, train, params),
        interval=interval_figures(target, score, facts.get("interval"), test),
        confusion=confusion(target, score, facts, test),
        classification_report=classification_report(target, score, facts, test) if decides else None,
        slices=slices(test, target, score, trivial, params),
        importance=importance(model, test, target, params),
        forecast=forecast_errors.measure(test, target, score, trivial, params, facts.get("interval")),
        curves=curves.CURVES[params.problem](target, score) | curves.of_decisions(target, score, params),
    )


def interval_figures(
    target: Vector, score: Vector, known: dict[str, Any] | None, test: pl.DataFrame
) -> dict[str, float] | None:
    """Of a regression's intervals what they promise, the share of the targets in them, and their median width."""
    if known is None:
        return None
    low, high = interval.bounds(score, known, test)
    covered = float(((low <= target) & (target <= high)).mean())
    return {"level": known["level"], "coverage": covered, "width": float(np.median(high - low))}


def train_figures(model: artifact.Artifact, train: Rows, params: Params) -> dict[str, float]:
    """Every metric on a sample of the training rows; none where the sample has a single value of the target."""
    rows = sample(train, TRAIN_ROWS)
    target, score = definitions.target_of(rows, params), model.predict(matrix(model.texts(features(rows))))
    metrics = metrics_of(params) if np.ptp(target) > 0 else {}
    return {name: float(metric(target, score)) for name, metric in metrics.items()}


def importance(model: artifact.Artifact, test: pl.DataFrame, target: Vector, params: Params) -> pl.DataFrame:
    """By how much the main metric worsens when a feature is shuffled (Breiman 2001), largest first."""
    metric, generator = main_metric(params), np.random.default_rng(0)
    owners = model.texts.owners([*model.manifest["features"]])
    max_rows = max(IMPORTANCE_CELLS // len(owners), IMPORTANCE_ROWS // 10)
    rows = np.sort(generator.permutation(test.height)[: min(IMPORTANCE_ROWS, max_rows)])
    table = features(test[rows])
    values, target = matrix(model.texts(table)), target[rows]

    def quality(features: Matrix) -> float:
        return float(metric.direction * metric(target, model.predict(features)))

    def loss(column: int) -> float:
        shuffled, drops = values.copy(), []
        owned = np.flatnonzero(owners == column)
        for _ in range(IMPORTANCE_REPEATS):
            shuffled[:, owned] = values[np.ix_(generator.permutation(len(values)), owned)]
            drops.append(intact - quality(shuffled))
        return float(np.mean(drops))

    intact = quality(values)
    losses = [loss(column) for column in range(table.width)]
    return pl.DataFrame({"feature": table.columns, "loss": losses}).sort("loss", descending=True)
