"""Rows that resemble each other because they belong together: those of one entity, and neighbours in the table."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
EXPLAINED = 0.6  # of the variance
NAMES_ENTITY = re.compile(
    r"(?i)(^|[\W_])(id|uuid|guid|key|nr|subject|patient|person|customer|client|user|member|household|hh|family|device|machine|"
    r"employee|worker|student|pupil|player|athlete|driver|vehicle|plate|badge|account|animal)([\W_]|$)|"
    r"^(?!.*(acid|aid|bid|fluid|grid|hybrid|lipid|liquid|mid|rapid|roid|solid|valid|vid|void)$).*[a-z]id$"
)
"""Names of columns that are tried although nothing describes their values."""
NAMES_TIME = re.compile(
    r"(?i)(^|[\W_])(year|quarter|month|mnth|week|day|date|hour|hr|minute|time|period|trend|t)([\W_]|$)"
)
"""Names of columns that are the rows' order themselves if the table is sorted by them."""
RECURS, NEIGHBOURS, MAX_DOUBTFUL = 0.3, 5, 2
"""So are those from whose values that share of the target's variance follows, and at most half of it from as many neighbouring
ones together: those of an amount would be alike. At most this many are tried."""
NAMES_PLACE = re.compile(
    r"(?i)zip|post.?code|postal|city|town|county|state|country|region|district|borough|area|station|airport"
)
"""Names of places: the model meets the same ones again, and a larger one describes a smaller."""
MIN_DROP, MIN_GROWTH, MIN_STANDARD_ERRORS = 0.02, 0.25, 3.0
"""By how much a model's score is lower with whole groups held out before they are one, or its error larger if it is small."""
LEAST_DROP = 0.005  # however much larger the error is
FOLDS, ROUNDS = 5, 2
MAX_ROWS, MAX_CELLS, MIN_ROWS = 2_000, 40_000, 500


@dataclass(frozen=True)
class Drop:
    """The scores with rows and with whole groups held out, and how many standard errors the difference has."""

    by_rows: float
    by_groups: float
    standard_errors: float = 0.0
    chance: float = 0.0

    @property
    def size(self) -> float:
        """By how much the score is lower, down to that of chance: what is held out is not in the others' mean."""
        return self.by_rows - max(self.by_groups, self.chance)

    @property
    def growth(self) -> float:
        """By how much what the model fails to explain is larger, as a share."""
        return self.size / max(1 - self.by_rows, LEAST_DROP)

    @property
    def matters(self) -> bool:
        """Whether the score is much lower, or the error much larger: near a score of 1, these are not the same."""
        return self.size >= MIN_DROP or (self.size >= LEAST_DROP and self.growth >= MIN_GROWTH)

    @property
    def is_real(self) -> bool:
        """Whether it is beyond chance, and matters."""
        return self.matters and self.standard_errors >= MIN_STANDARD_ERRORS


def groups(sample: Sample, entities: Mapping[str, pl.Series], *, refusals_only: bool = False) -> Iterator[Finding]:
    """The entity whose rows a model recognises, if there is one: the finest, since the coarser ones may be known in use.

    The others are in its evidence: what the entity belongs to, and what names it as well.
    """
    least = MIN_GROUPS if sample.together is None else len(np.unique(sample.together)) + 1
    found: dict[str, tuple[Codes, Drop]] = {}
    doubtful = 0
    for name, series in sorted(entities.items(), key=lambda each: not NAMES_ENTITY.search(each[0])):
        codes = encode(series)
        if not may_be_entity(codes, least) or not names_something(series):
            continue
        known = is_known_in_use(sample, codes)
        if known and (refusals_only or doubtful == MAX_DOUBTFUL or NAMES_PLACE.search(name) or NAMES_TIME.search(name)):
            continue
        rows = whole_groups(sample, codes)
        part, within = sample.take(rows), renumbered(codes[rows])
        if not NAMES_ENTITY.search(name):
            part = part.without([name])  # an ordinary number or category is hardly known in values that nobody has seen
        described = is_described(part.without([name]), within, series)
        if described or (doubtful < MAX_DOUBTFUL and part.columns and is_likely(sample, codes, name)):
            doubtful += known or not described
            drop = measure(part, within)
            if drop.is_real:
                found[name] = codes, drop
    if found:
        yield _finding(sample, max(found, key=lambda name: found[name][0].max()), found, entities)


