"""Search for better parameters by the validation figure of the training rows; hopeless trials are pruned."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
import polars as pl
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from ... import model
from ..config import Params
from ..data import prepare
from ..errors import FactoryError
from ..metrics.definitions import Metric, main_metric
from . import texts
from .cross_validation import Folds
from .stopping import Stopped
from .train import no_features

ROUNDS, STOPPING = "max_iter", "early stopping"
PRUNED = optuna.trial.TrialState.PRUNED


@dataclass(frozen=True)
class Trial:
    """Parameters and the validation figure that they reach; of a pruned trial, that of the folds until then."""

    number: int
    figure: float
    parameters: dict[str, Any]
    pruned: bool
    seconds: float = field(compare=False)

    @property
    def state(self) -> str:
        return "pruned" if self.pruned else "complete"


@dataclass(frozen=True)
class Result:
    """The trials, of which the first is params.yaml as it is."""

    metric: Metric
    trials: list[Trial]

    @property
    def now(self) -> Trial:
        return self.trials[0]

    @property
    def best(self) -> Trial:
        complete = [trial for trial in self.trials if not trial.pruned and math.isfinite(trial.figure)]
        return max(complete, key=lambda trial: self.metric.direction * trial.figure, default=self.now)

    @property
    def pruned(self) -> int:
        return sum(trial.pruned for trial in self.trials)

    def table(self) -> pl.DataFrame:
        """A row for each trial."""
        rows = [
            {
                "trial": trial.number,
                "state": trial.state,
                self.metric.name: trial.figure,
                "seconds": round(trial.seconds, 3),
            }
            | trial.parameters
            for trial in self.trials
        ]
        return pl.DataFrame(rows, infer_schema_length=None, strict=False)


def tune(params: Params, trials: int, on_trial: Callable[[Result], None] = lambda result: None) -> Result:
    """So many trials, the first of which is params.yaml as it is; `on_trial` gets the result so far.

    Where SPACE has "early stopping" for `max_iter`, each trial has as many rounds of boosting as improve these folds.
    What counts is the validation figure that `train` reports, of the same folds: the test rows are never read. Where
    there are several folds, a trial is pruned once it is worse than the median of those before it (Optuna's
    MedianPruner). Raises FactoryError.
    """
    ranges = getattr(model, "SPACE", None)
    if not ranges:
        raise FactoryError("model.py: SPACE is missing or empty: name the parameters to search, each with its range")
    stops = ranges.get(ROUNDS) == STOPPING
    space = {name: _distribution(name, choice) for name, choice in ranges.items() if not (stops and name == ROUNDS)}
    metric, train = main_metric(params), prepare.scan("train")
    encoders = texts.fitted(train)
    folds = Folds(train, params, encoders(no_features(train)).schema, encoders=encoders)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize" if metric.higher_is_better else "minimize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    result = Result(metric, [])
    for number in range(trials):
        trial = study.ask(space if number else {})
        stopped = Stopped(folds, _candidate(params, trial)) if stops and number else None
        result.trials.append(_measure(trial, folds, params, metric, list(ranges), stopped))
        study.tell(trial, None if result.trials[-1].pruned else result.trials[-1].figure, _state(result.trials[-1]))
        on_trial(result)
    return result


def _candidate(params: Params, trial: optuna.Trial) -> Params:
    return params.model_copy(update={"model": params.model | trial.params})


def _measure(
    trial: optuna.Trial,
    folds: Folds,
    params: Params,
    metric: Metric,
    searched: list[str],
    stopped: Stopped | None,
) -> Trial:
    """The mean of the metric over the folds; those left are spared once it is hopeless."""
    candidate = _candidate(params, trial)
    start, values, pruned = time.perf_counter(), list[float](), False
    for step, (target, score) in enumerate(stopped.scores() if stopped else folds.scores(candidate)):
        values.append(float(metric(target, score)))
        trial.report(float(np.mean(values)), step)
        pruned = step + 1 < len(folds.held_out) and trial.should_prune()
        if pruned:
            break
    parameters = {name: candidate.model.get(name) for name in searched}
    if stopped:
        parameters[ROUNDS] = stopped.rounds
        values = values if pruned else [float(metric(*each)) for each in stopped.again()]
    return Trial(trial.number, float(np.mean(values)), parameters, pruned, time.perf_counter() - start)


def _state(trial: Trial) -> Any:
    return PRUNED if trial.pruned else None


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
    raise FactoryError(f'model.py, SPACE: {name} must be a list of values, (low, high), or (low, high, "log")')
