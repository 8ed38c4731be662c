"""How good the probabilities of several classes are: targets are codes, scores have the shape (rows, classes)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Vector = NDArray[np.float64]
LEAST = 1e-15


def log_loss(target: Vector, score: Vector) -> float:
    """Mean negative logarithm of the true class's probability."""
    said = score[np.arange(len(target)), target.astype(int)]
    return float(-np.log(np.clip(said, LEAST, 1)).mean())


def roc_auc(target: Vector, score: Vector) -> float:
    """Each class against the rest, the mean over those that are here and not alone."""
    return float(np.mean([ranked(target == k, score[:, k]) for k in np.unique(target).astype(int)]))


def ranked(positive: NDArray[np.bool_], score: Vector) -> float:
    """ROC AUC by the sum of ranks (Hanley & McNeil 1982), in a fraction of the time that scikit-learn takes."""
    hits = int(positive.sum())
    above = float(pl.Series(score).rank().to_numpy()[positive].sum()) - hits * (hits + 1) / 2
    return above / (hits * (len(score) - hits))


def accuracy(target: Vector, score: Vector) -> float:
    """Share of the rows whose most probable class is the true one."""
    return float((score.argmax(axis=1) == target).mean())


def confusion(target: Vector, score: Vector) -> NDArray[np.int64]:
    """Rows by true class (down) and decided class (across)."""
    size = score.shape[1]
    cells = target.astype(int) * size + score.argmax(axis=1)
    return np.bincount(cells, minlength=size * size).reshape(size, size)


def balanced_accuracy(target: Vector, score: Vector) -> float:
    """Mean over the classes that are here of the share that was found."""
    counts = confusion(target, score)
    here = counts.sum(axis=1) > 0
    return float((counts.diagonal()[here] / counts.sum(axis=1)[here]).mean())


def macro_f1(target: Vector, score: Vector) -> float:
    """Mean F1 over the classes that are here or were decided."""
    counts = confusion(target, score)
    both = counts.sum(axis=0) + counts.sum(axis=1)
    return float((2 * counts.diagonal()[both > 0] / both[both > 0]).mean())


METRICS: dict[str, Callable[[Vector, Vector], float]] = {
    "log_loss": log_loss,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
    "roc_auc": roc_auc,
}


def frequencies(target: Vector, classes: int) -> list[float]:
    """The share of each class, which is what a model says that knows nothing else."""
    return (np.bincount(target.astype(int), minlength=classes) / len(target)).tolist()  # type: ignore[no-any-return]


def one_hot(target: Vector) -> Vector:
    """A column for each class up to the highest, 1 in that of the row."""
    return np.eye(int(target.max()) + 1)[target.astype(int)]  # type: ignore[no-any-return]


def table(counts: NDArray[np.int64], classes: list[str]) -> dict[str, dict[str, Any]]:
    """By true class, how often each class was decided."""
    return {name: dict(zip(classes, row, strict=True)) for name, row in zip(classes, counts.tolist(), strict=True)}
