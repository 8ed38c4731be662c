"""Yes or no from a score: the threshold that earns most, what decisions lead to, and what they are worth."""

import numpy as np
from numpy.typing import NDArray

from ..config import Value
from .definitions import Vector


def best_threshold(target: Vector, score: Vector, value: Value) -> float:
    """The score from which on a positive decision earns most in total, outcomes priced by `value`."""
    order = np.argsort(-score, kind="stable")
    positive = target[order].astype(bool)
    gain = np.where(positive, value.true_positive - value.false_negative, value.false_positive - value.true_negative)
    is_last_of_its_score = np.append(np.diff(score[order]) != 0, True)
    total = np.where(is_last_of_its_score, gain.cumsum(), -np.inf)
    best = int(total.argmax())
    return float(score[order][best]) if total[best] > 0 else float(np.nextafter(1.0, 2.0))


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
