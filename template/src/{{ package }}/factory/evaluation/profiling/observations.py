"""What is worth a look in a table, in plain English: the most serious first."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..formatting import cell, share
from .associations import Associations, associations
from .by_target import ByTarget, by_target
from .implausible import Implausible, implausible
from .repeats import Repeats, repeats
from .view import View

MOSTLY_MISSING, RARE_CLASS = 0.5, 0.05
NAMED = 6  # columns in a line


@dataclass(frozen=True)
class Observation:
    """A line about the columns; `kind` groups them."""

    kind: str
    text: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """All that is shown of a table."""

    view: View
    repeats: Repeats
    implausible: list[Implausible]
    associations: Associations
    by_target: ByTarget | None
    observations: list[Observation]


def profile(view: View, target: str | None) -> Profile:
    """Look at all rows where figures have to be exact, and at the sample where shares will do."""
    compared = [name for name in view.sample.columns if name not in view.keys and name != target]
    found = repeats(view.rows, view.height, compared, target)
    doubtful = implausible(view)
    together = associations(view)
    outcomes = by_target(view, target) if target else None
    lines = [
        *_of_rows(found, bool(view.keys)),
        *(Observation(each.kind, f"{each}", (each.column,)) for each in doubtful),
        *(_of_target(view.sample[target], target, view) if target else ()),
        *_of_missing(view),
        *_of_constants(view),
        *_of_pairs(together, target),
    ]
    return Profile(view, found, doubtful, together, outcomes, lines)


def _of_rows(found: Repeats, has_keys: bool) -> Iterator[Observation]:
    about = "about " * found.is_estimate
    but = ", but for what numbers or names the row" * has_keys
    if found.repeated:
        figure = f"{about}{found.repeated:,} of {found.rows:,} rows ({share(found.share)})"
        yield Observation("rows", f"{figure} repeat an earlier row in every column{but}")
    if found.contradicting:
        yield Observation(
            "rows", f"{about}{found.contradicting:,} rows have the features of an earlier one and another target"
        )


def _of_target(values: pl.Series, target: str, view: View) -> Iterator[Observation]:
    if missing := view.missing.get(target, 0):
        yield Observation("target", f"{target}, the target, is missing in {_part(missing, view.height)}", (target,))
    known = values.drop_nulls()
    if known.is_empty() or (known.dtype.is_float() and known.n_unique() > 2) or known.n_unique() > 100:
        return
    counts = known.cast(pl.String).alias("value").value_counts().sort(["count", "value"])
    name, rows = counts.row(0)
    if counts.height > 1 and rows / known.len() < RARE_CLASS:
        yield Observation(
            "target", f"{target}: {name} is the target of only {share(rows / known.len())} of the rows", (target,)
        )


def _of_missing(view: View) -> Iterator[Observation]:
    """Columns that are empty in the same rows, and others that are mostly empty."""
    together: dict[bytes, list[str]] = defaultdict(list)
    for column in view.sample.iter_columns():
        if 0 < column.null_count() < view.sample.height:
            together[np.packbits(column.is_null().to_numpy()).tobytes()].append(column.name)
    groups = [names for names in together.values() if len(names) > 1]
    for names in groups:
        part = _part(view.missing[names[0]], view.height)
        yield Observation("missing", f"{_named(names)}: missing in the same rows, {part}", tuple(names))
    grouped = {name for names in groups for name in names}
    mostly = {name: count for name, count in view.missing.items() if MOSTLY_MISSING * view.height < count < view.height}
    for name, count in sorted(mostly.items(), key=lambda each: -each[1]):
        if name not in grouped:
            yield Observation("missing", f"{name}: missing in {_part(count, view.height)}", (name,))


def _of_constants(view: View) -> Iterator[Observation]:
    same = {name: low for name, (low, high) in view.ends.items() if low is not None and low == high}
    always = {name: "the same" if name in view.hidden else cell(value) for name, value in same.items()}
    always |= {name: "missing" for name, count in view.missing.items() if count == view.height}
    if len(always) > NAMED:
        yield Observation("constant", f"{_named([*always])}: always the same value, or missing", tuple(always))
        return
    for name, value in always.items():
        but = " where it is known" * (0 < view.missing.get(name, 0) < view.height)
        yield Observation("constant", f"{name}: always {value}{but}", (name,))


def _of_pairs(found: Associations, target: str | None) -> Iterator[Observation]:
    """What goes with the target, and groups of columns that go together."""
    pairs = found.pairs()
    for one, other, strength in pairs:
        if target in (one, other):
            feature = other if one == target else one
            text = f"{feature}: goes together with the target, {_figure(strength)}: is it known when {target} is to be predicted?"
            yield Observation("redundant", text, (feature,))
    others = [pair for pair in pairs if target not in pair]
    for group in _groups(others):
        weakest = min((pair[2] for pair in others if pair[0] in group), key=abs)
        if len(group) > 2:
            text = f"{_named(group)} go together, {_figure(weakest)}: are a few of them enough?"
        elif weakest < 0:
            text = f"{group[0]} falls as {group[1]} rises, {_figure(weakest)}: is one of them enough?"
        else:
            text = f"{group[0]} and {group[1]} go together, {_figure(weakest)}: is one of them enough?"
        yield Observation("redundant", text, tuple(group))


def _groups(pairs: list[tuple[str, str, float]]) -> list[list[str]]:
    """Columns that are connected by pairs, in the order of the strongest."""
    groups: list[list[str]] = []
    for one, other, _ in pairs:
        joined = [group for group in groups if one in group or other in group]
        merged = list(dict.fromkeys([name for group in joined for name in group] + [one, other]))
        place = groups.index(joined[0]) if joined else len(groups)
        groups = [group for group in groups if group not in joined]
        groups.insert(place, merged)
    return groups


def _figure(strength: float) -> str:
    return "almost exactly" if abs(strength) >= 0.995 else f"{abs(strength):.2f} of 1"


def _part(count: int, rows: int) -> str:
    return f"{share(count / max(rows, 1))} of the rows"


def _named(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
