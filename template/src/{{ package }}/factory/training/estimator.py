"""The estimator of model.py: made, fitted, and described."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_info, threadpool_limits

from ... import model
from ..config import Params
from ..errors import FactoryError
from ..metrics.definitions import Vector
from ..scoring.relative import Relative
from ..tables.chunks import Matrix


def fit(inputs: Matrix, target: Vector, params: Params, schema: pl.Schema) -> BaseEstimator:
    """A new estimator fitted to the features. Raises FactoryError naming a parameter that it does not accept."""
    with _readable_errors():
        estimator = build(params.problem, params.model, schema)
        result = fitted(estimator, inputs, target)
    if not hasattr(result, "predict"):
        raise FactoryError(
            f"model.py: fit() of {type(estimator).__name__} returns {type(result).__name__}: it has to return self"
        )
    if not params.is_number and not hasattr(result, "predict_proba"):
        raise FactoryError(
            f"model.py: {type(result).__name__} has no predict_proba, so that it gives no probabilities: "
            "put it into sklearn.calibration.CalibratedClassifierCV, or take another estimator"
        )
    return result


def fitted(estimator: BaseEstimator, inputs: Matrix, target: Vector, **more: Any) -> BaseEstimator:
    """The estimator, fitted to the same bytes on any number of processors; `more` goes to its fit()."""
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():  # more threads would add up in another order
        warnings.filterwarnings(
            "ignore", module=r"sklearn\.preprocessing\._discretization"
        )  # of features with few values
        return estimator.fit(_without_empty_columns(inputs), target, **more)


def _check_is_estimator(made: Any) -> None:
    if isinstance(made, type) or not hasattr(made, "fit"):
        what = f"the class {made.__name__}" if isinstance(made, type) else type(made).__name__
        raise FactoryError(f"model.py: model() returns {what}: it has to return an estimator, as sklearn's are")


def check_scores(fitted: BaseEstimator, inputs: Matrix, params: Params) -> None:
    """Refuse an estimator that gives no number, or as a probability one outside 0 to 1."""
    name = type(fitted).__name__
    with _readable_errors():
        scores = np.asarray(fitted.predict(inputs) if params.is_number else fitted.predict_proba(inputs))
    if scores.dtype.kind not in "fiub" or len(scores) != len(inputs):
        raise FactoryError(f"model.py: {name} gives no number for each row")
    if not np.isfinite(scores).all():
        raise FactoryError(f"model.py: {name} gives NaN or infinity as a score")
    if not params.is_number and (scores.min() < 0 or scores.max() > 1):
        raise FactoryError(
            f"model.py: {name} gives probabilities from {scores.min():.3g} to {scores.max():.3g}: they have to be between 0 and 1"
        )


def blas_kernel() -> str | None:
    """The processor's code that OpenBLAS has chosen, on which the last digits of linear models depend."""
    return next((each["architecture"] for each in threadpool_info() if each["internal_api"] == "openblas"), None)


def _without_empty_columns(inputs: Matrix) -> Matrix:
    """Zeros where a feature is unknown in all rows, as one that came later is in old ones: boosting fails on such a column.

    A constant has no influence: predictions ignore the feature.
    """
    empty = [i for i in np.flatnonzero(np.isnan(inputs[:1])) if np.isnan(inputs[:, i]).all()]
    if not empty:
        return inputs
    inputs = inputs.copy()
    inputs[:, empty] = 0
    return inputs


def make(problem: str, parameters: dict[str, Any], schema: pl.Schema) -> BaseEstimator:
    """What model() returns. One without `features`, as before release 0.3.0, gets the positions of the categories."""
    function: Any = model.model
    if "features" in signature(function).parameters:
        return function(problem, schema, **parameters)
    categorical = [i for i, dtype in enumerate(schema.dtypes()) if dtype == pl.Enum]
    return function(problem, categorical, **parameters)


def build(problem: str, parameters: dict[str, Any], schema: pl.Schema) -> BaseEstimator:
    """An estimator for a matrix of these features."""
    estimator = make(problem, parameters, schema)
    _check_is_estimator(estimator)
    by_position(estimator, schema.names())
    return estimator


def describe(problem: str, parameters: dict[str, Any], schema: pl.Schema) -> dict[str, Any]:
    """The estimator's class, by the name that it is imported by, and its parameters, ready for JSON."""
    estimator = make(problem, parameters, schema)
    return {"class": _dotted(type(estimator)), "parameters": _plain(estimator.get_params())}


def by_position(estimator: Any, names: list[str]) -> None:
    """Replace the names of columns by their positions, since the estimator is fitted to a matrix.

    Only where the input is that matrix: the columns after the first step of a pipeline are others.
    """
    if isinstance(estimator, Pipeline):
        by_position(estimator.steps[0][1], names)
    elif isinstance(estimator, ColumnTransformer):
        estimator.transformers = [(*step, _positions(columns, names)) for *step, columns in estimator.transformers]
    elif isinstance(estimator, Relative):
        by_position(estimator.regressor, names)
        columns = {name: getattr(estimator, name) for name in ("base", "scale", "levels")}
        estimator.set_params(**{name: _positions(value, names) for name, value in columns.items()})
    elif hasattr(estimator, "get_params"):
        for name, value in estimator.get_params(deep=False).items():
            if name in ("estimator", "regressor"):
                by_position(value, names)
            elif name == "estimators":  # of a vote or a stack
                for _, each in value:
                    by_position(each, names)
            elif name == "categorical_features" and isinstance(value, list):
                estimator.set_params(categorical_features=_positions(value, names))
            elif name == "monotonic_cst" and isinstance(value, dict):
                _positions(list(value), names)
                estimator.set_params(monotonic_cst=[value.get(column, 0) for column in names])


def _positions(columns: Any, names: list[str]) -> Any:
    """The positions of columns that are named; anything else stays."""
    if isinstance(columns, str):
        return _positions([columns], names)[0]
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        return columns
    if unknown := [column for column in columns if column not in names]:
        raise FactoryError(f"model.py: {unknown[0]} is not a feature: {', '.join(names)} are")
    return [names.index(column) for column in columns]


def _dotted(kind: Any) -> str:
    """The full name without private modules; methods of built-in types have no module."""
    module = getattr(kind, "__module__", None) or "builtins"
    return f"{module.partition('._')[0]}.{kind.__qualname__}"


def _plain(value: Any) -> Any:
    """The value as JSON holds it; of anything else its name, since its text may contain a memory address."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() | np.floating():
            return float(value) if math.isfinite(value) else str(value)
        case np.generic() | np.ndarray():
            return _plain(value.tolist())
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return _dotted(value if hasattr(value, "__qualname__") else type(value))


@contextmanager
def _readable_errors() -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise FactoryError(f"model.py: no estimator for {error}: add one") from error
    except (TypeError, ValueError) as error:
        raise FactoryError(f"params.yaml, model: {str(error).partition(chr(10))[0]}") from error
