"""Rows that resemble each other because they belong together: those of one entity, and neighbours in the table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..errors import listed
from ..metrics.definitions import Vector
from .finding import Finding
from .sample import SCORES, Sample

Codes = NDArray[np.int64]
Predictions = NDArray[np.float64]

MIN_GROUPS = 20
MIN_ROWS_PER_GROUP = 1.5  # on average
MIN_SHARED = 0.5  # of the rows have another one in their group
CONSTANT, BY_CHANCE = 0.95, 0.5
"""A column describes an entity if it is constant in that share of the groups, and in less than this one when shuffled."""
MIN_DROP, MIN_STANDARD_ERRORS = 0.02, 3.0
"""By how much a model's score is lower with whole groups held out before they are one."""
FOLDS, ROUNDS = 5, 2
MAX_ROWS = 2_000
BLOCK = 20  # neighbouring rows


@dataclass(frozen=True)
class Drop:
    """The scores with rows and with whole groups held out, and how many standard errors the difference has."""

    by_rows: float
    by_groups: float
    standard_errors: float

    @property
    def size(self) -> float:
        """By how much the score is lower."""
        return self.by_rows - self.by_groups

    @property
    def is_real(self) -> bool:
        """Whether it is beyond chance, and matters."""
        return self.size >= MIN_DROP and self.standard_errors >= MIN_STANDARD_ERRORS


def groups(sample: Sample, entities: Mapping[str, pl.Series]) -> Iterator[Finding]:
    """The entity whose rows a model recognises, if there is one; other columns that name it are in the evidence."""
    found: dict[str, tuple[Codes, Drop]] = {}
    for name, series in entities.items():
        codes = encode(series)
        if may_be_entity(codes) and not (sample.by_time and constant_share(sample.target, codes) < CONSTANT):
            rows = whole_groups(codes)
            part, within = sample.without([name]).take(rows), renumbered(codes[rows])
            if part.columns and describes(part, within) and (drop := measure(part, within)).is_real:
                found[name] = codes, drop
    if found:
        best = _finest(sample, found)
        yield _finding(sample, best, *found[best], [name for name in found if name != best])


def order(sample: Sample) -> Iterator[Finding]:
    """Whether neighbouring rows resemble each other."""
    yield from ()


def encode(series: pl.Series) -> Codes:
    """The number of each row's group; rows without a value are groups of their own."""
    codes = np.array(series.rank("dense").fill_null(0).to_numpy(), dtype=np.int64)
    unknown = np.flatnonzero(codes == 0)
    codes[unknown] = codes.max(initial=0) + 1 + np.arange(len(unknown))
    return renumbered(codes)


def renumbered(codes: Codes) -> Codes:
    """The same groups, by numbers from 0 on without gaps."""
    return np.unique(codes, return_inverse=True)[1]


def may_be_entity(codes: Codes) -> bool:
    """Whether there are enough groups, and enough of them have several rows."""
    sizes = np.bincount(codes)
    return bool(
        MIN_GROUPS <= len(sizes) <= len(codes) / MIN_ROWS_PER_GROUP and sizes[sizes > 1].sum() >= MIN_SHARED * len(codes)
    )


def whole_groups(codes: Codes) -> NDArray[np.int64]:
    """The rows of groups drawn at random, about as many as are needed; all if there are few."""
    if len(codes) <= MAX_ROWS:
        return np.arange(len(codes))
    sizes = np.bincount(codes)
    drawn = np.random.default_rng(0).permutation(len(sizes))
    enough = max(MIN_GROUPS, int(np.searchsorted(np.cumsum(sizes[drawn]), MAX_ROWS)))
    return np.flatnonzero(np.isin(codes, drawn[:enough]))


def constant_share(values: Vector, codes: Codes) -> float:
    """The share of the groups of several rows in which the values are all the same."""
    by_group = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[by_group], prepend=-1))
    ordered = np.nan_to_num(values[by_group], nan=-1e300)
    several = np.diff(starts, append=len(codes)) > 1
    return float((np.minimum.reduceat(ordered, starts) == np.maximum.reduceat(ordered, starts))[several].mean())


