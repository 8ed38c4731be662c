"""Features are computed row by row: those of a row must not depend on which other rows are there, or on chance."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..config import Params
from ..errors import FactoryError, Refused
from ..scoring.feature_table import features
from ..scoring.scorer import matrix
from ..scoring.texts import NONE, Encoders
from ..tables.chunks import Rows, sample

ROWS, SINGLE_ROWS = 200, 10
"""How many are compared with each other, and how many are computed one by one."""
TOLERANCE = 1e-5  # for sums in another order


def check_row_by_row(rows: Rows, params: Params, encoders: Encoders = NONE) -> None:
    """Refuse features of a row that change with the other rows, with their order, or from call to call."""
    probes = sample(rows, ROWS)
    table = features(probes)
    encoded = encoders(table)
    expected, names = matrix(encoded), encoded.columns
    for chosen, others in _choices(probes.height):
        again = features(probes[chosen])
        if again.schema != table.schema:
            name = next(name for name, dtype in again.schema.items() if table.schema.get(name) != dtype)
            raise FactoryError(
                f"features.py: the type of {name} is {again.schema[name]} or {table.schema.get(name)}, by the rows: cast it"
            )
        found = matrix(encoders(again))
        same = np.isclose(found, expected[chosen], rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        if same.all():
            continue
        row, place = np.argwhere(~same)[0]
        error = partial(Refused, "LEAKAGE") if params.forecast else FactoryError  # other rows are of later times
        raise error(
            f"features.py: {names[place]} is {expected[chosen][row, place]:.6g} for a row, and {found[row, place]:.6g} for the same row "
            f"{others}: compute it from the row alone, since the service scores single rows"
        )


def _choices(count: int) -> Iterator[tuple[NDArray[np.int64], str]]:
    order = np.random.default_rng(0).permutation(count)
    yield np.arange(count), "the next time"
    yield order, "when the rows are in another order"
    yield order[: count // 2], "when half of the others are missing"
    for position in order[:SINGLE_ROWS]:
        yield np.array([position]), "on its own"


def check_finite(inputs: NDArray[np.float32], names: list[str]) -> None:
    """Refuse infinite features; those beyond the range of 32 bits are."""
    infinite = np.isinf(inputs).sum(axis=0)
    for name, count in zip(names, infinite.tolist(), strict=True):
        if count:
            raise FactoryError(
                f"features.py: {name} is infinite, or larger than a 32-bit number, in {count:,} of {len(inputs):,} rows "
                "(a division by 0?): return null where there is no value"
            )
