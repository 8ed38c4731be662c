"""Which candidate to train: by cross-validation, the simplest that is not clearly worse than the best."""

import math
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from ..config import Params
from ..data import prepare
from ..errors import FactoryError
from ..metrics.bootstrap import Ids, standard_error
from ..paths import CANDIDATES, REPORTS
from ..scoring.texts import NONE, Encoders
from ..tables import whole
from ..tables.chunks import Rows
from . import bases, candidates, model_code, parameters, texts
from .candidates import SIMPLE, Candidate
from .comparison import Comparison, Evaluated
from .cross_validation import TooFewRows
from .forecast_comparison import ForecastComparison
from .train import check_numeric, no_features

MARGIN_OF_FORECASTS = 0.02
"""Of the loss: what is learned of the past may hold less in the future, whatever the standard error."""
MAX_WEIGHT = 6
"""The sum of a blend's weights: so many times the member is added that lowers the loss most."""


@dataclass(frozen=True)
class Choice:
    """All candidates, and the one that was chosen."""

    evaluated: list[Evaluated]
    chosen: Evaluated
    metric: str
    folds: int
    ids: Ids

    def table(self) -> pl.DataFrame:
        """The leaderboard, the best first; `se` is the standard error of the difference from the best, in the metric's unit."""
        ranked = sorted(self.evaluated, key=lambda each: each.loss)
        return pl.DataFrame([self._row(each, ranked[0]) for each in ranked])

    def _row(self, each: Evaluated, best: Evaluated) -> dict[str, Any]:
        figure, error = each.figure(self.metric), standard_error(each.losses - best.losses, self.ids)
        if self.metric in candidates.SQUARED:
            error /= 2 * figure or 1  # the derivative of the root
        return {
            "candidate": each.candidate.name,
            "family": each.candidate.family,
            "chosen": each is self.chosen,
            "metric": self.metric,
            "mean": figure,
            "se": error,
            "fit_seconds": round(each.fit_seconds, 4),
            "predict_ms": round(each.predict_ms, 5),
            "size_mb": round(each.size_mb, 3),
        }


def run(
    params: Params,
    on_candidate: Callable[[Evaluated, str], None] = lambda each, metric: None,
    on_failure: Callable[[Candidate, str], None] = lambda candidate, reason: None,
) -> Choice | None:
    """Compare the portfolio on the prepared training rows, and write reports/candidates.csv; None if the rows are too few."""
    train = prepare.scan("train")
    check_numeric(no_features(train))
    try:
        with threadpool_limits(1), warnings.catch_warnings():  # the threads of small fits would wait for each other
            warnings.simplefilter("ignore", ConvergenceWarning)  # whose candidate is judged as it is
            encoders = texts.fitted(train)
            schema = encoders(no_features(train)).schema
            choice = choose(train, params, schema, on_candidate, on_failure, encoders)
    except TooFewRows:
        CANDIDATES.unlink(missing_ok=True)
        return None
    REPORTS.mkdir(exist_ok=True)
    with whole(CANDIDATES) as file:
        choice.table().write_csv(file)
    return choice


def default(params: Params) -> Candidate:
    """What is chosen where rows are too few to compare."""
    schema = no_features(prepare.scan("train")).schema
    return candidates.default(bases.usual(schema, params.data.target) if params.forecast else None)


def write(candidate: Candidate) -> None:
    """Write the candidate to model.py and to the section `model` of params.yaml: to both, or to none."""
    place, settings = model_code.PATH, Path("params.yaml")
    with tempfile.TemporaryDirectory(prefix=".candidates-", dir=place.parent) as folder:  # of the same file system
        code, section, before = (Path(folder, name) for name in ("model.py", "params.yaml", "before.py"))
        model_code.write(candidate.families, candidate.logarithmic, code, relative=candidate.base is not None)
        shutil.copyfile(settings, section)
        base = candidate.base.parameters() if candidate.base else {}
        parameters.write(base | candidate.parameters, section, alone=True)
        shutil.copyfile(place, before)
        code.replace(place)
        try:
            section.replace(settings)
        except BaseException:
            before.replace(place)
            raise


