"""Search for better parameters on the training rows alone; hopeless trials are given up early."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import polars as pl
from ruamel.yaml import YAML
from sklearn.model_selection import KFold, TimeSeriesSplit

from .. import model
from ..features import features
from . import artifact, metrics, prepare
from .assessment import main_metric
from .config import Params
from .errors import FactoryError
from .scoring import matrix
from .train import fit

FOLDS = 4


@dataclass(frozen=True)
class Result:
    """The main metric over the folds, now and at best, and the parameters that reach the best."""

    now: float
    best: float
    parameters: dict[str, Any]
    pruned: int


def tune(params: Params, trials: int, on_trial: Callable[[float], None] = lambda best: None) -> Result:
    """The best of so many trials, the first of which is params.yaml as it is; `on_trial` is told the best so far.

    A trial is measured fold by fold and given up where it falls behind the median of those before
    it (Optuna's MedianPruner). The test rows are never read. Raises FactoryError.
    """
    space = getattr(model, "SPACE", None)
    if not space:
        raise FactoryError("model.py declares no SPACE: name the parameters to search, and between which values")
    main_metric(params)
    rows = prepare.read("train")
    rows = rows.sort(params.data.time) if params.data.time else rows
    up = params.evaluation.metric in metrics.HIGHER_IS_BETTER
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize" if up else "minimize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    study.enqueue_trial({name: value for name, value in params.model.items() if name in space})
    study.optimize(
        lambda trial: _measured(trial, rows, params, {name: _suggested(trial, name, space[name]) for name in space}),
        n_trials=trials,
        callbacks=[lambda study, trial: on_trial(study.best_value)],
    )
    pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials)
    first = study.trials[0].value
    return Result(float("nan") if first is None else first, study.best_value, study.best_params, pruned)


def write(parameters: dict[str, Any], path: Path = Path("params.yaml")) -> None:
    """Put the parameters into the section `model`; comments and all else stay."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 200
    content = yaml.load(path.read_text(encoding="utf-8"))
    content.setdefault("model", {}).update(parameters)
    scratch = path.with_suffix(".tmp")
    with scratch.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
    scratch.replace(path)


def _measured(trial: optuna.Trial, rows: pl.DataFrame, params: Params, parameters: dict[str, Any]) -> float:
    tried = params.model_copy(update={"model": params.model | parameters})
    metric = main_metric(params)
    found: list[float] = []
    for step, (early, late) in enumerate(_folds(rows, params)):
        score = artifact.predictor(fit(early, tried))(matrix(features(late)))
        found.append(float(metric(metrics.target_of(late, params), score)))
        trial.report(float(np.mean(found)), step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return float(np.mean(found))


def _folds(rows: pl.DataFrame, params: Params) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Earlier rows to learn from and later ones to measure on; without time, random ones."""
    splitter = TimeSeriesSplit(FOLDS) if params.data.time else KFold(FOLDS, shuffle=True, random_state=0)
    for early, late in splitter.split(np.empty(rows.height)):
        yield rows[early], rows[late]


def _suggested(trial: optuna.Trial, name: str, choice: Any) -> Any:
    match choice:
        case [*options] if isinstance(choice, list):
            return trial.suggest_categorical(name, options)
        case (int(low), int(high)):
            return trial.suggest_int(name, low, high)
        case (float(low), float(high)):
            return trial.suggest_float(name, low, high)
        case (float(low), float(high), "log"):
            return trial.suggest_float(name, low, high, log=True)
        case (int(low), int(high), "log"):
            return trial.suggest_int(name, low, high, log=True)
    raise FactoryError(f'model.py, SPACE: {name} is a list of values, or (low, high), or (low, high, "log")')
