"""What a column holds, in the training rows and in the test rows."""

from typing import Any

import numpy as np
import polars as pl

BINS, VALUES = 30, 10
COUNTED = 200_000  # values of a side, about, spread over it: of more, shares are as good
SOME = 10_000  # values, which mostly tell already that there are more than bins
WORDS = (pl.String, pl.Enum, pl.Categorical, pl.Boolean)


def profile(train: pl.Series, test: pl.Series) -> dict[str, Any]:
    """Type, shares of missing values, a summary in words, and both distributions where they can be drawn.

    A distribution is a list of shares that add up to one, over the same bins or values on both sides.
    """
    known = [_known(side) for side in (train, test)]
    some = [side.gather_every(-(-max(len(side), 1) // COUNTED)) for side in known]
    both = pl.concat(known)
    drawn = None
    if not _is_constant(both):
        drawn = _shares(*some) if both.dtype in WORDS else _histograms(*some) if _is_scale(both) else None
    return {
        "name": train.name,
        "type": str(train.dtype.base_type()),
        "missing": [1 - len(k) / max(len(side), 1) for k, side in zip(known, (train, test), strict=True)],
        "summary": _summary(both, pl.concat(some)),
        "distributions": drawn,
    }


def _known(side: pl.Series) -> pl.Series:
    return (side.fill_nan(None) if side.dtype.is_float() else side).drop_nulls()


def _is_scale(known: pl.Series) -> bool:
    return known.dtype.is_numeric() or known.dtype.is_temporal()


def _is_constant(known: pl.Series) -> bool:
    if _is_scale(known):
        return known.min() == known.max()
    return known.head(SOME).n_unique() < 2 and known.n_unique() < 2


def _summary(known: pl.Series, some: pl.Series) -> dict[str, Any]:
    if known.is_empty():
        return {"kind": "empty"}
    if _is_constant(known):
        return {"kind": "constant", "value": known[0]}
    if _is_scale(known):
        return {"kind": "range", "low": known.min(), "middle": known.median(), "high": known.max()}
    if known.dtype in WORDS:
        counts = _counts(some)
        if counts["count"][0] > 1:
            top = counts.head(3).with_columns(pl.col("count") / len(some))
            return {"kind": "values", "top": top.rows(), "more": counts.height - top.height}
    return {"kind": "other", "different": known.n_unique()}


def _counts(known: pl.Series) -> pl.DataFrame:
    """Values and how often they occur, the most frequent first and equals by name."""
    counts = known.cast(pl.String).alias("value").value_counts(name="count")
    return counts.sort(["count", "value"], descending=[True, False])


def _shares(train: pl.Series, test: pl.Series) -> tuple[list[float], list[float]] | None:
    counts = _counts(pl.concat([train, test]))
    if counts["count"][0] == 1:
        return None
    top = counts["value"].head(VALUES).to_list()

    def shares(side: pl.Series) -> list[float]:
        text = side.cast(pl.String)
        found = [float((text == value).sum()) / max(len(side), 1) for value in top]
        return [*found, 1 - sum(found)] if counts.height > VALUES else found

    return shares(train), shares(test)


def _histograms(train: pl.Series, test: pl.Series) -> tuple[list[float], list[float]] | None:
    sides = [side.to_physical().cast(pl.Float64).to_numpy() for side in (train, test)]
    both = np.concatenate(sides)
    both = both[np.isfinite(both)]
    if not len(both):
        return None
    low, high = np.quantile(both, [0.005, 0.995]).tolist()
    if low == high:
        low, high = float(both.min()), float(both.max())
    some = len(np.unique(both[:SOME]))
    bins = BINS if some >= BINS else min(BINS, len(np.unique(both)))

    def shares(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
        counts = np.histogram(np.clip(values, low, high), bins, (low, high))[0]
        return (counts / max(len(values), 1)).tolist()  # type: ignore[no-any-return]

    return shares(sides[0]), shares(sides[1])
