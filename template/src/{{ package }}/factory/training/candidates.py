"""The portfolio: which models of each family are worth a try for a problem, from the simplest on."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl
from sklearn.base import BaseEstimator

from ... import contract
from ..config import Params
from . import families
from .bases import Base

FAMILIES = ("linear", "boosting", "extra_trees")
SIMPLE = "simple"
"""Of forecasts: nothing is learned beyond the simple forecast that others start from."""
PENALTIES = (1.0, 10.0, 100.0, 1000.0)
OF_FORECASTS = (100.0, 1000.0, 10_000.0)
"""Penalties of what a simple forecast misses, of which little can be learned."""
BINS = (0, 9)  # an odd number, so that the median, which stands for missing values, is not on an edge
BOOSTING = {"learning_rate": 0.05, "l2_regularization": 1.0, "random_state": 0}
SIZES: tuple[dict[str, Any], ...] = (
    {"max_leaf_nodes": 4, "learning_rate": 0.1},
    {"max_leaf_nodes": 8},
    {"max_leaf_nodes": 31, "max_features": 0.5},
)
"""Of the trees in boosting; large ones see a random half of the features at each split, which makes them differ."""
TREES, MOST_LEAVES, MOST_CLASSES = 100, 250, 5
"""Of extra trees: a tree has a copy for each class in ONNX, and more leaves would make the model too large."""
DEFAULT_ROUNDS = 150
WIDE = 200  # columns: of more, fewer candidates
ABSOLUTE, SQUARED = ("mae", "mase"), ("rmse", "rmsse")
"""Metrics of absolute and of squared errors."""


@dataclass(frozen=True)
class Candidate:
    """A model of one family, or with weights the blend of several, whose parameters are those of all members."""

    families: tuple[str, ...]
    parameters: dict[str, Any] = field(default_factory=dict)
    logarithmic: bool = False
    base: Base | None = None
    """Of a forecast, what is learned relative to."""

    @property
    def name(self) -> str:
        """What the leaderboard calls it."""
        shown = {name: value for name, value in self.parameters.items() if name != "random_state"}
        values = ", ".join(
            f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in shown.items()
        )
        scale = "logarithm of the target, " if self.logarithmic else ""
        base = f"relative to {self.base.columns[0]}" if self.base else ""
        return f"{self.family}: {', '.join(filter(None, (base, scale + values)))}"

    @property
    def family(self) -> str:
        """The family, or the members of a blend."""
        return " + ".join(self.families)

    @property
    def complexity(self) -> tuple[float, int, int, int, bool]:
        """In this order the simpler one is preferred: less that is learned beyond a simple forecast, fewer members, an earlier
        family, smaller trees, the target as it is."""
        size = self.parameters.get("max_leaf_nodes", 0) + self.parameters.get("bins", 0)
        return self._learned, len(self.families), (SIMPLE, *FAMILIES).index(self.families[0]), size, self.logarithmic

    @property
    def _learned(self) -> float:
        """The share of the answer that is learned."""
        if SIMPLE not in self.families:
            return 1.0
        weights = self.parameters.get("weights", [1])
        return 1 - float(weights[self.families.index(SIMPLE)] / sum(weights))

    def with_parameters(self, **parameters: Any) -> "Candidate":
        """The same with other parameters."""
        return replace(self, parameters=self.parameters | parameters)

    def estimator(self, problem: str, features: pl.Schema) -> BaseEstimator:
        """The unfitted estimator of one family, for the target as it is on the scale that is learned."""
        task = "regression" if problem == "forecasting" else problem
        return getattr(families, self.families[0])(task, features, **self.parameters)


def default(base: Base | None = None) -> Candidate:
    """What is written where rows are too few to compare; of a forecast with a base, that alone."""
    if base:
        return Candidate((SIMPLE,), base=base)
    return Candidate(("boosting",), BOOSTING | SIZES[1] | {"max_iter": DEFAULT_ROUNDS})


def metric_of(params: Params) -> str:
    """The metric to choose by: a proper score, whatever the main metric ranks by."""
    if not params.is_number:
        return "log_loss"
    known = (*ABSOLUTE, *SQUARED) if params.forecast else ("mae",)
    return params.evaluation.metric if params.evaluation.metric in known else "mase" if params.forecast else "rmse"


def linear_ones(columns: int, penalties: tuple[float, ...] = PENALTIES) -> Iterator[Candidate]:
    """Linear models, on the target as it is; bins of very many columns would take memory and minutes."""
    for bins in BINS if columns <= WIDE else BINS[:1]:
        for penalty in penalties:
            yield Candidate(("linear",), {"penalty": penalty, "bins": bins})


def boosting_ones(params: Params, columns: int) -> Iterator[Candidate]:
    """Boosting of several sizes, with as many rounds as early stopping finds; of very many columns, of small trees alone."""
    loss = {"loss": "absolute_error"} if metric_of(params) in ABSOLUTE else {}
    for size in SIZES if columns <= WIDE else SIZES[:1]:
        yield Candidate(("boosting",), BOOSTING | size | loss)


def extra_trees_ones(params: Params, classes: int) -> Iterator[Candidate]:
    """Extra trees, unless the classes are so many that a forest would be large."""
    if classes > MOST_CLASSES:
        return
    least = max(classes, 1) / MOST_LEAVES
    for share in (0.3, 1.0) if params.is_number else (0.2, 0.5):
        yield Candidate(("extra_trees",), {"trees": TREES, "leaf_share": least, "split_share": share})


def other_losses(best: Candidate, lowest: float, params: Params) -> Iterator[Candidate]:
    """The best boosting with losses for targets that are not negative, whose errors grow with them.

    Gamma only where the contract allows no zero, since the first one would end a later training.
    """
    if params.problem == "regression" and "loss" not in best.parameters and lowest >= 0:
        yield best.with_parameters(loss="poisson")
        if lowest > 0 and not _zero_is_allowed(params):
            yield best.with_parameters(loss="gamma")


def can_be_logarithmic(lowest: float, params: Params) -> bool:
    """Whether the target, of which this is the lowest value, has a logarithm: of numbers below zero there is none."""
    return params.problem == "regression" and params.evaluation.metric != "mae" and lowest >= 0


def _zero_is_allowed(params: Params) -> bool:
    column = contract.LabelledRow.columns()[params.data.target]
    least, above = getattr(column, "min", None), getattr(column, "min_exclusive", None)
    return (least is None or least <= 0) and (above is None or above < 0)
