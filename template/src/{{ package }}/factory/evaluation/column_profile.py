"""The values of a column, in the training rows and in the test rows."""

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

BINS, VALUES = 30, 10
SAMPLED = 200_000  # values of each part, about, evenly spaced: shares do not need more
PROBED = 10_000  # values: mostly enough to see that there are more distinct ones than bins
CATEGORICAL = (pl.String, pl.Enum, pl.Categorical, pl.Boolean)


def profile(train: pl.Series, test: pl.Series, *, hidden: bool = False) -> dict[str, Any]:
    """Type, shares of missing values, a summary, and both distributions where they can be drawn.

    A distribution is a list of shares that add up to one, over the same bins or values in both. Of a column whose values
    are to stay hidden, only how many there are.
    """
    present = [_present(part) for part in (train, test)]
    sampled = [part.gather_every(-(-max(len(part), 1) // SAMPLED)) for part in present]
    both = pl.concat(present)
    distributions = None
    if not hidden and not _is_constant(both):
        distributions = (
            _shares(*sampled) if both.dtype in CATEGORICAL else _histograms(*sampled) if _is_scale(both) else None
        )
    return {
        "name": train.name,
        "type": str(train.dtype.base_type()),
        "missing": [1 - len(p) / max(len(part), 1) for p, part in zip(present, (train, test), strict=True)],
        "summary": _count(both) if hidden else _summary(both, pl.concat(sampled)),
        "distributions": distributions,
    }


def _present(part: pl.Series) -> pl.Series:
    return (part.fill_nan(None) if part.dtype.is_float() else part).drop_nulls()


def _is_scale(values: pl.Series) -> bool:
    return values.dtype.is_numeric() or values.dtype.is_temporal()


def _is_constant(values: pl.Series) -> bool:
    if _is_scale(values):
        return values.min() == values.max()
    return values.head(PROBED).n_unique() < 2 and values.n_unique() < 2


def _summary(values: pl.Series, sampled: pl.Series) -> dict[str, Any]:
    if values.is_empty():
        return {"kind": "empty"}
    if _is_constant(values):
        return {"kind": "constant", "value": values[0]}
    if _is_scale(values):
        return {"kind": "range", "low": values.min(), "middle": _median(values), "high": values.max()}
    if values.dtype in CATEGORICAL:
        counts = _counts(sampled)
        if counts["count"][0] > 1:
            top = counts.head(3).with_columns(pl.col("count") / len(sampled))
            return {"kind": "values", "top": top.rows(), "more": counts.height - top.height}
    return _count(values)


def _median(values: pl.Series) -> Any:
    middle = values.median()
    return middle.date() if values.dtype == pl.Date and isinstance(middle, datetime) else middle


def _count(values: pl.Series) -> dict[str, Any]:
    return {"kind": "other", "different": values.n_unique()}


def _counts(values: pl.Series) -> pl.DataFrame:
    """Values and how often they occur, the most frequent first, ties by name."""
    counts = values.cast(pl.String).alias("value").value_counts(name="count")
    return counts.sort(["count", "value"], descending=[True, False])


def _shares(train: pl.Series, test: pl.Series) -> tuple[list[float], list[float]] | None:
    counts = _counts(pl.concat([train, test]))
    if counts["count"][0] == 1:
        return None
    top = counts["value"].head(VALUES).to_list()

    def shares(part: pl.Series) -> list[float]:
        text = part.cast(pl.String)
        each = [float((text == value).sum()) / max(len(part), 1) for value in top]
        return [*each, 1 - sum(each)] if counts.height > VALUES else each

    return shares(train), shares(test)


def _histograms(train: pl.Series, test: pl.Series) -> tuple[list[float], list[float]] | None:
    parts = [part.to_physical().cast(pl.Float64).to_numpy() for part in (train, test)]
    both = np.concatenate(parts)
    both = both[np.isfinite(both)]
    if not len(both):
        return None
    low, high = np.quantile(both, [0.005, 0.995]).tolist()
    if low == high:
        low, high = float(both.min()), float(both.max())
    distinct = len(np.unique(both[:PROBED]))
    bins = BINS if distinct >= BINS else min(BINS, len(np.unique(both)))

    def shares(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
        counts = np.histogram(np.clip(values, low, high), bins, (low, high))[0]
        return (counts / max(len(values), 1)).tolist()  # type: ignore[no-any-return]

    return shares(parts[0]), shares(parts[1])
