"""From scores to decisions: the threshold that earns most, what decisions lead to, and what they are worth."""

import numpy as np
from numpy.typing import NDArray

from ..decision import Value
from .definitions import Vector


def counts(target: Vector, score: Vector) -> tuple[Vector, Vector, Vector]:
    """Each score as a threshold, highest first, and how many true and false positives a decision by it has."""
    order = np.argsort(-score, kind="stable")
    is_last_of_its_score = np.append(np.diff(score[order]) != 0, True)
    true_positives = (target[order] > 0).cumsum()[is_last_of_its_score]
    positives = np.flatnonzero(is_last_of_its_score) + 1.0
    return score[order][is_last_of_its_score], true_positives.astype(float), positives - true_positives


def utilities(target: Vector, score: Vector, value: Value) -> tuple[Vector, Vector]:
    """Each score as a threshold, highest first, and what decisions earn in total: first never positive, then by each."""
    thresholds, true_positives, false_positives = counts(target, score)
    never = true_positives[-1] * value.false_negative + false_positives[-1] * value.true_negative
    gain = true_positives * (value.true_positive - value.false_negative)
    cost = false_positives * (value.false_positive - value.true_negative)
    return thresholds, np.append(never, never + gain + cost)


def best_threshold(target: Vector, score: Vector, value: Value) -> float:
    """The score from which on a positive decision earns most in total, outcomes priced by `value`."""
    thresholds, totals = utilities(target, score, value)
    best = int(totals.argmax())
    return float(thresholds[best - 1]) if best else float(np.nextafter(1.0, 2.0))


def confusion_counts(target: Vector, decision: NDArray[np.bool_]) -> dict[str, int]:
    """How often each outcome of a decision occurred."""
    right = decision == target.astype(bool)
    return {
        "true_positive": int((right & decision).sum()),
        "false_positive": int((~right & decision).sum()),
        "true_negative": int((right & ~decision).sum()),
        "false_negative": int((~right & ~decision).sum()),
    }


def decision_values(target: Vector, decision: NDArray[np.bool_], value: Value) -> Vector:
    """What each decision earned, shape (rows,)."""
    positive = target.astype(bool)
    if_yes = np.where(positive, value.true_positive, value.false_positive)
    if_no = np.where(positive, value.false_negative, value.true_negative)
    return np.where(decision, if_yes, if_no)
