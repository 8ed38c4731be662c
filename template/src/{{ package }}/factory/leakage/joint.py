"""Few columns that together predict the target, while the others hardly do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .finding import Finding
from .forest import Forecast, forecast
from .formulas import EXACT, formulas
from .sample import Sample

PLAUSIBLE = {"classification": 0.96, "multiclass": 0.96, "regression": 0.98}
"""A score of few columns from here on needs an explanation."""
NEAR = 0.03
"""How much lower it may be of all columns, of which many only disturb."""
REST = 0.85
"""The score of the other columns, at most: in honest tables that are nearly perfect, others predict the target as well."""
TIMES = 8
"""How much more the others leave unexplained."""
MAX_FEW, MIN_REST, ROUNDS = 4, 3, 3


@dataclass(frozen=True)
class Few:
    """Columns that together predict the target, with their score in words."""

    columns: tuple[str, ...]
    score: float
    measure: str


def find_formulas(sample: Sample) -> Iterator[Finding]:
    """Columns of which a formula is the target."""
    yield from _in_rounds(sample, _formula)


def find_few(sample: Sample) -> Iterator[Finding]:
    """Columns of which a model is implausibly good."""
    yield from _in_rounds(sample, _fewest)


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
        if all(_is_exact(sample, each) or _far_more(each, rest) for each in waiting):
            yield from (_finding(each, rest) for each in waiting)
            waiting = []


def _formula(sample: Sample) -> Few | None:
    found = min(formulas(sample), key=lambda each: (len(each.columns), -each.score), default=None)
    if found is None:
        return None
    return Few(tuple(name for name in sample.columns if name in found.columns), found.score, found.measure)


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


def _is_exact(sample: Sample, few: Few) -> bool:
    return sample.problem == "regression" and few.score >= EXACT


def _far_more(few: Few, rest: Forecast) -> bool:
    enough = len(rest.sample.columns) >= MIN_REST
    return enough and rest.score <= REST and 1 - rest.score >= TIMES * (1 - few.score)


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
