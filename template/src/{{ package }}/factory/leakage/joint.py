"""Few columns that together predict the target, while the others hardly do."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from .alone import PLAUSIBLE, is_far_better, powers_of
from .finding import Finding
from .forest import Forecast, forecast
from .formulas import EXACT, LIMITS, formulas
from .sample import Sample

NEAR = 0.03
"""How much less than plausible the score of all columns may be, of which many only disturb."""
WEAK = {"classification": 0.75, "multiclass": 0.75, "regression": 0.9}
"""The score of each column of a short formula, at most, if the others may predict the target nearly as well."""
REST = 0.9
MAX_FEW, ROUNDS, MAX_CLASSES = 4, 3, 6


@dataclass(frozen=True)
class Few:
    """Columns that together predict the target, with their score in words."""

    columns: tuple[str, ...]
    score: float
    measure: str
    is_exact: bool = False
    """But for rounding, its formula is the target."""
    is_formula: bool = False
    """It is short, and so much better than each of its columns that chance is ruled out."""

    def is_clear(self, rest: Forecast) -> bool:
        """Whether the others may predict the target nearly as well."""
        return self.is_exact or (self.is_formula and rest.score <= REST)


def find_formulas(sample: Sample) -> Iterator[Finding]:
    """Columns of which a formula is the target, or one of its classes."""
    found: set[str] = set()
    for each in _problems(sample):
        for finding in _in_rounds(each.without(found), _formula):
            found |= set(finding.columns)
            yield finding


def find_few(sample: Sample) -> Iterator[Finding]:
    """Columns of which a model is implausibly good."""
    yield from _in_rounds(sample, _fewest)


def _problems(sample: Sample) -> list[Sample]:
    """The sample, and for each of its most frequent classes whether it is that one."""
    if sample.problem != "multiclass":
        return [sample]
    codes = np.bincount(sample.target.astype(int)).argsort()[::-1][:MAX_CLASSES]
    classes = [(sample.target == code).astype(np.float64) for code in codes]
    return [sample, *(replace(sample, problem="classification", target=target) for target in classes if np.ptp(target))]


def _in_rounds(sample: Sample, search: Callable[[Sample], Few | None]) -> Iterator[Finding]:
    """Up to three sets of columns, each found without those before: one may hide behind another."""
    waiting: list[Few] = []
    for _ in range(ROUNDS):
        few = search(sample)
        if few is None:
            return
        waiting.append(few)
        sample = sample.without(few.columns)
        rest = forecast(sample)
        if all(each.is_clear(rest) or is_far_better(each.score, rest) for each in waiting):
            yield from (_finding(each, rest) for each in waiting)
            waiting = []
        elif not few.is_formula:
            return


def _formula(sample: Sample) -> Few | None:
    found = min(formulas(sample), key=lambda each: (len(each.columns), -each.score), default=None)
    if found is None:
        return None
    names = tuple(name for name in sample.columns if name in found.columns)
    is_exact = sample.problem == "regression" and found.score >= EXACT
    is_short = found.score >= LIMITS.get(len(names), math.inf)
    is_better = is_short and max(powers_of(sample.only(names)).values()) <= WEAK[sample.problem]
    return Few(names, found.score, found.measure, is_exact, is_exact or is_better)


def _fewest(sample: Sample) -> Few | None:
    """The smallest set of the columns that matter most to a model of all."""
    whole, plausible = forecast(sample), PLAUSIBLE[sample.problem]
    if whole.score < plausible - NEAR:
        return None
    names = sorted(sample.columns, key=lambda name: -whole.importance[name])
    for number in range(1, min(MAX_FEW, len(names)) + 1):
        alone = forecast(sample.only(names[:number]))
        if alone.score >= plausible:
            return Few(tuple(names[:number]), alone.score, str(alone))
    return None


def _finding(few: Few, rest: Forecast) -> Finding:
    names, target, problem = _listed(few.columns), rest.sample.target_name, rest.sample.problem
    one = len(few.columns) == 1
    it = "it" if one else "them"
    return Finding(
        "column" if one else "joint",
        few.columns,
        few.score,
        PLAUSIBLE[problem],
        f"{names} alone predict{'s' * one} {target} with {few.measure}, a model without {it} has {rest}",
        f"{'Is' if one else 'Are'} {names} known when {target} is predicted?",
        f"Exclude {'it' if one else 'at least one of them'}, if not.",
    )


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
