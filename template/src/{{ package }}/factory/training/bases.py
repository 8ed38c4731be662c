"""The simple forecast that the model of a forecast starts from, and which features are to be seen relative to it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ... import contract
from ..forecasting.rows import BETTER_FIRST, SMOOTHED
from ..metrics.definitions import Vector
from ..scoring.relative import Relative
from ..tables.chunks import Matrix
from . import families

NAMES = (SMOOTHED[0], *BETTER_FIRST)
"""Columns of a forecast's rows that may be the base, the better ones first."""
ALWAYS = "naive"  # known of every series that has a history
SCALE = "scale"
PREFERENCE = 0.05
NEAR = 3  # times the error of the best column
MOST_UNKNOWN = 0.5  # of a column that may be the base


@dataclass(frozen=True)
class Base:
    """Its columns, of which the first that is known counts; the features in the target's unit; and the least that is forecast."""

    columns: list[str]
    levels: list[str]
    least: float | None = None

    def parameters(self) -> dict[str, Any]:
        """As the arguments of model()."""
        least = {} if self.least is None else {"least": self.least}
        return {"base": self.columns, "levels": self.levels} | least

    def relative(self, regressor: Any, schema: pl.Schema) -> Relative:
        """The estimator around the regressor, of columns by position."""
        places = schema.names().index
        made: Relative = families.relative(regressor, **self.parameters())
        base, levels = ([places(name) for name in names] for names in (self.columns, self.levels))
        made.set_params(base=base, scale=places(SCALE), levels=levels)
        return made


def usual(schema: pl.Schema, target: str) -> Base | None:
    """The base where no rows are compared; None where the features lack a scale or any forecast."""
    known = [name for name in NAMES if name in schema]
    return Base(_with_always(known[:1], schema), known, least(target)) if known and SCALE in schema else None


def chosen(inputs: Matrix, target: Vector, schema: pl.Schema, name_of_target: str) -> Base | None:
    """The column that is nearest to the target by the series' scale; and those that are about as near, which have its unit.

    That a share or a temperature is near it, too, is chance, and does no harm.
    """
    otherwise = usual(schema, name_of_target)
    scale = inputs[:, schema.names().index(SCALE)] if otherwise else np.empty(0)
    rows = scale > 0
    if otherwise is None or not rows.any():
        return otherwise
    goal, numbers = target[rows] / scale[rows], [name for name, dtype in schema.items() if dtype.is_float()]
    columns = {name: inputs[rows, schema.names().index(name)] / scale[rows] for name in numbers if name != SCALE}
    known = {name: column for name, column in columns.items() if np.isnan(column).mean() < MOST_UNKNOWN}
    errors = {name: float(np.nanmean(np.abs(goal - column))) for name, column in known.items()}
    near = max(NEAR * min(errors.values(), default=0), float(np.mean(np.abs(goal))) / 2)
    levels = [name for name in columns if name in NAMES or errors.get(name, np.inf) < near]
    best = min((name for name in levels if name in errors), key=lambda name: _error(name, errors), default=None)
    return Base(_with_always([best], schema), levels, otherwise.least) if best else otherwise


def _error(name: str, errors: dict[str, float]) -> float:
    """Of the column, less for the first of the usual ones, which is a mean of several methods and so the safest."""
    return errors[name] * (1 - PREFERENCE * (name == NAMES[0]))


def least(target: str) -> float | None:
    """Zero, where contract.py allows nothing below it for the target."""
    bound = getattr(contract.LabelledRow.columns()[target], "min", None)
    return 0.0 if bound is not None and bound >= 0 else None


def _with_always(columns: list[str], schema: pl.Schema) -> list[str]:
    return columns + [ALWAYS] * (ALWAYS in schema and ALWAYS not in columns)
