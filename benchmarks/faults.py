"""Ordinary tables, each with one fault sown in, seeded: rows of one entity, a target in parts, an unfair rule and others."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

Rng = np.random.Generator
LEAKAGE = frozenset({"LEAKAGE"})


@dataclass(frozen=True)
class Fault:
    """A table with a fault, the columns that carry it, the codes of which one has to refuse a model with it, and the rows' entity."""

    rows: pl.DataFrame
    target: str
    columns: tuple[str, ...] = ()
    codes: frozenset[str] = LEAKAGE
    entity: pl.Series | None = None

    def together(self, name: str) -> bool:
        """Whether the rows of each entity stay together where those of equal values in the column do."""
        values = self.rows[name]
        return (
            self.entity is not None
            and pl.DataFrame([self.entity.alias("entity"), values.alias("id")]).n_unique() == self.entity.n_unique()
        )


Make = Callable[[pl.DataFrame, str, Rng], Fault]


def _standard(values: pl.Series) -> np.ndarray:
    """Numbers with mean 0 and deviation 1: a column's values, or whether they are the first class."""
    kept = values.fill_null(values.drop_nulls().mode()[0])
    numbers = kept.to_numpy() if kept.dtype.is_numeric() else (kept == kept.sort()[0]).to_numpy()
    return (numbers - numbers.mean()) / numbers.std()


def _positive(rows: pl.DataFrame, target: str) -> np.ndarray:
    return _standard(rows[target]) > 0


def _repeated(rows: pl.DataFrame, target: str, rng: Rng, entities: int = 150, times: int = 8) -> pl.DataFrame:
    """Rows of some, several times, below each other, with 2% of noise in each number but the target."""
    chosen = rows.sample(entities, seed=int(rng.integers(1000))).with_row_index("entity")
    copies = pl.concat([chosen] * times).sort("entity")
    noisy = [name for name, kind in rows.schema.items() if kind.is_float() and name != target]
    noise = [pl.col(name) + rng.normal(0, 0.02 * (rows[name].std() or 0), copies.height) for name in noisy]
    return copies.with_columns(noise)


