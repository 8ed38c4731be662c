"""The highest scores of a list: which rows they are, from which score on, and what acting on them is worth.

Of equal scores at the end of them, measurements count each in part, so that the order of the rows does not matter.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from ..decision import Decision, Value
from ..errors import FactoryError
from .scaled import Vector

NOTHING = Value()


def size(share: float, rows: int) -> int:
    """How many rows of a list of that length are acted on, at least one."""
    return max(1, round(share * rows))


def cutoff(score: Vector, share: float) -> float:
    """The lowest of the highest scores, which share of all they are: from it on, a single row is acted on."""
    return _lowest(score, size(share, len(score)))


def check(manifest: Mapping[str, Any], decision: Decision | None) -> None:
    """Refuse a model that decides by another number of rows than params.yaml states, or by a threshold. Raises FactoryError."""
    if manifest.get("decision") != (decision and decision.facts):
        raise FactoryError(
            "model/ was trained before `decision` in params.yaml was changed: list `decision` in the `params` of the stages "
            "train and evaluate in dvc.yaml, and run `uv run dvc repro`"
        )


def functions(decision: Decision, worth: Value | None) -> Mapping[str, Callable[[Vector, Vector], float]]:
    """What measures the highest scores, of as many rows as are acted on: functions of target and score, by name."""
    share = decision.share
    found = {"precision_at_k": partial(precision, share=share), "lift_at_k": partial(lift, share=share)}
    return found | ({"value_at_k": partial(value, share=share, worth=worth)} if worth else {})


def precision(target: Vector, score: Vector, share: float = 1.0) -> float:
    """Share of the highest scores that are true."""
    rows = size(share, len(score))
    return _hits(target, score, rows) / rows


def lift(target: Vector, score: Vector, share: float = 1.0) -> float:
    """How many times as often the highest scores are true as all rows are; NaN where none is."""
    true = float((target > 0).mean())
    return precision(target, score, share) / true if true else math.nan


def value(target: Vector, score: Vector, share: float = 1.0, worth: Value = NOTHING) -> float:
    """What acting on the highest scores earns, by row of the list."""
    rows = size(share, len(score))
    hits, positives = _hits(target, score, rows), int((target > 0).sum())
    acted = hits * worth.true_positive + (rows - hits) * worth.false_positive
    left = (positives - hits) * worth.false_negative + (len(target) - rows - positives + hits) * worth.true_negative
    return (acted + left) / len(target)


def _hits(target: Vector, score: Vector, rows: int) -> float:
    """How many of the highest scores are true, to be expected if equal ones are drawn at random."""
    lowest = _lowest(score, rows)
    above, equal = score > lowest, score == lowest
    return float((target[above] > 0).sum() + (rows - above.sum()) * (target[equal] > 0).mean())


def _lowest(score: Vector, rows: int) -> float:
    """The lowest of so many of the highest scores."""
    return float(-np.partition(-score, rows - 1)[rows - 1])
