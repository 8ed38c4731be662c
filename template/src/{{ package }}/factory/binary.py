"""How good the probabilities of true are: as scikit-learn has it, in a fraction of its time."""

from collections.abc import Callable

import numpy as np

from .multiclass import Vector, ranked


def roc_auc(target: Vector, score: Vector) -> float:
    """How often a true row has a higher score than a false one."""
    return ranked(target > 0, score)


def average_precision(target: Vector, score: Vector) -> float:
    """Mean of the precision at each score, weighted by the recall that it adds."""
    order = np.argsort(-score, kind="stable")
    is_last_of_its_score = np.append(np.diff(score[order]) != 0, True)
    found = (target[order] > 0).cumsum()[is_last_of_its_score]
    precision = found / (np.flatnonzero(is_last_of_its_score) + 1)
    return float((np.diff(found, prepend=0) * precision).sum() / found[-1])


def log_loss(target: Vector, score: Vector) -> float:
    """Mean negative logarithm of the probability of what was true."""
    least = np.finfo(np.float64).eps
    return float(-np.log(np.clip(np.where(target > 0, score, 1 - score), least, 1 - least)).mean())


def brier(target: Vector, score: Vector) -> float:
    """Mean square of the difference between the probability and what was true."""
    return float(np.square(score - (target > 0)).mean())


METRICS: dict[str, Callable[[Vector, Vector], float]] = {
    "average_precision": average_precision,
    "roc_auc": roc_auc,
    "log_loss": log_loss,
    "brier": brier,
}
