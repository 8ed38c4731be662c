"""Target leakage: a feature that alone predicts the target is hardly known at prediction time."""

import numpy as np
import polars as pl
from sklearn.metrics import r2_score
from sklearn.tree import DecisionTreeRegressor

from ..config import NUMBERS, Params
from ..errors import FactoryError, Refused
from ..metrics.definitions import Vector, multiclass_roc_auc, roc_auc_by_ranks, target_of
from ..scoring.feature_table import features
from ..scoring.scorer import matrix
from ..scoring.texts import NONE, Encoders
from ..tables.chunks import Matrix, Rows, collect, sample
from . import forecast_leakage

LEAKAGE_THRESHOLD = 0.999
MAX_ROWS = 20_000
MAX_CELLS = 4_000_000  # wide tables have fewer rows
MIN_OF_RARER_CLASS = 5  # a column may rank fewer first by chance


def check_leakage(train: Rows, params: Params, encoders: Encoders = NONE) -> None:
    """Refuse a feature that alone predicts the target, unless a person has accepted it."""
    if params.forecast:
        _check_forecast(collect(train), params)
        return
    max_rows = max(MAX_CELLS // encoders(features(collect(train.head(0)))).width, MAX_ROWS // 10)
    rows = sample(train, min(MAX_ROWS, max_rows))
    if params.data.id and params.data.repeats:
        rows = rows.sort(params.data.id, maintain_order=True)  # what predicts an id need not predict the target
    table, target = encoders(features(rows)), target_of(rows, params)
    for name, column in zip(table.columns, matrix(table).T, strict=True):
        accepted = (key := f"LEAKAGE {name}") in params.gate.accepted
        if not accepted and predictive_power(column, target, params.problem) > LEAKAGE_THRESHOLD:
            raise FactoryError(
                f"features.py: {name} alone predicts {params.data.target} (target leakage?): remove it if it is unknown at "
                f"prediction time; or state why it is right, in params.yaml under gate.accepted: `{key}: why`"
            )


def _check_forecast(rows: pl.DataFrame, params: Params) -> None:
    """Refuse what goes with the target of a forecast as nothing does that is known at the origin."""
    for leak in forecast_leakage.find(rows, features(rows), params):
        if (key := f"LEAKAGE {leak.subject}") not in params.gate.accepted:
            raise Refused(
                "LEAKAGE",
                f"features.py: {leak.subject}: {leak.evidence} If not, remove it; or state why it is right, in params.yaml "
                f"under gate.accepted: `{key}: why`",
            )


def predictive_power(values: Vector | Matrix, target: Vector, problem: str) -> float:
    """How well a column of numbers alone predicts the target: ROC AUC or R² of a small tree, at best 1.

    The tree learns from the first half of the rows and is measured on the second; NaN is unknown.
    """
    column, half = np.nan_to_num(values, nan=-1e30).reshape(-1, 1), len(target) // 2
    learned, truth = target[:half], target[half:]
    if np.ptp(truth) == 0 or (problem == "classification" and _rows_of_rarer_class(truth) < MIN_OF_RARER_CLASS):
        return 0.0
    if problem == "multiclass":
        learned = np.eye(int(target.max()) + 1)[learned.astype(int)]
    tree = DecisionTreeRegressor(max_leaf_nodes=255, random_state=0).fit(column[:half], learned)
    score = tree.predict(column[half:])
    if problem in NUMBERS:
        return float(r2_score(truth, score))
    return multiclass_roc_auc(truth, score) if problem == "multiclass" else roc_auc_by_ranks(truth > 0, score)


def _rows_of_rarer_class(target: Vector) -> float:
    return float(min(target.sum(), len(target) - target.sum()))
