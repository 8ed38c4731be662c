"""A column that alone predicts the target."""

from collections.abc import Iterator

from ..training.leakage import predictive_power
from .finding import Finding
from .forest import Forecast, forecast, ranks
from .sample import SCORES, Sample

LIMIT = 0.995
"""The score in unseen rows, of a tree of one column, from which on it does not matter what the others predict."""
PLAUSIBLE = {"classification": 0.96, "multiclass": 0.96, "regression": 0.98}
"""A score of few columns from here on needs an explanation, unless the others predict the target as well."""
REST = 0.85
"""The score of the others, at most; in honest tables that are nearly perfect, it is higher."""
TIMES = 8
"""How much more the others leave unexplained."""
MIN_REST = 3
"""Fewer other columns need not predict anything."""


def find(sample: Sample) -> Iterator[Finding]:
    """Each column that alone predicts the target of unseen rows almost perfectly."""
    powers = powers_of(sample)
    strong = [name for name in powers if powers[name] >= PLAUSIBLE[sample.problem]]
    rest = forecast(sample.without(strong)) if strong else None
    for name in strong:
        if rest and (powers[name] > LIMIT or is_far_better(powers[name], rest)):
            yield Finding(
                "column",
                (name,),
                powers[name],
                PLAUSIBLE[sample.problem],
                f"{name} alone predicts {sample.target_name} with {SCORES[sample.problem]} {powers[name]:.4f}, "
                f"a model without it has {rest}",
                f"Is {name} known when {sample.target_name} is predicted?",
                "Exclude it, if not.",
            )


def is_far_better(score: float, rest: Forecast) -> bool:
    """Whether the other columns predict so little that a score beyond PLAUSIBLE is suspicious."""
    enough = len(rest.sample.columns) >= MIN_REST
    return enough and rest.score <= REST and 1 - rest.score >= TIMES * (1 - score)


def powers_of(sample: Sample) -> dict[str, float]:
    """How well each column alone predicts the target, or the ranks of a number: its logarithm has the same."""
    targets = [sample.target]
    if sample.problem == "regression":
        targets.append(ranks(sample.target))
    return {
        name: max(predictive_power(values, target, sample.problem) for target in targets)
        for name, values in sample.columns.items()
    }