def describes(sample: Sample, codes: Codes) -> bool:
    """Whether a column, or the target, is constant in nearly all groups, and not by chance."""
    shuffled = np.random.default_rng(0).permutation(len(codes))
    return any(
        constant_share(values, codes) >= CONSTANT and constant_share(values[shuffled], codes) < BY_CHANCE
        for values in (sample.target, *sample.columns.values())
    )


def measure(sample: Sample, codes: Codes) -> Drop:
    """What a model loses where it has seen no other row of the group."""
    kept = np.arange(sample.rows) if sample.together is None else renumbered(sample.together)
    by_rows: list[Predictions] = []
    by_groups: list[Predictions] = []
    for seed in range(ROUNDS):
        by_rows.append(sample.predictions(folds(sample.target, kept, seed)))
        by_groups.append(sample.predictions(folds(sample.target, codes, seed)))
        drop = _drop(sample, codes, by_rows, by_groups)
        if drop.size < MIN_DROP / 2 or drop.standard_errors > 2 * MIN_STANDARD_ERRORS:
            break  # clear enough
    return drop


def folds(target: Vector, codes: Codes, seed: int) -> Codes:
    """A fold for each row, the same for rows of one group, with about the same mean of the target in each.

    Otherwise the model of the other folds would know what the held-out ones are like: the opposite.
    """
    random = np.random.default_rng(seed)
    sizes = np.bincount(codes)
    ranked = np.lexsort((random.random(len(sizes)), np.bincount(codes, target) / sizes))
    fold = np.empty(len(sizes), dtype=np.int64)
    for start in range(0, len(sizes), FOLDS):
        part = ranked[start : start + FOLDS]
        fold[part] = random.permutation(FOLDS)[: len(part)]
    return fold[codes]


def _drop(sample: Sample, codes: Codes, by_rows: list[Predictions], by_groups: list[Predictions]) -> Drop:
    """The difference of the scores, and the standard errors of that of the losses, of which a group has one."""
    excess = np.bincount(codes, _losses(sample, by_groups) - _losses(sample, by_rows))
    deviation = np.sqrt(((excess - excess.mean()) ** 2).sum())
    scores = [float(np.mean([sample.score(sample.target, p) for p in parts])) for parts in (by_rows, by_groups)]
    return Drop(*scores, float(excess.sum() / deviation) if deviation else 0.0)


def _losses(sample: Sample, predictions: list[Predictions]) -> Vector:
    """The squared error of each row, on average."""
    if sample.problem == "regression":
        return np.mean([(p - sample.target) ** 2 for p in predictions], axis=0)
    truth = np.eye(predictions[0].shape[1])[sample.target.astype(int)]
    return np.mean([((p - truth) ** 2).sum(axis=1) for p in predictions], axis=0)


def _finest(sample: Sample, found: Mapping[str, tuple[Codes, Drop]]) -> str:
    """The entity of the fewest rows, unless a model loses yet more where those of a larger one are held out."""
    best, *others = sorted(found, key=lambda name: -found[name][0].max())
    for name in others:
        codes = found[name][0]
        rows = whole_groups(codes)
        part = replace(sample.without(found), together=found[best][0]).take(rows)
        if part.columns and measure(part, renumbered(codes[rows])).is_real:
            best = name
    return best


def _finding(sample: Sample, name: str, codes: Codes, drop: Drop, others: list[str]) -> Finding:
    score = SCORES[sample.problem]
    facts = [f"{score} {drop.by_rows:.3g} with single rows held out, {drop.by_groups:.3g} with all rows of the same {name}"]
    if constant_share(sample.target, codes) >= CONSTANT:
        facts.append(f"{sample.target_name} never changes within one: {codes.max() + 1:,} cases, not {sample.rows:,}")
    if others:
        facts.append(f"much the same with {listed(others)}")
    return Finding(
        "group",
        (name,),
        drop.size,
        MIN_DROP,
        "; ".join(facts),
        f"Will the model meet new values of {name}, such as new customers or patients?",
        f"If so, set data.id: {name} and data.repeats: true in params.yaml, and use it for no feature.",
    )
