"""A column that alone predicts the target."""

from collections.abc import Iterator

from ..training.leakage import predictive_power
from .finding import Finding
from .forest import forecast, ranks
from .sample import SCORES, Sample

LIMIT = 0.995
"""Of the score in unseen rows, of a tree of this column alone."""


def find(sample: Sample) -> Iterator[Finding]:
    """Each column that alone predicts the target of unseen rows almost perfectly."""
    powers = powers_of(sample)
    found = [name for name in powers if powers[name] > LIMIT]
    rest = forecast(sample.without(found)) if found else None
    for name in found:
        yield Finding(
            "column",
            (name,),
            powers[name],
            LIMIT,
            f"{name} alone predicts {sample.target_name} with {SCORES[sample.problem]} {powers[name]:.4f}, "
            f"a model without it has {rest}",
            f"Is {name} known when {sample.target_name} is predicted?",
            "Exclude it, if not.",
        )


def powers_of(sample: Sample) -> dict[str, float]:
    """How well each column alone predicts the target, or the ranks of a number: its logarithm has the same."""
    targets = [sample.target]
    if sample.problem == "regression":
        targets.append(ranks(sample.target))
    return {
        name: max(predictive_power(values, target, sample.problem) for target in targets)
        for name, values in sample.columns.items()
    }
