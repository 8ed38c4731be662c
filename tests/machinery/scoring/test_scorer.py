"""Features as the matrix that the estimator sees."""

import math

import numpy as np
import polars as pl
from late_flights.factory.scoring import scorer


def test_matrix_holds_codes_and_nan():
    kinds = pl.Series("kind", ["b", None], dtype=pl.Enum(["a", "b"]))
    values = scorer.matrix(pl.DataFrame([kinds, pl.Series("yes", [True, None]), pl.Series("n", [7, None])]))
    assert values.dtype == np.float32 and values.flags.c_contiguous
    assert values[0].tolist() == [1, 1, 7] and all(map(math.isnan, values[1]))
