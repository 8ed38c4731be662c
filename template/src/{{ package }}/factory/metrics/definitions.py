"""The metrics of each problem: a new one is a function and an entry in the table METRICS.

The target of several classes is their codes, and the score has the shape (rows, classes).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..config import Params
from ..errors import FactoryError
from ..tables.chunks import Rows, column
from . import ranking
from .forecasts import blocks, naive_forecasts
from .scaled import mean_absolute_scaled_error, root_mean_squared_scaled_error, scaled

Vector = NDArray[np.float64]
MIN_PROBABILITY = 1e-15
ERROR_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Metric:
    """A function of target and score, which an instance calls, with the texts that explain it."""

    name: str
    function: Callable[[Vector, Vector], float]
    higher_is_better: bool
    label: str
    meaning: str
    judges: bool = True
    """Else neither more nor less of it is better: it describes the errors."""

    def __call__(self, target: Vector, score: Vector) -> float:
        return self.function(target, score)

    @property
    def direction(self) -> int:
        """1 if higher is better, -1 if lower is."""
        return 1 if self.higher_is_better else -1


def average_precision(target: Vector, score: Vector) -> float:
    """Mean of the precision at each score, weighted by the recall that it adds."""
    order = np.argsort(-score, kind="stable")
    is_last_of_its_score = np.append(np.diff(score[order]) != 0, True)
    true_positives = (target[order] > 0).cumsum()[is_last_of_its_score]
    precision = true_positives / (np.flatnonzero(is_last_of_its_score) + 1)
    return float((np.diff(true_positives, prepend=0) * precision).sum() / true_positives[-1])


def roc_auc(target: Vector, score: Vector) -> float:
    """How often a true row has a higher score than a false one."""
    return roc_auc_by_ranks(target > 0, score)


def roc_auc_by_ranks(positive: NDArray[np.bool_], score: Vector) -> float:
    """ROC AUC by the sum of ranks (Hanley & McNeil 1982), in a fraction of the time that scikit-learn takes."""
    positives = int(positive.sum())
    above = float(pl.Series(score).rank().to_numpy()[positive].sum()) - positives * (positives + 1) / 2
    return above / (positives * (len(score) - positives))


def log_loss(target: Vector, score: Vector) -> float:
    """Mean negative logarithm of the probability of the true outcome."""
    epsilon = np.finfo(np.float64).eps
    probability = np.where(target > 0, score, 1 - score)
    return float(-np.log(np.clip(probability, epsilon, 1 - epsilon)).mean())


def brier(target: Vector, score: Vector) -> float:
    """Mean squared difference between the probability and the true outcome."""
    return float(np.square(score - (target > 0)).mean())


def multiclass_log_loss(target: Vector, score: Vector) -> float:
    """Mean negative logarithm of the true class's probability."""
    probability = score[np.arange(len(target)), target.astype(int)]
    return float(-np.log(np.clip(probability, MIN_PROBABILITY, 1)).mean())


def multiclass_roc_auc(target: Vector, score: Vector) -> float:
    """Each class against the rest, the mean over those that occur."""
    return float(np.mean([roc_auc_by_ranks(target == code, score[:, code]) for code in np.unique(target).astype(int)]))


def accuracy(target: Vector, score: Vector) -> float:
    """Share of the rows whose most probable class is the true one."""
    return float((score.argmax(axis=1) == target).mean())


def confusion_matrix(target: Vector, score: Vector) -> NDArray[np.int64]:
    """Rows by true class (down) and most probable class (across)."""
    size = score.shape[1]
    cells = target.astype(int) * size + score.argmax(axis=1)
    return np.bincount(cells, minlength=size * size).reshape(size, size)


def balanced_accuracy(target: Vector, score: Vector) -> float:
    """Mean of the recall over the classes that occur."""
    counts = confusion_matrix(target, score)
    occurs = counts.sum(axis=1) > 0
    return float((counts.diagonal()[occurs] / counts.sum(axis=1)[occurs]).mean())


