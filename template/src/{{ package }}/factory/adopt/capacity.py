"""How much the first model may learn: small trees, unless larger ones tell unseen rows clearly better."""

from typing import Any

import numpy as np
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from ... import model as yours
from .. import artifact, metrics
from .leaks import numbers
from .profile import TEMPORAL, Column
from .question import Question

CAUTIOUS = {"max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 8, "l2_regularization": 1.0, "random_state": 0}
CAPABLE = {"max_iter": 300, "learning_rate": 0.05, "max_leaf_nodes": 31, "l2_regularization": 1.0, "random_state": 0}
LARGE = {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 31, "l2_regularization": 1.0, "random_state": 0}
"""Of many rows; `factory tune` searches further."""

MANY = 20_000
ROWS, CELLS, LEAST = 6_000, 200_000, 30
"""Rows and cells that are tried on at most, and rows at least."""
CLEARLY = 0.95  # of the loss


def parameters(columns: list[Column], question: Question) -> dict[str, Any]:
    """The section `model` of params.yaml for these features."""
    able = LARGE if question.rows >= MANY else CAPABLE
    if question.problem == "multiclass":  # which has trees for each class
        return LARGE if question.rows >= MANY else CAUTIOUS
    tried = [column for column in columns if column.kind not in TEMPORAL]
    try:
        with threadpool_limits(1):  # small fits would wait for each other
            clearly = bool(tried) and _loss(able, tried, question) < CLEARLY * _loss(CAUTIOUS, tried, question)
    except ValueError:  # of a model.py of the project's own: the pipeline says what it cannot take
        return CAUTIOUS
    return able if clearly else CAUTIOUS


def _loss(chosen: dict[str, Any], columns: list[Column], question: Question) -> float:
    """Of rows of the sample that it has not learned from, by threefold cross-validation."""
    target = numbers(question.target)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(~np.isnan(target)))
    rows = rows[: max(LEAST, min(ROWS, CELLS // len(columns)))]
    features, truth = np.column_stack([numbers(column)[rows] for column in columns]), target[rows]
    if question.problem == "classification":
        truth = (truth == truth.max()).astype(np.float64)
    metric = metrics.METRICS[question.problem]["rmse" if question.problem == "regression" else "log_loss"]
    texts = [place for place, column in enumerate(columns) if column.kind == "String"]
    losses = []
    for learned, seen in KFold(3).split(rows):
        if np.ptp(truth[learned]) == 0 or np.ptp(truth[seen]) == 0:
            continue  # too rare to be told
        estimator = yours.model(question.problem, texts, **chosen).fit(features[learned], truth[learned])
        losses.append(metric(truth[seen], artifact.predictor(estimator)(features[seen])))
    return float(np.mean(losses)) if losses else 0.0