def names_something(series: pl.Series) -> bool:
    """Whether the values can be names, or numbers as names: amounts have fractions."""
    return not series.dtype.is_float() or bool((series.drop_nulls() % 1 == 0).all())


def is_known_in_use(sample: Sample, codes: Codes) -> bool:
    """Whether the newest rows are the test, and a model may know what goes on: unless its target never changes."""
    return sample.by_time and constant_share(sample.target, codes) < CONSTANT


def encode(series: pl.Series) -> Codes:
    """The number of each row's group; rows without a value are groups of their own."""
    codes = np.array(series.rank("dense").fill_null(0).to_numpy(), dtype=np.int64)
    unknown = np.flatnonzero(codes == 0)
    codes[unknown] = codes.max(initial=0) + 1 + np.arange(len(unknown))
    return renumbered(codes)


def renumbered(codes: Codes) -> Codes:
    """The same groups, by numbers from 0 on without gaps."""
    return np.unique(codes, return_inverse=True)[1]


def may_be_entity(codes: Codes, least: int = MIN_GROUPS) -> bool:
    """Whether there are enough groups, and enough of them have several rows."""
    sizes = np.bincount(codes)
    shared = sizes[sizes > 1].sum() / len(codes)
    return bool(least <= len(sizes) <= len(codes) / MIN_ROWS_PER_GROUP and shared >= MIN_SHARED)


