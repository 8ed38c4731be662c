"""A value of a column, or its being unknown, that nearly always means the same target."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..metrics.definitions import Vector
from .finding import Finding, Kind
from .forest import forecast
from .sample import Sample

PURITY = 0.98
"""The share of the value's rows that have the same target."""
COVERAGE = 0.1
"""The share of the target's rows that have the value."""
MIN_OTHERS = 10
"""Rows of other targets that chance would have put among the value's."""
KNOWN_ANYWAY = 0.45
"""Of the value's lead over all rows, the part that a model of the other columns has as well: from there on it adds little."""
REFUSED = {"value": 0.25, "missing": 0.1}
"""Coverage from which on an answer is needed; an honest choice may follow from a price, but hardly from an empty cell."""
FADES = 0.5
"""What the rows next to a tail may keep of its lead over all rows: an honest number fades, a leak ends at once."""
NEXT = 4
"""The tail's size by that of the rows next to it."""
MIN_COMMON, MAX_COMMON = 0.05, 0.9
"""Shares of the most frequent number, if it is to be searched for as a class."""
SAME_ROWS = 0.8
MAX_CHECKED = 3

Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """The rows that a column's value selects, and the class that they nearly all have."""

    name: str
    kind: Kind
    value: str
    rows: Rows
    code: int
    purity: float
    coverage: float


def find(sample: Sample) -> Iterator[Finding]:
    """The values that add to what the other columns predict; columns with the same rows together."""
    classes, answers = _classes(sample)
    rules = [rule for name in classes.columns for rule in _rules(classes, name) if answers[rule.code]]
    rules = _unknown_to({rule.name for rule in rules}, classes, rules)
    found: set[str] = set()
    for cluster in _clusters(rules)[:MAX_CHECKED]:
        names = {rule.name for rule in cluster} - found
        if names and (left := _unknown_to(names | found, classes, cluster)):
            found |= names
            yield _finding(sample, left[0], tuple(sorted(names)), answers)


def _classes(sample: Sample) -> tuple[Sample, list[str]]:
    """The sample with classes as its target, and the words for each that matters.

    Of a number, it is the most frequent one, which may stand for an event that did not happen.
    """
    name = sample.target_name
    if sample.problem == "multiclass":
        return sample, [f"{name} is the same"] * (int(sample.target.max()) + 1)
    if sample.problem == "classification":
        return sample, [f"{name} is not true", f"{name} is true"]
    values, counts = np.unique(sample.target, return_counts=True)
    common = values[counts.argmax()]
    share = counts.max() / sample.rows
    columns = sample.columns if MIN_COMMON <= share <= MAX_COMMON else {}
    classes = replace(
        sample, problem="classification", target=(sample.target == common).astype(np.float64), columns=columns
    )
    return classes, ["", f"{name} is {common:g}"]


def _rules(sample: Sample, name: str) -> Iterator[Rule]:
    """The largest value, tail, and set of unknown or known rows for each class, if it nearly always means the class."""
    values = sample.columns[name]
    missing = np.isnan(values)
    if missing.any():
        yield from _pure(sample, name, "missing", {"unknown": missing, "known": ~missing})
    distinct, counts = np.unique(values[~missing], return_counts=True)
    frequent = distinct[counts >= MIN_OTHERS]
    if len(distinct) > 1:
        yield from _pure(sample, name, "value", {_text(sample, name, value): values == value for value in frequent})
    if name not in sample.categories and len(distinct) > 2:
        yield from _pure(sample, name, "value", _tails(sample, values, distinct))


def _text(sample: Sample, name: str, value: float) -> str:
    labels = sample.labels.get(name)
    return labels[int(value)] if labels else f"{value:g}"


def _pure(sample: Sample, name: str, kind: Kind, selections: dict[str, Rows]) -> Iterator[Rule]:
    size = np.bincount(sample.target.astype(int))
    for text, rows in selections.items():
        hits = np.bincount(sample.target[rows].astype(int), minlength=len(size))
        code, number = int(hits.argmax()), int(rows.sum())
        purity, coverage = hits[code] / max(number, 1), hits[code] / size[code]
        others = number * (1 - size[code] / sample.rows)
        if purity >= PURITY and coverage >= COVERAGE and others >= MIN_OTHERS and (1 - purity) * number <= others / 10:
            yield Rule(name, kind, text, rows, code, purity, coverage)


def _tails(sample: Sample, values: Vector, distinct: Vector) -> dict[str, Rows]:
    """The longest pure tails of a number on either side that end at once."""
    tails = {}
    for sign, text in ((1, "at most"), (-1, "at least")):
        order = np.argsort(sign * np.nan_to_num(values, nan=sign * np.inf), kind="stable")
        order = order[: int((~np.isnan(values)).sum())]
        ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
        hot = np.eye(int(sample.target.max()) + 1)[sample.target[order].astype(int)].cumsum(axis=0)
        pure = np.flatnonzero(hot[ends].max(axis=1) >= PURITY * (ends + 1))
        pure = pure[(pure > 0) & (pure < len(ends) - 1)]
        if len(pure):
            end = int(ends[pure[-1]])
            code = int(hot[end].argmax())
            base = hot[-1, code] / len(order)
            beyond = min(end + max(end // NEXT, MIN_OTHERS), len(order) - 1)
            following = (hot[beyond, code] - hot[end, code]) / (beyond - end)
            if following <= base + FADES * (1 - base):
                tails[f"{text} {values[order[end]]:g}"] = sign * values <= sign * values[order[end]]
    return tails


def _clusters(rules: list[Rule]) -> list[list[Rule]]:
    """Rules of one class whose rows are nearly the same, those that cover most of their class first."""
    clusters: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda rule: -rule.coverage):
        same = next((cluster for cluster in clusters if _same(cluster[0], rule)), None)
        if same is None:
            clusters.append([rule])
        else:
            same.append(rule)
    return clusters


def _same(one: Rule, other: Rule) -> bool:
    return one.code == other.code and bool((one.rows & other.rows).sum() >= SAME_ROWS * (one.rows | other.rows).sum())


def _unknown_to(without: set[str], sample: Sample, rules: list[Rule]) -> list[Rule]:
    """The rules whose class a model without these columns does not know."""
    if not rules:
        return []
    predicted = forecast(sample.without(without)).predicted
    base = {rule.code: float((sample.target == rule.code).mean()) for rule in rules}
    lead = [(predicted[r.rows, r.code].mean() - base[r.code]) / (1 - base[r.code]) for r in rules]
    return [rule for rule, kept in zip(rules, lead, strict=True) if kept < KNOWN_ANYWAY]


def _finding(sample: Sample, rule: Rule, names: tuple[str, ...], answers: list[str]) -> Finding:
    one = len(names) == 1
    return Finding(
        rule.kind,
        names,
        rule.purity,
        PURITY,
        f"where {rule.name} is {rule.value}, {answers[rule.code]} in {rule.purity:.1%} of {rule.rows.sum():,} rows, "
        f"{rule.coverage:.0%} of all such rows",
        f"{'Is' if one else 'Are'} {' and '.join(names)} known when {sample.target_name} is predicted?",
        f"Exclude {'it' if one else 'them'}, if not.",
        bool(rule.coverage >= REFUSED[rule.kind]),
    )
