"""The estimator of model.py: made, fitted, and described."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from ... import model
from ..config import Params
from ..errors import FactoryError
from ..metrics.definitions import Vector
from ..tables.chunks import Matrix


def fit(inputs: Matrix, target: Vector, params: Params, schema: pl.Schema) -> BaseEstimator:
    """A new estimator fitted to the features. Raises FactoryError naming a parameter that it does not accept."""
    with _readable_errors():
        estimator = build(params, schema)
        with threadpool_limits(1, user_api="blas"):  # more would add up in another order, and the bytes would differ
            return estimator.fit(inputs, target)


def build(params: Params, schema: pl.Schema) -> BaseEstimator:
    """What model() returns."""
    categorical = [i for i, dtype in enumerate(schema.dtypes()) if dtype == pl.Enum]
    return model.model(params.problem, categorical, **params.model)


def describe(estimator: BaseEstimator) -> dict[str, Any]:
    """The estimator's class, by the name that it is imported by, and its parameters, ready for JSON."""
    return {"class": _dotted(type(estimator)), "parameters": _plain(estimator.get_params())}


def _dotted(kind: Any) -> str:
    """The full name without private modules."""
    return f"{kind.__module__.partition('._')[0]}.{kind.__qualname__}"


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
        raise FactoryError(f"model.py: makes no estimator for {error}: add it") from error
    except (TypeError, ValueError) as error:
        raise FactoryError(f"params.yaml, model: {str(error).partition(chr(10))[0]}") from error
