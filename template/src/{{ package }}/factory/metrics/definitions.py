"""How good the probabilities of several classes are: targets are codes, scores have the shape (rows, classes)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn import metrics as sk

from ..config import Params
from ..errors import FactoryError
from ..tables.chunks import Rows, column

Vector = NDArray[np.float64]
LEAST = 1e-15


def multiclass_log_loss(target: Vector, score: Vector) -> float:
    """Mean negative logarithm of the true class's probability."""
    said = score[np.arange(len(target)), target.astype(int)]
    return float(-np.log(np.clip(said, LEAST, 1)).mean())


def multiclass_roc_auc(target: Vector, score: Vector) -> float:
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


MULTICLASS: dict[str, Callable[[Vector, Vector], float]] = {
    "log_loss": multiclass_log_loss,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
    "roc_auc": multiclass_roc_auc,
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


BINARY: dict[str, Callable[[Vector, Vector], float]] = {
    "average_precision": average_precision,
    "roc_auc": roc_auc,
    "log_loss": log_loss,
    "brier": brier,
}


Metric = Callable[[Vector, Vector], float]

RESAMPLES = 200
RESAMPLED = 20_000
"""Rows of a resample at most."""
HIGHER_IS_BETTER = {"average_precision", "roc_auc", "r2", "accuracy", "balanced_accuracy", "macro_f1"}


@dataclass(frozen=True)
class Estimate:
    """A metric on the test rows, its 95 % interval, and what the baseline reaches on them."""

    value: float
    low: float
    high: float
    baseline: float


@dataclass(frozen=True)
class Difference:
    """What a figure is better by, and its 95 % interval."""

    value: float
    low: float
    high: float


def _error_quantile(share: float) -> Metric:
    return lambda target, score: np.quantile(score - target, share)


METRICS: dict[str, dict[str, Metric]] = {
    "classification": BINARY,
    "multiclass": MULTICLASS,
    "regression": {
        "mae": sk.mean_absolute_error,
        "rmse": sk.root_mean_squared_error,
        "r2": sk.r2_score,
        **{f"error_q{round(share * 100):02}": _error_quantile(share) for share in (0.05, 0.25, 0.5, 0.75, 0.95)},
    },
}
"""By problem and name, functions of target and score. The error is prediction minus target.

The target of several classes is their codes, and the score has the shape (rows, classes).
"""


def direction(name: str) -> int:
    """1 if more of the metric is better, -1 if less is."""
    return 1 if name in HIGHER_IS_BETTER else -1


def target_of(rows: Rows, params: Params) -> Vector:
    """The target as numbers, shape (rows,); true is 1, and a class its place among the contract's."""
    return column(rows, params.data.target).to_physical().cast(pl.Float64).to_numpy()


def one_score(target: Vector, score: Vector) -> tuple[Vector, Vector]:
    """Target and score as they are; of classes, whether the most probable one was right and its probability."""
    return (target, score) if score.ndim == 1 else ((score.argmax(axis=1) == target).astype(float), score.max(axis=1))


def estimates(problem: str, target: Vector, score: Vector, baseline: float | list[float]) -> dict[str, Estimate]:
    """Every metric of the problem, with a percentile bootstrap over the rows (Efron & Tibshirani 1993, ch. 13).

    `baseline` is the constant score of a model that knows the mean of the training target alone, or
    how frequent each class is.
    """
    draws = _resamples(target)
    trivial = np.full_like(score, baseline)

    def estimate(metric: Metric) -> Estimate:
        value = metric(target, score)
        low, high = _interval(value, [metric(target[rows], score[rows]) for rows in draws], len(target))
        return Estimate(float(value), low, high, float(metric(target, trivial)))

    return {name: estimate(metric) for name, metric in METRICS[problem].items()}


def improvement(problem: str, name: str, target: Vector, score: Vector, other: Vector) -> Difference:
    """By how much the score is better than the other by the metric, with a paired percentile bootstrap.

    Both are measured on the same resampled rows, so that what is hard for both cancels out
    (Efron & Tibshirani 1993, ch. 13 and 16); positive is better, whatever the metric's direction.
    """
    metric, sign = METRICS[problem][name], direction(name)

    def better(rows: Any) -> float:
        return float(sign * (metric(target[rows], score[rows]) - metric(target[rows], other[rows])))

    return difference(better, target)


def difference(better: Callable[[Any], float], target: Vector) -> Difference:
    """The difference on all rows and the interval of what it is on resampled ones."""
    value = better(slice(None))
    return Difference(value, *_interval(value, [better(rows) for rows in _resamples(target)], len(target)))


def calibration_error(target: Vector, score: Vector) -> float:
    """Expected calibration error (Naeini et al. 2015) over tenths of the scores: 0 where scores are true rates."""
    tenths = np.array_split(np.argsort(score, kind="stable"), 10)
    return float(sum(abs((target[rows] - score[rows]).sum()) for rows in tenths) / len(target))


def _resamples(target: Vector) -> list[NDArray[np.int64]]:
    generator = np.random.default_rng(0)
    size = min(len(target), RESAMPLED)
    draws = (generator.integers(0, len(target), size) for _ in range(RESAMPLES))
    return [rows for rows in draws if np.ptp(target[rows]) > 0]


def _interval(value: float, drawn: list[float], rows: int) -> tuple[float, float]:
    """The middle 95 % of the resamples.

    Where they are smaller than the table they scatter more than it would, by the root of how much smaller
    they are (the m out of n bootstrap, Bickel et al. 1997): so they are drawn towards the value by as much.
    """
    spread = np.sqrt(min(rows, RESAMPLED) / rows)
    low, high = spread * np.quantile(drawn, [0.025, 0.975]) + (1 - spread) * value
    return float(low), float(high)


def main_metric(params: Params) -> Metric:
    """The metric that counts most. Raises FactoryError where there is none of its name."""
    known, name = METRICS[params.problem], params.evaluation.metric
    if name not in known:
        raise FactoryError(f"params.yaml: evaluation.metric: {name} is none of {', '.join(known)}")
    return known[name]


LABELS = {
    "average_precision": ("average precision", "how rarely a false row ranks above a true one"),
    "roc_auc": ("ROC AUC", "chance that a true row scores above a false one"),
    "log_loss": ("log loss", "punishes confident mistakes; 0 is perfect"),
    "brier": ("Brier score", "mean squared error of the probability; 0 is perfect"),
    "accuracy": ("accuracy", "share of decisions that are right"),
    "balanced_accuracy": ("balanced accuracy", "the same, as if all classes were as frequent"),
    "macro_f1": ("macro F1", "finding each class, and it alone; the mean over classes"),
    "mae": ("mean absolute error", "in the unit of the target; 0 is perfect"),
    "rmse": ("root mean squared error", "weighs large errors more; 0 is perfect"),
    "r2": ("R²", "share of the target's variance explained"),
}
