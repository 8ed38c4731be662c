"""How strongly columns go together, from 0 to 1: numbers by their ranks, categories by Cramér's V, both by the correlation ratio."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .view import View

MOST_COLUMNS, MOST_ROWS = 300, 10_000
MOST_CATEGORIES = 100
BINS = 10  # of numbers, where they are to explain something
NEARLY_ONE = 0.95
FEWEST = 20  # rows with both values

Codes = NDArray[np.int64]
Ranks = NDArray[np.float64]


@dataclass(frozen=True)
class Associations:
    """Of each two of the columns; `directions` are those of ranks, and 0 where there are none."""

    columns: tuple[str, ...]
    strength: NDArray[np.float64]
    direction: NDArray[np.float64]
    left_out: int = 0
    """Columns beyond the first, which are too many to compare."""

    def pairs(self, least: float = NEARLY_ONE) -> list[tuple[str, str, float]]:
        """The pairs with at least that association, signed where it has a direction, the strongest first."""
        rows, columns = np.nonzero(np.triu(self.strength >= least, 1))
        found = [
            (self.columns[i], self.columns[j], float(self.strength[i, j] * (self.direction[i, j] or 1)))
            for i, j in zip(rows, columns, strict=True)
        ]
        return sorted(found, key=lambda pair: -abs(pair[2]))

    def most_connected(self, most: int) -> "Associations":
        """The columns with the strongest associations, in their order."""
        others = self.strength - np.eye(len(self.columns))
        kept = np.sort(np.argsort(-others.max(axis=0, initial=0), kind="stable")[:most])
        cut = np.ix_(kept, kept)
        return Associations(
            tuple(self.columns[i] for i in kept), self.strength[cut], self.direction[cut], self.left_out
        )


@dataclass(frozen=True)
class _Sorted:
    ranks: dict[str, Ranks] = field(default_factory=dict)  # centred, 0 where missing
    known: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    codes: dict[str, Codes] = field(default_factory=dict)  # -1 where missing


def associations(view: View) -> Associations:
    """Of the columns that number or name no row, and have no more categories than can be compared."""
    rows = view.sample.head(MOST_ROWS)
    usable = [name for name in rows.columns if name not in view.keys and rows[name].n_unique() > 1]
    parts = _Sorted()
    for name in usable[:MOST_COLUMNS]:
        _add(parts, rows[name])
    names = [*parts.ranks, *parts.codes]
    size, numbers = len(names), len(parts.ranks)
    strength, direction = np.eye(size), np.zeros((size, size))
    correlations = _correlations(parts)
    strength[:numbers, :numbers], direction[:numbers, :numbers] = np.abs(correlations), np.sign(correlations)
    for place, name in enumerate(parts.codes, start=numbers):
        ratios = _ratios(parts.codes[name], parts)
        strength[place, :numbers] = strength[:numbers, place] = ratios
        for other, codes in list(zip(range(numbers, place), parts.codes.values(), strict=False)):
            strength[place, other] = strength[other, place] = cramers_v(parts.codes[name], codes)
    order = np.array([names.index(name) for name in rows.columns if name in names], dtype=int)
    cut = np.ix_(order, order)
    left_out = max(0, len(usable) - MOST_COLUMNS)
    return Associations(tuple(names[i] for i in order), strength[cut], direction[cut], left_out)


def explained(feature: pl.Series, target: pl.Series) -> float:
    """How far the target, also of another form, follows from the feature: from 0 to 1, corrected for chance."""
    codes = bins(feature)[0]
    if is_scale(target) or target.dtype == pl.Boolean:
        values = _numbers(target)
        known = values.is_not_null().to_numpy()
        return _ratio(codes[known], values.drop_nulls().rank().to_numpy())
    return cramers_v(codes, _codes(target))


def bins(feature: pl.Series) -> tuple[Codes, list[str] | NDArray[np.float64]]:
    """The number of the bin that each value is in, with missing ones in the last, and the categories or edges."""
    if not is_scale(feature):
        text = feature.cast(pl.String)
        counts = text.drop_nulls().alias("value").value_counts().sort(["count", "value"], descending=[True, False])
        names = [f"{value}" for value in counts["value"].head(MOST_CATEGORIES)]
        place = {name: i for i, name in enumerate(names)}
        return np.array(
            [len(names) + 1 if t is None else place.get(t, len(names)) for t in text], dtype=np.int64
        ), names
    values = _numbers(feature)
    known = values.is_not_null().to_numpy()
    edges = (
        np.unique(np.quantile(values.drop_nulls().to_numpy(), np.linspace(0, 1, BINS + 1)))
        if known.any()
        else np.array([])
    )
    codes = np.full(len(values), max(len(edges) - 1, 1), dtype=np.int64)
    if known.any():
        inner = np.searchsorted(edges[1:-1], values.drop_nulls().to_numpy(), side="right")
        codes[known] = inner
    return codes, edges


def is_scale(column: pl.Series) -> bool:
    """Whether its values have an order: numbers and times."""
    return column.dtype.is_numeric() or column.dtype.is_temporal()


def _numbers(column: pl.Series) -> pl.Series:
    """Those that are finite; times in their units."""
    values = column.to_physical().cast(pl.Float64)
    return values.set(~values.is_finite(), None)


def cramers_v(one: Codes, other: Codes) -> float:
    """Cramér's V with the correction for chance of Bergsma (2013); -1 is missing."""
    height, width = int(one.max(initial=0)) + 2, int(other.max(initial=0)) + 2
    cells = np.bincount((one + 1) * width + other + 1, minlength=height * width).reshape(height, width)[1:, 1:]
    counts = cells[cells.any(axis=1)][:, cells.any(axis=0)]
    (height, width), rows = counts.shape, int(counts.sum())
    if rows < FEWEST:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / rows
    phi = float(((counts - expected) ** 2 / expected).sum()) / rows
    degrees = (height - 1) * (width - 1) / (rows - 1)
    ways = min(height - (height - 1) ** 2 / (rows - 1), width - (width - 1) ** 2 / (rows - 1)) - 1
    return float(np.sqrt(min(max(0.0, phi - degrees) / ways, 1.0))) if ways > 0 else 0.0


