"""The decisions among several classes, for the report: which were taken for which, and how well each is told."""

from typing import Any

import numpy as np

from . import multiclass
from .assessment import Assessment

SHOWN = 12
OTHERS = "others"


def classes(assessment: Assessment) -> list[dict[str, Any]]:
    """Of each class its rows, how many were found, how many decisions for it are right, and what it was taken for.

    The most frequent ones, in the contract's order, and the others together; none where there is one score.
    """
    names = assessment.manifest.get("classes")
    if not names:
        return []
    names, counts = _pooled(names, multiclass.confusion(assessment.target, assessment.score))
    truth, decided = counts.sum(axis=1), counts.sum(axis=0)
    return [
        {
            "name": name,
            "rows": int(truth[i]),
            "recall": _share(counts[i, i], truth[i]) if name != OTHERS else None,
            "precision": _share(counts[i, i], decided[i]) if name != OTHERS else None,
            "taken": [{"rows": int(n), "share": _share(n, truth[i]) or 0.0} for n in counts[i]],
        }
        for i, name in enumerate(names)
    ]


def _pooled(names: list[str], counts: Any) -> tuple[list[str], Any]:
    if len(names) <= SHOWN:
        return names, counts
    frequent = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[: SHOWN - 1])
    place = np.full(len(names), SHOWN - 1)
    place[frequent] = np.arange(SHOWN - 1)
    pooled = np.zeros((SHOWN, SHOWN), int)
    np.add.at(pooled, (place[:, None], place[None, :]), counts)
    return [*(names[i] for i in frequent), OTHERS], pooled


def _share(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None