def entity_number(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """Rows of 150 entities, eight each, in any order; a whole number with a meaningless name tells which."""
    copies = _repeated(rows, target, rng).rename({"entity": "k7"}).sample(fraction=1, shuffle=True, seed=1)
    return Fault(copies.with_columns(pl.col("k7").cast(pl.Int64) * 13 + 1001), target, ("k7",), entity=copies["k7"])


def entity_text(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """The same with a text."""
    copies = _repeated(rows, target, rng, 180, 7).sample(fraction=1, shuffle=True, seed=2)
    name = pl.format("A-{}-x", pl.col("entity").hash(7) % 100_000).alias("remark")
    return Fault(copies.with_columns(name).drop("entity"), target, ("remark",), entity=copies["entity"])


def entity_few(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """The same with thirty entities that have forty rows each, named by a text of two letters."""
    copies = _repeated(rows, target, rng, 30, 40).sample(fraction=1, shuffle=True, seed=3)
    letters = [f"{a}{b}" for a in "ABCDEF" for b in "KLMNO"]
    code = pl.col("entity").replace_strict(dict(enumerate(letters)), return_dtype=pl.String)
    return Fault(copies.with_columns(code.alias("site")).drop("entity"), target, ("site",), entity=copies["entity"])


def entity_proxies(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """Entities with a target of their own, which the columns tell only by naming the entity."""
    base = rows.sample(1200, seed=4).drop(target)
    entity = np.repeat(np.arange(120), 10)
    own = {f"m{i}": rng.normal(size=120)[entity].round(3) for i in range(3)}
    outcome = rng.normal(size=120)[entity] * 2 + rng.normal(size=1200) * 0.3
    mixed = base.with_columns(pl.Series("case", entity + 1), *(pl.Series(*pair) for pair in own.items()))
    mixed = mixed.with_columns(pl.Series("y", outcome)).sample(fraction=1, shuffle=True, seed=5)
    return Fault(mixed, "y", ("case",), entity=mixed["case"])


def row_order(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """Rows of an entity below each other, and no column that names it."""
    copies = _repeated(rows, target, rng, 120, 10)
    return Fault(copies.drop("entity"), target, entity=copies["entity"])


def row_drift(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """Rows in the order of time without a time; the target and three meters drift, each by itself."""
    base = rows.sample(1400, seed=6).drop(target)
    walks = [np.cumsum(rng.normal(size=1400)) for _ in range(4)]
    meters = [pl.Series(f"meter{i}", walk + rng.normal(0, 0.05, 1400)) for i, walk in enumerate(walks[1:])]
    return Fault(base.with_columns(*meters, pl.Series("y", walks[0] + rng.normal(0, 0.5, 1400))), "y")


def _two(rows: pl.DataFrame, target: str, names: tuple[str, str], parts: tuple[np.ndarray, np.ndarray]) -> Fault:
    return Fault(rows.with_columns(*(pl.Series(*pair) for pair in zip(names, parts, strict=True))), target, names)


def total(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """The target is the sum of two columns."""
    share = rng.uniform(0.1, 0.9, rows.height)
    values = rows[target].to_numpy()
    return _two(rows, target, ("north", "south"), (values * share, values * (1 - share)))


def difference(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """The target is one column less another."""
    values = rows[target].to_numpy()
    less = rng.uniform(0, 3 * values.std(), rows.height)
    return _two(rows, target, ("gross", "rebate"), (values + less, less))


def product(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """The target is the product of two columns."""
    amount = rng.integers(1, 30, rows.height).astype(float)
    return _two(rows, target, ("unit", "amount"), (rows[target].to_numpy() / amount, amount))


def quotient(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """The target is the quotient of two columns."""
    size = rng.uniform(20, 400, rows.height)
    return _two(rows, target, ("paid", "size_m2"), (rows[target].to_numpy() * size, size))


def logarithm(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """The target's logarithm is the sum of two columns."""
    values = np.log(rows[target].to_numpy())
    part = rng.normal(0, values.std() * 2, rows.height)
    return _two(rows, target, ("effect_a", "effect_b"), (values - part, part))


def three_parts(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """The target is the sum of three columns, about."""
    shares = rng.dirichlet((1, 1, 1), rows.height).T
    values = rows[target].to_numpy()
    noise = rng.normal(0, 0.01 * values.std(), (3, rows.height))
    names = ("first", "second", "third")
    parts = [pl.Series(*pair) for pair in zip(names, shares * values + noise, strict=True)]
    return Fault(rows.with_columns(parts), target, names)


def points(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """Two scores, whose sum is above 0 where the class is the one."""
    sign = np.where(_positive(rows, target), 1, -1)
    one = rng.normal(0, 5, rows.height)
    return _two(rows, target, ("score_in", "score_out"), (one, sign * rng.exponential(1, rows.height) - one))


def other_unit(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """The target in another unit, rounded."""
    values = pl.Series("converted", (rows[target].to_numpy() * 0.453 + rng.normal(0, 0.002, rows.height)).round(2))
    return Fault(rows.with_columns(values), target, ("converted",))


def classes(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """A text that says the class, but for one row in two hundred."""
    says = _positive(rows, target) ^ (rng.random(rows.height) < 0.005)
    words = np.where(says, rng.choice(["amber", "red"], rows.height), rng.choice(["green", "blue"], rows.height))
    return Fault(rows.with_columns(pl.Series("flag", words)), target, ("flag",))


def bins(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """The target in forty ranges, as letters and digits."""
    ranks = (rows[target].rank("ordinal").to_numpy() - 1) * 40 // rows.height
    grades = [f"{'ABCDEFGH'[int(rank) // 5]}{int(rank) % 5}" for rank in ranks]
    return Fault(rows.with_columns(pl.Series("band", grades)), target, ("band",))


def value(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """A column of states, of which one nearly always means one class."""
    closed = _positive(rows, target) & (rng.random(rows.height) < 0.4)
    words = np.where(closed, "closed", rng.choice(["new", "open", "waiting"], rows.height))
    return Fault(rows.with_columns(pl.Series("state", words)), target, ("state",))


def tail(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """A number that is above 100 for one class alone."""
    high = _positive(rows, target) & (rng.random(rows.height) < 0.5)
    numbers = np.where(high, rng.uniform(101, 130, rows.height), rng.normal(50, 15, rows.height).clip(0, 100))
    return Fault(rows.with_columns(pl.Series("level", numbers)), target, ("level",))


def missing(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """A column that is filled for one class alone."""
    known = _positive(rows, target) ^ (rng.random(rows.height) < 0.01)
    numbers = [float(n) if k else None for n, k in zip(rng.normal(20, 4, rows.height), known, strict=True)]
    return Fault(rows.with_columns(pl.Series("duration_days", numbers)), target, ("duration_days",))


def later_date(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """A date of the event, for those that have it, beside the date of the entry."""
    days = pl.Series(rng.integers(0, 700, rows.height))
    entry = pl.lit("2023-01-01").str.to_date() + pl.duration(days=days)
    ended = pl.when(pl.Series(_positive(rows, target))).then(entry + pl.duration(days=days % 60 + 3))
    dates = {"entered": entry.cast(pl.String), "left_on": ended.cast(pl.String)}
    return Fault(rows.with_columns(**dates), target, ("left_on",))


def unfair(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """A class given to 70% of one sex and 35% of the other."""
    woman = rng.random(rows.height) < 0.5
    given = rng.random(rows.height) < np.where(woman, 0.35, 0.7) + 0.12 * _standard(rows.to_series(0)).clip(-1, 1)
    mixed = rows.drop(target).with_columns(pl.Series("sex", np.where(woman, "female", "male")), pl.Series("granted", given + 0))
    return Fault(mixed, "granted", ("sex",), frozenset({"FAIRNESS_SELECTION"}))


def unfair_flag(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """A class given by a flag, 0 or 1."""
    flag = rng.random(rows.height) < 0.3
    given = rng.random(rows.height) < np.where(flag, 0.3, 0.65)
    mixed = rows.drop(target).with_columns(pl.Series("black", flag + 0), pl.Series("approved", given + 0))
    return Fault(mixed, "approved", ("black",), frozenset({"FAIRNESS_SELECTION"}))


def unfair_proxy(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """A class given by the district, and the districts told by the ethnicity."""
    group = rng.random(rows.height) < 0.4
    district = np.where(group, rng.choice(["D1", "D2"], rows.height), rng.choice(["D3", "D4", "D5"], rows.height))
    moved = rng.random(rows.height) < 0.05
    district = np.where(moved, rng.choice(["D1", "D2", "D3", "D4", "D5"], rows.height), district)
    given = rng.random(rows.height) < np.where(np.isin(district, ["D1", "D2"]), 0.3, 0.7)
    words = {"ethnicity": np.where(group, "minority", "majority"), "district": district, "hired": given + 0}
    mixed = rows.drop(target).with_columns(*(pl.Series(*pair) for pair in words.items()))
    return Fault(mixed, "hired", ("ethnicity", "district"), frozenset({"FAIRNESS_SELECTION"}))


def copies(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """Each row three times with a number of its own, as after a join."""
    chosen = rows.sample(500, seed=8).with_row_index("copied")
    thrice = pl.concat([chosen] * 3).sample(fraction=1, shuffle=True, seed=9)
    numbered = thrice.with_columns(pl.Series("order_no", rng.permutation(thrice.height) * 7 + 10_001))
    return Fault(numbered.drop("copied"), target, (), frozenset({"DUPLICATES"}), entity=thrice["copied"])


def few_rows(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """Ninety rows."""
    return Fault(rows.sample(90, seed=10), target, (), frozenset({"SMALL_TEST"}))


def few_cases(rows: pl.DataFrame, target: str, rng: Rng) -> Fault:
    """Twelve rows of one class among many."""
    rare = rows.filter(pl.Series(_positive(rows, target))).head(12)
    often = rows.filter(pl.Series(~_positive(rows, target)))
    return Fault(pl.concat([rare, often]).sample(fraction=1, shuffle=True, seed=11), target, (), frozenset({"SMALL_TEST"}))


FAULTS: dict[str, tuple[Make, str]] = {
    "entity as a number": (entity_number, "credit data"),
    "entity as a text": (entity_text, "churn"),
    "few entities": (entity_few, "saratoga"),
    "entity by its properties": (entity_proxies, "medical care"),
    "entity by the rows' order": (row_order, "sacramento"),
    "drift without a time": (row_drift, "attrition"),
    "sum": (total, "saratoga"),
    "difference": (difference, "boston"),
    "product": (product, "sacramento"),
    "quotient": (quotient, "windsor"),
    "logarithm": (logarithm, "sacramento"),
    "three parts": (three_parts, "carseats"),
    "score in two parts": (points, "credit data"),
    "another unit": (other_unit, "students"),
    "class as text": (classes, "attrition"),
    "ranges of the target": (bins, "saratoga"),
    "value of one class": (value, "churn"),
    "tail of one class": (tail, "credit data"),
    "filled for one class": (missing, "german"),
    "date of the event": (later_date, "churn"),
    "unfair to a group": (unfair, "attrition"),
    "unfair by a flag": (unfair_flag, "credit data"),
    "unfair by a proxy": (unfair_proxy, "churn"),
    "copies of rows": (copies, "credit data"),
    "few rows": (few_rows, "german"),
    "few cases": (few_cases, "churn"),
}
"""What is sown, and into which table of public.toml."""