def whole_groups(sample: Sample, codes: Codes) -> Codes:
    """The rows of groups drawn at random, about as many as are needed; all if there are few."""
    cells = max(len(sample.columns), 1) * (len(np.unique(sample.target)) if sample.problem == "multiclass" else 1)
    most = min(MAX_ROWS, max(MAX_CELLS // cells, MIN_ROWS))
    if len(codes) <= most:
        return np.arange(len(codes))
    sizes = np.bincount(codes)
    drawn = np.random.default_rng(0).permutation(len(sizes))
    enough = max(MIN_GROUPS, int(np.searchsorted(np.cumsum(sizes[drawn]), most)))
    return np.flatnonzero(np.isin(codes, drawn[:enough]))


def constant_share(values: Vector, codes: Codes) -> float:
    """The share of the groups of several rows in which the values are all the same."""
    several = np.bincount(codes) > 1
    low, high = _range(values, codes)
    return float((low == high)[several].mean()) if several.any() else 0.0


def is_described(sample: Sample, codes: Codes, series: pl.Series) -> bool:
    """Whether the other columns say which group a row is of."""
    text = series.dtype == pl.String or isinstance(series.dtype, pl.Enum)
    return bool(sample.columns) and (describes(sample, codes, series.name) or (text and explains(sample, codes)))


def is_likely(sample: Sample, codes: Codes, name: str) -> bool:
    """Whether the name is that of an entity, or the target follows from the group, and not from that of neighbours."""
    return bool(NAMES_ENTITY.search(name)) or (not NAMES_PLACE.search(name) and recurs(sample.target, codes))


def describes(sample: Sample, codes: Codes, name: str) -> bool:
    """Whether columns, or the target, are constant in nearly all groups, and not by chance: two where it may be a place's.

    Those that rise or fall with the name of the group do not describe it: they are the same in another unit, or in classes.
    """
    shuffled = np.random.default_rng(0).permutation(len(codes))
    found = 0
    for values in (sample.target, *sample.columns.values()):
        steps = np.diff(_range(values, codes)[0])
        found += bool(
            not ((steps >= 0).all() or (steps <= 0).all())
            and constant_share(values, codes) >= CONSTANT
            and constant_share(values[shuffled], codes) < BY_CHANCE
        )
    return found > bool(NAMES_PLACE.search(name))


def explains(sample: Sample, codes: Codes) -> bool:
    """Whether most columns vary little within the groups, though none is constant, as those of a state over the years."""
    return bool(np.median([_explained(values, codes) for values in sample.columns.values()]) >= EXPLAINED)


def recurs(target: Vector, codes: Codes) -> bool:
    """Whether the target is far more alike within the groups than in neighbouring ones."""
    share = _explained(target, codes)
    return share >= RECURS and _explained(target, codes // NEIGHBOURS) <= share / 2


def _explained(values: Vector, codes: Codes) -> float:
    """The share of the variance that lies between the groups, 0 by chance."""
    known = ~np.isnan(values)
    values, codes = values[known], renumbered(codes[known])
    sizes = np.bincount(codes)
    freedom = len(values) - len(sizes)
    if freedom < MIN_GROUPS or not np.ptp(values):
        return 0.0
    within = values - (np.bincount(codes, values) / sizes)[codes]
    return float(1 - (within**2).sum() / freedom / values.var(ddof=1))


def _range(values: Vector, codes: Codes) -> tuple[Vector, Vector]:
    """The lowest and the highest value of each group."""
    by_group = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[by_group], prepend=-1))
    ordered = np.nan_to_num(values[by_group], nan=-1e300)
    return np.minimum.reduceat(ordered, starts), np.maximum.reduceat(ordered, starts)


def measure(sample: Sample, codes: Codes) -> Drop:
    """What a model loses where it has seen no other row of the group."""
    kept = np.arange(sample.rows) if sample.together is None else renumbered(sample.together)
    if np.ptp(sample.target) == 0:
        return Drop(0.0, 0.0)
    by_rows: list[Predictions] = []
    by_groups: list[Predictions] = []
    for seed in range(ROUNDS):
        by_rows.append(sample.predictions(folds(sample.target, kept, seed)))
        by_groups.append(sample.predictions(folds(sample.target, codes, seed)))
        drop = _drop(sample, codes, by_rows, by_groups)
        unclear = drop.matters or drop.size >= MIN_DROP / 2
        if not unclear or not MIN_STANDARD_ERRORS / 2 < drop.standard_errors < 1.5 * MIN_STANDARD_ERRORS:
            break
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
    losses = np.concatenate([_losses(sample, by_groups), _losses(sample, by_rows)])
    if sample.problem == "regression":
        losses = pl.Series(losses).rank().to_numpy()  # otherwise those of a few rows would decide
    excess = np.bincount(codes, losses[: sample.rows] - losses[sample.rows :])
    deviation = np.sqrt(((excess - excess.mean()) ** 2).sum())
    rows, groups = (float(np.mean([sample.score(sample.target, p) for p in parts])) for parts in (by_rows, by_groups))
    chance = 0.0 if sample.problem == "regression" else 0.5
    return Drop(rows, groups, float(excess.sum() / deviation) if deviation else 0.0, chance)


def _losses(sample: Sample, predictions: list[Predictions]) -> Vector:
    """The squared error of each row, on average."""
    truth = sample.target
    if sample.problem != "regression":
        truth = np.eye(predictions[0].shape[1])[truth.astype(int)]
    errors = np.array([(p - truth) ** 2 for p in predictions]).mean(axis=0).reshape(sample.rows, -1)
    summed: Vector = errors.sum(axis=1)
    return summed


def _finding(
    sample: Sample, name: str, found: Mapping[str, tuple[Codes, Drop]], entities: Mapping[str, pl.Series]
) -> Finding:
    codes, drop = found[name]
    others = [f"{drop.by_groups:.3g} of the same {other}" for other, (_, drop) in found.items() if other != name]
    by_groups = listed([f"{drop.by_groups:.3g} with all rows of the same {name}", *others], 4)
    facts = [f"{SCORES[sample.problem]} {drop.by_rows:.3g} with single rows held out, {by_groups}"]
    figure, limit = drop.size, MIN_DROP
    if figure < limit:
        figure, limit = drop.growth, MIN_GROWTH
        facts.append(f"what it does not explain is {figure:.0%} more")
    if constant_share(sample.target, codes) >= CONSTANT:
        facts.append(f"{sample.target_name} never changes within one: {codes.max() + 1:,} cases, not {sample.rows:,}")
    remedy = f"If so, set data.id: {name} and data.repeats: true in params.yaml, and use it for no feature."
    if entities[name].dtype.is_float():
        remedy += " First make it texts or whole numbers."
    if entities[name].null_count():
        remedy += " First give each row without one a value of its own."
    return Finding(
        "group",
        (name,),
        figure,
        limit,
        "; ".join(facts),
        f"Will the model meet new values of {name}, such as new customers or patients?",
        remedy,
        not is_known_in_use(sample, codes),
    )