def macro_f1(target: Vector, score: Vector) -> float:
    """Mean F1 over the classes that occur or are predicted."""
    counts = confusion_matrix(target, score)
    both = counts.sum(axis=0) + counts.sum(axis=1)
    return float((2 * counts.diagonal()[both > 0] / both[both > 0]).mean())


def mean_absolute_error(target: Vector, score: Vector) -> float:
    """Mean of the difference between prediction and target, whichever is larger."""
    return float(np.abs(score - target).mean())


def root_mean_squared_error(target: Vector, score: Vector) -> float:
    """Root of the mean squared difference between prediction and target."""
    return float(np.sqrt(np.square(score - target).mean()))


def bias(target: Vector, score: Vector) -> float:
    """Mean of prediction minus target."""
    return float((score - target).mean())


def r2(target: Vector, score: Vector) -> float:
    """Share of the target's variance that is explained; 0 where the target does not vary."""
    total = np.square(target - target.mean()).sum()
    return float(1 - np.square(score - target).sum() / total) if total else 0.0


def _error_quantile(share: float) -> Metric:
    def quantile(target: Vector, score: Vector) -> float:
        return float(np.quantile(score - target, share))

    meaning = f"{share:.0%} of the errors, prediction minus target, are lower"
    name = f"error_q{round(share * 100):02}"
    return Metric(name, quantile, False, name.replace("_", " "), meaning, judges=False)


_MAE = Metric("mae", mean_absolute_error, False, "mean absolute error", "in the unit of the target; 0 is perfect")
_RMSE = Metric(
    "rmse", root_mean_squared_error, False, "root mean squared error", "weighs large errors more; 0 is perfect"
)
_TABLE = {
    "classification": (
        Metric("average_precision", average_precision, True, "average precision", "mean precision over all recalls"),
        Metric("roc_auc", roc_auc, True, "ROC AUC", "chance that a true row scores above a false one"),
        Metric("log_loss", log_loss, False, "log loss", "punishes confident mistakes; 0 is perfect"),
        Metric("brier", brier, False, "Brier score", "mean squared error of the probability; 0 is perfect"),
    ),
    "multiclass": (
        Metric("log_loss", multiclass_log_loss, False, "log loss", "punishes confident mistakes; 0 is perfect"),
        Metric("accuracy", accuracy, True, "accuracy", "share of correct predictions"),
        Metric(
            "balanced_accuracy",
            balanced_accuracy,
            True,
            "balanced accuracy",
            "accuracy as if all classes were equally frequent",
        ),
        Metric(
            "macro_f1", macro_f1, True, "macro F1", "precision and recall of each class combined; the mean over classes"
        ),
        Metric(
            "roc_auc",
            multiclass_roc_auc,
            True,
            "ROC AUC",
            "chance that a row of a class scores above the rest; the mean over classes",
        ),
    ),
    "regression": (
        _MAE,
        _RMSE,
        Metric("r2", r2, True, "R²", "share of the target's variance explained"),
        *map(_error_quantile, ERROR_QUANTILES),
    ),
    "forecasting": (
        Metric(
            "mase",
            mean_absolute_scaled_error,
            False,
            "mean absolute scaled error",
            "in units of the mean difference from one season to the next; 0 is perfect",
        ),
        Metric(
            "rmsse",
            root_mean_squared_scaled_error,
            False,
            "root mean squared scaled error",
            "in the same units, weighs large errors more; 0 is perfect",
        ),
        _MAE,
        _RMSE,
        Metric("bias", bias, False, "bias", "mean of prediction minus target", judges=False),
        *map(_error_quantile, ERROR_QUANTILES),
    ),
}
METRICS = {problem: {metric.name: metric for metric in metrics} for problem, metrics in _TABLE.items()}
"""By problem and name."""
_AT_K = (
    Metric("precision_at_k", ranking.precision, True, "precision at k", "share of the k highest scores that are true"),
    Metric(
        "lift_at_k", ranking.lift, True, "lift at k", "how many times as often the k highest are true as all rows are"
    ),
    Metric("value_at_k", ranking.value, True, "value at k", "what acting on the k highest scores earns, by row"),
)
AT_K = {metric.name: metric for metric in _AT_K}
"""Of the highest scores; here of all rows, until `metrics_of` states how many they are."""
HIGHER_IS_BETTER = {
    name for table in (*METRICS.values(), AT_K) for name, metric in table.items() if metric.higher_is_better
}


