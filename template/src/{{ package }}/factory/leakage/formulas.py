"""Sums, differences, products and ratios of columns that equal the target."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from sklearn.linear_model import LogisticRegression

from ..metrics.definitions import Vector, mean_absolute_error, roc_auc_by_ranks
from ..training.leakage import predictive_power
from .forest import ranks
from .sample import SCORES, Sample

EXACT = 0.9995
"""R² of a formula that is the target but for rounding."""
LIMITS = {2: 0.993, 3: 0.996}
HIGHEST_LIMIT = 0.998
"""Of the score, by the number of columns: an honest sum of many comes nearer by chance."""
MAX_COLUMNS = 12
MAX_FACTORS = 10
"""Columns of which products and ratios are formed."""
MAX_TERMS = 3
MIN_KNOWN = 0.5
"""Share of the rows."""
REFINED_FROM = 0.9
RIDGE, ZERO = 1e-8, 1e-6


@dataclass(frozen=True)
class Formula:
    """Columns, and how well a formula of them predicts the target of rows that it was not fitted to."""

    columns: tuple[str, ...]
    score: float
    measure: str

    @property
    def is_found(self) -> bool:
        """Whether it is better than an honest sum of so many columns."""
        return self.score >= LIMITS.get(len(self.columns), HIGHEST_LIMIT)


@dataclass(frozen=True)
class _Outcome:
    """A target, or its logarithm."""

    values: Vector
    problem: str
    is_log: bool = False

    def formula(self, names: Sequence[str], columns: Sequence[Vector]) -> Formula:
        """A sum of the columns, fitted to the first half of the rows and measured in the second."""
        matrix = np.column_stack(columns)
        known = np.isfinite(matrix).all(axis=1) & np.isfinite(self.values)
        values, half = self.values[known], int(known.sum()) // 2
        if known.mean() < MIN_KNOWN or not np.ptp(values[:half]) or not np.ptp(values[half:]):
            return Formula(tuple(names), 0.0, "")
        matrix = np.column_stack([np.ones(len(values)), _standard(matrix[known])])
        value = matrix @ np.linalg.lstsq(matrix[:half], values[:half], rcond=None)[0]
        if self.problem != "regression":
            score = self._power(matrix, value, values, half)
            return Formula(tuple(names), score, f"{SCORES[self.problem]} {score:.4f}")
        score = 1 - float(((values - value)[half:] ** 2).mean() / values[half:].var())
        truth, value = (np.exp(values), np.exp(value)) if self.is_log else (values, value)
        error = mean_absolute_error(truth[half:], value[half:])
        measure = f"a mean error of {error if error > ZERO * truth.std() else 0:.3g}"
        return Formula(tuple(names), score, measure)

    def _power(self, matrix: Vector, value: Vector, truth: Vector, half: int) -> float:
        if self.problem == "multiclass":
            return predictive_power(value, truth, self.problem)
        score = roc_auc_by_ranks(truth[half:] > 0, value[half:])
        if score < REFINED_FROM:
            return score
        logistic = LogisticRegression(C=1e4, max_iter=200).fit(matrix[:half], truth[:half])
        return max(score, roc_auc_by_ranks(truth[half:] > 0, logistic.decision_function(matrix[half:])))


def formulas(sample: Sample) -> Iterator[Formula]:
    """Formulas of at least two columns that predict the target better than honest ones do."""
    numbers = {name: values for name, values in sample.columns.items() if name not in sample.categories}
    logs = {name: log for name, values in numbers.items() if np.isfinite(log := _log(values)).mean() >= MIN_KNOWN}
    outcome = _Outcome(sample.target, sample.problem)
    outcomes = [outcome]
    if sample.problem == "regression" and (sample.target > 0).mean() >= MIN_KNOWN:
        outcomes.append(_Outcome(_log(sample.target), sample.problem, is_log=True))
    for columns in (numbers, logs):
        for each in outcomes:
            yield from _sum(columns, each)
    yield from _terms({name: numbers[name] for name in _factors(numbers, sample.target)}, outcome)


def _sum(columns: dict[str, Vector], outcome: _Outcome) -> Iterator[Formula]:
    """The shortest sum of the columns with the highest t-values that is found."""
    known = np.isfinite(outcome.values)
    if len(columns) < 2:
        return
    strength = _t_values(np.column_stack([*columns.values()])[known], outcome.values[known])
    names = [list(columns)[place] for place in np.argsort(-strength, kind="stable")[:MAX_COLUMNS]]
    for number in (2, 3, 4, 6, 8, 10, 12):
        formula = outcome.formula(names[:number], [columns[name] for name in names[:number]])
        if formula.is_found:
            yield _shortened(formula, columns, outcome)
        if formula.is_found or number >= len(names) or (number > 3 and formula.score < 0.5):
            return


def _shortened(formula: Formula, columns: dict[str, Vector], outcome: _Outcome) -> Formula:
    """Without the columns that it does not need."""
    for name in formula.columns:
        names = [other for other in formula.columns if other != name]
        shorter = outcome.formula(names, [columns[other] for other in names])
        if len(names) > 1 and shorter.is_found:
            formula = shorter
    return formula


def _terms(columns: dict[str, Vector], outcome: _Outcome) -> Iterator[Formula]:
    """A sum of columns, products, ratios and squared differences, each chosen by what those before leave unexplained."""
    terms: dict[tuple[str, ...], Vector] = {(name,): values for name, values in columns.items()}
    with np.errstate(all="ignore"):
        for one, other in combinations_with_replacement(columns, 2):
            terms[one, other, "*"] = columns[one] * columns[other]
            terms[one, other, "-"] = (columns[one] - columns[other]) ** 2
            terms[one, other, "/"] = columns[one] / columns[other]
            terms[other, one, "/"] = columns[other] / columns[one]
    if len(columns) < 2:
        return
    keys, matrix = list(terms), _standard(np.column_stack([*terms.values()]))
    left, chosen = _standard(outcome.values[:, None])[:, 0], []
    for _ in range(MAX_TERMS):
        chosen.append(int(np.abs(left @ matrix).argmax()))
        used = matrix[:, chosen]
        left = left - used @ np.linalg.lstsq(used, left, rcond=None)[0]
        names = list(dict.fromkeys(part for place in chosen for part in keys[place][:2]))
        formula = outcome.formula(names, [terms[keys[place]] for place in chosen])
        if len(names) > 1 and formula.is_found:
            yield formula
            return


def _factors(columns: dict[str, Vector], target: Vector) -> list[str]:
    """By turns, those that alone and those that beside all others go with the target most."""
    if len(columns) <= MAX_FACTORS:
        return list(columns)
    alone = np.array([_correlation(values, target) for values in columns.values()])
    beside = _t_values(np.column_stack([*columns.values()]), target)
    turns = np.column_stack([np.argsort(-alone, kind="stable"), np.argsort(-beside, kind="stable")]).ravel()
    return [list(columns)[place] for place in dict.fromkeys(turns.tolist())][:MAX_FACTORS]


def _log(values: Vector) -> Vector:
    """NaN of what is not positive."""
    logarithm: Vector = np.log(values, where=values > 0, out=np.full(len(values), np.nan))
    return logarithm


def _correlation(values: Vector, target: Vector) -> float:
    both = np.column_stack([ranks(values), target])
    return abs(float(_standard(both).prod(axis=1).mean()))


def _t_values(matrix: Vector, target: Vector) -> Vector:
    """Of each column in a sum of all: its weight by the weight's standard error, but for a factor that all share."""
    scaled = _standard(matrix)
    inverse = np.linalg.inv(scaled.T @ scaled + RIDGE * len(scaled) * np.eye(scaled.shape[1]))
    weights: Vector = inverse @ (scaled.T @ (target - target.mean()))
    return np.abs(weights) / np.sqrt(np.diag(inverse))


def _standard(matrix: Vector) -> Vector:
    """Columns with mean 0 and deviation 1; what is unknown, constant, or known of few rows is 0."""
    known = np.isfinite(matrix)
    number = known.sum(axis=0)
    filled = np.where(known, matrix, 0.0)
    centred = np.where(known, filled - filled.sum(axis=0) / np.maximum(number, 1), 0.0)
    deviation = np.sqrt((centred**2).sum(axis=0) / np.maximum(number, 1))
    usable = (deviation > 0) & (number >= MIN_KNOWN * len(matrix))
    standard: Vector = np.divide(centred, deviation, where=usable, out=np.zeros(matrix.shape))
    return standard
