"""Many rows some at a time: all at once they take far more room."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

SLICE = 50_000  # rows

Matrix = NDArray[np.float32]
Predictor = Callable[[Matrix], NDArray[np.float64]]


def sliced(predict: Predictor, at_once: int) -> Predictor:
    """The same scores, of many rows slice by slice, so many of them side by side."""

    def each(features: Matrix) -> NDArray[np.float64]:
        if len(features) <= SLICE:
            return predict(features)
        with ThreadPoolExecutor(at_once) as pool:
            slices = (features[start : start + SLICE] for start in range(0, len(features), SLICE))
            return np.concatenate(list(pool.map(predict, slices)))

    return each
