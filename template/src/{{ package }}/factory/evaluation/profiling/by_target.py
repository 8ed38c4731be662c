"""The target by feature: how it differs between the values of each, and how far it follows from each alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..formatting import cell
from .associations import bins, explained, is_scale
from .view import View

SHOWN, LINES, CLASSES = 8, 8, 6
REPEATED = 5  # times, on average, that each text has to occur
CELLS = 20_000_000  # of which all features are tried; of wider tables fewer rows
Outcomes = NDArray[np.float64]
OTHERS, MISSING = "others", "missing"


@dataclass(frozen=True)
class Line:
    """Rows of a feature's value or range: their share of all, and the target's median, or the share of each of its classes."""

    label: str
    share: float
    outcomes: tuple[float, ...]


@dataclass(frozen=True)
class Feature:
    """A feature, how far the target follows from it alone, and its lines."""

    name: str
    strength: float
    lines: list[Line]


@dataclass(frozen=True)
class ByTarget:
    """The features from which most of the target follows, and how strongly each of all does.

    Of a target of two values it is the share of `positive`, of more classes that of the most frequent.
    """

    target: str
    features: list[Feature]
    strengths: dict[str, float]
    positive: str = ""
    classes: tuple[str, ...] = ()


def by_target(view: View, target: str) -> ByTarget | None:
    """None where the sample has no two values of the target."""
    rows = view.sample.drop_nulls(target)
    rows = rows.head(max(CELLS // max(rows.width, 1), 1000))
    outcome = rows[target]
    if outcome.n_unique() < 2:
        return None
    names = [name for name in rows.columns if name != target and name not in view.keys and _may_explain(rows[name])]
    strengths = {name: explained(rows[name], outcome) for name in names}
    strongest = sorted(names, key=lambda name: -strengths[name])[:SHOWN]
    numbers, positive, classes = _outcomes(outcome)
    shown = [
        Feature(name, strengths[name], _lines(rows[name], numbers, hidden=name in view.hidden))
        for name in strongest
        if strengths[name] > 0
    ]
    ordered = dict(sorted(strengths.items(), key=lambda each: -each[1]))
    return ByTarget(target, shown, ordered, positive, classes)


def _may_explain(feature: pl.Series) -> bool:
    """Whether it has values, and is not text that differs in most rows."""
    if is_scale(feature):
        return feature.null_count() < feature.len()
    return feature.drop_nulls().n_unique() <= feature.len() / REPEATED


def _outcomes(outcome: pl.Series) -> tuple[Outcomes, str, tuple[str, ...]]:
    """Numbers that are shown of each bin: one column, or one for each class."""
    if outcome.dtype == pl.Boolean:
        return outcome.cast(pl.Float64).to_numpy()[:, None], "true", ()
    if is_scale(outcome) and outcome.n_unique() > 2:
        return outcome.to_physical().cast(pl.Float64).to_numpy()[:, None], "", ()
    text = outcome.cast(pl.String)
    counts = text.alias("value").value_counts().sort(["count", "value"], descending=[True, False])["value"].to_list()
    if len(counts) == 2:
        positive = counts[1]
        return (text == positive).cast(pl.Float64).to_numpy()[:, None], positive, ()
    classes = tuple(counts[:CLASSES])
    return np.column_stack([(text == name).cast(pl.Float64).to_numpy() for name in classes]), "", classes


def _lines(feature: pl.Series, outcomes: Outcomes, *, hidden: bool) -> list[Line]:
    codes, names = bins(feature)
    if not is_scale(feature):  # the rare ones together
        codes = np.where((codes >= LINES) & (codes <= len(names)), len(names), codes)
    table = pl.DataFrame({"code": codes, **{f"{i}": each for i, each in enumerate(outcomes.T)}})
    average = pl.exclude("code").mean() if ((outcomes == 0) | (outcomes == 1)).all() else pl.exclude("code").median()
    found = table.group_by("code").agg(pl.len().alias("rows"), average).sort("code")
    return [
        Line(_label(feature, code, names, hidden=hidden), rows / table.height, tuple(averages))
        for code, rows, *averages in found.rows()
    ]


def _label(feature: pl.Series, code: int, names: Any, *, hidden: bool) -> str:
    if not is_scale(feature):
        value = names[code] if code < len(names) else OTHERS if code == len(names) else MISSING
        return f"value {code + 1}" if hidden and code < len(names) else value
    if code >= max(len(names) - 1, 1):
        return MISSING
    if hidden:
        return f"part {code + 1}"
    low, high = (_value(edge, feature.dtype) for edge in (names[code], names[min(code + 1, len(names) - 1)]))
    return low if low == high else f"{low} to {high}"


def _value(number: float, dtype: pl.DataType) -> str:
    """A number on the feature's own scale, as people read it."""
    if dtype.is_temporal():
        return cell(pl.Series([round(number)]).cast(pl.Int64).cast(dtype).item())[:16]
    return cell(float(f"{number:.4g}"))
