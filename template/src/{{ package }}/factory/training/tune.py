"""Search for better parameters on the training rows alone; hopeless trials are given up early."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import polars as pl
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit

from ... import model
from ..config import Params
from ..data import prepare
from ..errors import FactoryError
from ..metrics.definitions import Metric, classes_of, main_metric, target_of
from ..scoring import artifact
from ..scoring.scorer import feature_matrix
from .train import fit

FOLDS = 4
PRUNED = optuna.trial.TrialState.PRUNED

Fold = tuple[pl.DataFrame, pl.DataFrame]


@dataclass(frozen=True)
class Result:
    """The main metric over the folds, now and at best, and the parameters that reach the best."""

    now: float
    best: float
    parameters: dict[str, Any]
    pruned: int


def tune(params: Params, trials: int, on_trial: Callable[[float], None] = lambda best: None) -> Result:
    """The best of so many trials, the first of which is params.yaml as it is; `on_trial` gets the best so far.

    A trial is measured fold by fold and given up where it falls behind the median of those before
    it (Optuna's MedianPruner). The test rows are never read. Raises FactoryError.
    """
    ranges = getattr(model, "SPACE", None)
    if not ranges:
        raise FactoryError("model.py declares no SPACE: name the parameters to search, and between which values")
    space = {name: _distribution(name, choice) for name, choice in ranges.items()}
    metric, folds = main_metric(params), _folds(prepare.read("train"), params)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize" if metric.higher_is_better else "minimize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    for number in range(trials):
        trial = study.ask(space if number else {})
        candidate = params.model_copy(update={"model": params.model | trial.params})
        value = _mean_over_folds(trial, folds, candidate, metric)
        study.tell(trial, value, PRUNED if value is None else None)
        on_trial(study.best_value)
    pruned = sum(trial.state == PRUNED for trial in study.trials)
    return Result(float(study.trials[0].values[0]), study.best_value, study.best_params, pruned)


def write(parameters: dict[str, Any], path: Path = Path("params.yaml")) -> None:
    """Put the parameters into the section `model`; comments and all else stay."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 200
    content = yaml.load(path.read_text(encoding="utf-8"))
    section = content.setdefault("model", CommentedMap())
    for name, value in parameters.items():
        if name in section:
            section[name] = value
        else:
            section.insert(max(len(section) - 1, 0), name, value)  # the lines below belong to the last
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
    temporary.replace(path)


def _mean_over_folds(trial: optuna.Trial, folds: list[Fold], params: Params, metric: Metric) -> float | None:
    """The mean of the metric over the folds, or None once it is hopeless."""
    values: list[float] = []
    for step, (early, late) in enumerate(folds):
        score = artifact.predictor(fit(early, params), len(classes_of(early, params) or []))(feature_matrix(late))
        values.append(float(metric(target_of(late, params), score)))
        trial.report(float(np.mean(values)), step)
        if trial.should_prune():
            return None
    return float(np.mean(values))


def _folds(rows: pl.DataFrame, params: Params) -> list[Fold]:
    """Earlier rows to learn from and later ones to measure on; without time random ones, where ids repeat whole ids."""
    data, splitter, ids = params.data, KFold(FOLDS, shuffle=True, random_state=0), None
    if data.id and data.repeats:
        splitter, ids = GroupKFold(FOLDS, shuffle=True, random_state=0), rows[data.id].to_physical().to_numpy()
    elif data.time:
        rows, splitter = rows.sort(data.time), TimeSeriesSplit(FOLDS)
    folds = [(rows[early], rows[late]) for early, late in splitter.split(np.empty(rows.height), groups=ids)]
    if any(part[params.data.target].n_unique() < 2 for fold in folds for part in fold):
        raise FactoryError(f"a fold of the training rows holds one value of {params.data.target}: bring more data")
    return folds


def _distribution(name: str, choice: Any) -> optuna.distributions.BaseDistribution:
    with suppress(ValueError):  # low above high, nothing to choose from, the logarithm of zero
        match choice:
            case list():
                return CategoricalDistribution(choice)
            case (int(low), int(high)):
                return IntDistribution(low, high)
            case (int() | float() as low, int() | float() as high):
                return FloatDistribution(low, high)
            case (int(low), int(high), "log"):
                return IntDistribution(low, high, log=True)
            case (int() | float() as low, int() | float() as high, "log"):
                return FloatDistribution(low, high, log=True)
    raise FactoryError(f'model.py, SPACE: {name} is a list of values, or (low, high), or (low, high, "log")')