def choose(
    train: Rows,
    params: Params,
    schema: pl.Schema,
    on_candidate: Callable[[Evaluated, str], None] = lambda each, metric: None,
    on_failure: Callable[[Candidate, str], None] = lambda candidate, reason: None,
    encoders: Encoders = NONE,
) -> Choice:
    """Compare the portfolio; `on_candidate` gets each as it is evaluated, `on_failure` each that cannot be, and why.

    Raises TooFewRows, and FactoryError where no candidate can be evaluated.

    The simplest candidate is chosen from which the best differs by no more than one standard error of their paired
    difference, in which all rows of an id count as one. The test rows are never read.
    """
    comparison = (ForecastComparison if params.forecast else Comparison)(train, params, schema, encoders)
    metric = comparison.metric
    evaluated, reasons = list[Evaluated](), list[str]()

    def evaluate(tried: Iterable[Candidate]) -> list[Evaluated]:
        found = []
        for candidate in tried:
            try:
                found.append(comparison.evaluate(candidate))
            except ValueError as error:
                reasons.append(str(error).partition("\n")[0])
                on_failure(candidate, reasons[-1])
            else:
                on_candidate(found[-1], metric)
        evaluated.extend(found)
        return found

    for members in _scales(comparison, params, evaluate):
        evaluated.extend(_blends(comparison, members))
    if not evaluated:
        raise FactoryError(
            f"no candidate can be fitted to data/prepared/train.parquet: {reasons[0]}: write a model.py of your own"
        )
    chosen = simplest(evaluated, comparison.ids, MARGIN_OF_FORECASTS if params.forecast else 0)
    return Choice(evaluated, chosen, metric, len(comparison.folds.held_out), comparison.ids)


def simplest(evaluated: list[Evaluated], ids: Ids, margin: float = 0) -> Evaluated:
    """The simplest that is not worse than the best by more than a standard error, or that share of its loss."""
    best = min(evaluated, key=lambda each: each.loss)

    def is_as_good(each: Evaluated) -> bool:
        worse = each.losses - best.losses
        return float(worse.mean()) <= max(standard_error(worse, ids), margin * best.loss)

    return min(filter(is_as_good, evaluated), key=lambda each: (each.candidate.complexity, each.loss))


def _scales(
    comparison: Comparison, params: Params, evaluate: Callable[[Iterable[Candidate]], list[Evaluated]]
) -> Iterator[list[Evaluated]]:
    """The best of each family for the target as it is, and those for its logarithm if it has one."""
    lowest, columns = comparison.lowest, len(comparison.schema)
    simple = evaluate([candidates.default(comparison.base)] if comparison.base else [])
    penalties = candidates.OF_FORECASTS if comparison.base else candidates.PENALTIES
    linear = evaluate(candidates.linear_ones(columns, penalties))
    boosting = evaluate(candidates.boosting_ones(params, columns))
    trees = evaluate(candidates.extra_trees_ones(params, comparison.folds.classes))
    plain = [_best(family) for family in (linear, boosting, trees) if family]
    losses = evaluate(candidates.other_losses(_best(boosting).candidate, lowest, params)) if boosting else []
    yield [_best(family) for family in (simple, linear, [*boosting, *losses], trees) if family]
    if candidates.can_be_logarithmic(lowest, params):
        yield evaluate(replace(each.candidate, logarithmic=True) for each in plain)


def _best(family: list[Evaluated]) -> Evaluated:
    return min(family, key=lambda each: each.loss)


def _blends(comparison: Comparison, members: list[Evaluated]) -> Iterator[Evaluated]:
    """Of every two or more members, unless one is best without the others; with a simple forecast also half of that and half the rest."""
    for count in range(2, len(members) + 1):
        for chosen in combinations(members, count):
            weights = _weights(comparison, [*chosen])
            if all(weights):
                yield comparison.blend([*chosen], weights)
                if SIMPLE in chosen[0].candidate.families and weights[0] < sum(weights[1:]):
                    yield comparison.blend([*chosen], [sum(weights[1:]), *weights[1:]])


def _weights(comparison: Comparison, members: list[Evaluated]) -> list[int]:
    weights = [0] * len(members)
    for _ in range(MAX_WEIGHT):
        options = [[weight + (i == added) for i, weight in enumerate(weights)] for added in range(len(members))]
        weights = min(options, key=lambda option: comparison.blend(members, option).loss)
    return [weight // math.gcd(*weights) for weight in weights]