def direction(name: str) -> int:
    """1 if higher is better, -1 if lower is."""
    return 1 if name in HIGHER_IS_BETTER else -1


def metrics_of(params: Params) -> dict[str, Metric]:
    """The metrics of the problem and, where so many rows are acted on, of the highest scores."""
    if not params.decision:
        return METRICS[params.problem]
    functions = ranking.functions(params.decision, params.value)
    return METRICS[params.problem] | {name: replace(AT_K[name], function=each) for name, each in functions.items()}


def named(problem: str, name: str) -> Metric:
    """The metric of that name, whose direction and label are known without params.yaml."""
    return (METRICS[problem] | AT_K)[name]


def main_metric(params: Params) -> Metric:
    """The metric that params.yaml names in evaluation.metric. Raises FactoryError if it is unknown."""
    metrics, name = metrics_of(params), params.evaluation.metric
    if params.problem == "forecasting":  # older projects may judge a regression by a quantile of its errors
        metrics = {each: metric for each, metric in metrics.items() if metric.judges}
    if name not in metrics:
        raise FactoryError(f"params.yaml: evaluation.metric: {name} is not one of {', '.join(metrics)}")
    return metrics[name]


def target_of(rows: Rows, params: Params) -> Vector:
    """The target as numbers, shape (rows,); true is 1, and a class its position among the contract's.

    Those of forecasts know the scale of their series.
    """
    target = column(rows, params.data.target).to_physical().cast(pl.Float64).to_numpy()
    return scaled(target, column(rows, "scale")) if params.forecast else target


def ids_of(rows: Rows, params: Params) -> NDArray[np.int64] | None:
    """The code of each row's id, if ids repeat; of forecasts that of its block of target times."""
    if params.forecast:
        return blocks(rows, params.forecast)
    if params.data.id is None or not params.data.repeats:
        return None
    return column(rows, params.data.id).rank("dense").to_numpy().astype(np.int64)


def trivial_scores(rows: Rows, params: Params, constant: float | list[float]) -> Vector | float | list[float]:
    """What a model has to beat: the same score for all rows, or of a forecast the seasonal naive one."""
    if params.forecast and not isinstance(constant, list):
        return naive_forecasts(rows, constant)["seasonal_naive"]
    return constant


def classes_of(rows: Rows, params: Params) -> list[str] | None:
    """The classes to predict, in the contract's order; None where there is one score."""
    dtype = rows.collect_schema()[params.data.target]
    return dtype.categories.to_list() if params.problem == "multiclass" and isinstance(dtype, pl.Enum) else None


def top_class(target: Vector, score: Vector) -> tuple[Vector, Vector]:
    """Target and score unchanged; for several classes, whether the most probable one is correct, and its probability."""
    return (target, score) if score.ndim == 1 else ((score.argmax(axis=1) == target).astype(float), score.max(axis=1))


def class_frequencies(target: Vector, classes: int) -> list[float]:
    """The share of each class: the constant score of the baseline."""
    return (np.bincount(target.astype(int), minlength=classes) / len(target)).tolist()  # type: ignore[no-any-return]


def calibration_error(target: Vector, score: Vector) -> float:
    """Expected calibration error (Naeini et al. 2015) over tenths of the scores: 0 where scores are true rates."""
    tenths = np.array_split(np.argsort(score, kind="stable"), 10)
    return float(sum(abs((target[rows] - score[rows]).sum()) for rows in tenths) / len(target))
