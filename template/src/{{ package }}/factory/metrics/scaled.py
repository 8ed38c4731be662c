"""Errors in units of how much a series changes anyway, so that those of large and small series can be averaged."""

from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class Scaled(np.ndarray[tuple[int], np.dtype[np.float64]]):
    """Targets with the scale of each, which choosing rows keeps beside them; whatever is computed of them is a plain array."""

    scale: Vector | None = None

    def __new__(cls, target: Vector, scale: Vector) -> Self:
        """Targets with these scales."""
        self = np.asarray(target, np.float64).view(cls)
        self.scale = scale
        return self

    def __getitem__(self, rows: Any) -> Any:
        """Those of the rows."""
        if self.scale is None or isinstance(part := super().__getitem__(rows), float):
            return np.asarray(self)[rows]
        return Scaled(part, self.scale[rows])

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """What a function of NumPy gives."""
        return array[()] if return_scalar else np.asarray(array)


def scaled(target: Vector, scale: pl.Series) -> Scaled:
    """The targets; one whose series has no scale, being constant or new, has the mean of the others', or 1."""
    known = scale.cast(pl.Float64).replace(0.0, None)
    return Scaled(target, known.fill_null(1.0 if known.mean() is None else known.mean()).to_numpy())


def mean_absolute_scaled_error(target: Vector, score: Vector) -> float:
    """MASE (Hyndman & Koehler 2006)."""
    return float(np.abs(_errors(target, score)).mean())


def root_mean_squared_scaled_error(target: Vector, score: Vector) -> float:
    """RMSSE, by the same scale (ibid.)."""
    return float(np.sqrt(np.square(_errors(target, score)).mean()))


def _errors(target: Vector, score: Vector) -> Vector:
    scale = getattr(target, "scale", None)
    if scale is None:
        raise ValueError("these targets have lost their scales")
    return (score - np.asarray(target)) / scale  # type: ignore[no-any-return]