def _add(parts: _Sorted, column: pl.Series) -> None:
    if is_scale(column):
        values = _numbers(column)
        known = values.is_not_null().to_numpy()
        ranks = np.zeros(len(values))
        of_known = values.drop_nulls().rank().to_numpy()
        ranks[known] = of_known - of_known.mean()
        parts.ranks[column.name], parts.known[column.name] = ranks, known
    elif column.n_unique() <= MOST_CATEGORIES:
        parts.codes[column.name] = _codes(column)


def _codes(column: pl.Series) -> Codes:
    text = column.cast(pl.String)
    codes = text.rank("dense").cast(pl.Int64) - 1
    return codes.fill_null(-1).to_numpy()


def _correlations(parts: _Sorted) -> NDArray[np.float64]:
    """Of the ranks, over the rows in which both are known."""
    if not parts.ranks:
        return np.zeros((0, 0))
    ranks = np.column_stack([*parts.ranks.values()])
    known = np.column_stack([*parts.known.values()]).astype(np.float64)
    squares = (ranks**2).T @ known
    scale = np.sqrt(squares * squares.T)
    both = known.T @ known
    correlation = np.divide(ranks.T @ ranks, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.clip(np.where(both >= FEWEST, correlation, 0), -1, 1)


def _ratios(codes: Codes, parts: _Sorted) -> list[float]:
    return [
        _ratio(codes[known & (codes >= 0)], parts.ranks[name][known & (codes >= 0)])
        for name, known in parts.known.items()
    ]


def _ratio(codes: Codes, values: NDArray[np.float64]) -> float:
    """The root of the share of the variance between the groups, corrected for chance (Kelley 1935)."""
    rows = len(values)
    total = float(((values - values.mean()) ** 2).sum()) if rows >= FEWEST else 0.0
    if total == 0:
        return 0.0
    _, groups = np.unique(codes, return_inverse=True)
    counts = np.bincount(groups)
    means = np.bincount(groups, values) / counts
    within = total - float((counts * (means - values.mean()) ** 2).sum())
    free = rows - len(counts)
    return float(np.sqrt(max(0.0, 1 - (within / free) / (total / (rows - 1))))) if free > 0 else 0.0
