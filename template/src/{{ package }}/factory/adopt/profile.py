"""What a table holds, column by column, read in batches, however long it is."""

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from ..errors import FactoryError
from .spelling import PERHAPS, UNKNOWN, Spelled, known, parsed, spelled, typed

SAMPLE = 20_000
VALUES = 300
EXACT = 200_000  # rows up to which different values are counted, and not estimated
MOSTLY = 0.9
SENTINELS = (-99, -999, -9999, -99999, 9999, 99999, 999999)
NUMERIC = ("Int64", "Float64")
TEMPORAL = ("Date", "Datetime", "Time")
TYPED = "typed "  # before the name of a column, that of its values beside it


@dataclass(frozen=True)
class Column:
    """The facts about a column; `sample` holds values of rows spread over the table."""

    name: str
    spelled: Spelled
    rows: int
    missing: int
    different: int  # about, where there are many
    unique: bool
    low: Any
    high: Any
    longest: int  # of texts, in bytes
    values: list[str]  # of texts, unless there are many
    sample: pl.Series

    @property
    def kind(self) -> str:
        return self.spelled.kind

    @property
    def share_missing(self) -> float:
        return self.missing / self.rows


def profile(table: pl.LazyFrame) -> dict[str, Column]:
    """The facts about each column that is no list or structure. Raises FactoryError where one holds two kinds of values."""
    rows = int(table.select(pl.len()).collect(engine="streaming").item())
    sample = table.gather_every(max(1, rows // SAMPLE)).collect(engine="streaming")
    guesses = {name: _guess(sample[name]) for name, dtype in sample.schema.items() if not dtype.is_nested()}
    facts = _facts(table, guesses, rows)
    doubtful = [name for name in guesses if facts[name]["lost"]]
    if doubtful:
        guesses |= {name: _second_guess(table, name, guesses[name], facts[name]["lost"], rows) for name in doubtful}
        facts |= _facts(table, {name: guesses[name] for name in doubtful}, rows)
    values = typed(sample.lazy(), guesses).collect()
    return {name: _column(name, guesses[name], found, values[name]) for name, found in facts.items()}


def _guess(values: pl.Series) -> Spelled:
    """What the column is, by some of its values."""
    dtype = values.dtype
    if dtype == pl.Boolean:
        return Spelled("Bool")
    if dtype.is_integer():
        return _with_sentinel(values, Spelled("Int64"))
    if dtype.is_numeric():
        return _with_sentinel(values, Spelled("Float64"))
    if dtype.is_temporal() and dtype != pl.Duration:
        zone = getattr(dtype, "time_zone", None)
        return Spelled(str(dtype.base_type()), options={"time_zone": zone} if zone else {})
    guess = spelled(values.cast(pl.String))
    if guess.kind in NUMERIC:
        return _with_sentinel(typed(values.to_frame().lazy(), {values.name: guess}).collect().to_series(), guess)
    return guess


def _with_sentinel(values: pl.Series, guess: Spelled) -> Spelled:
    """The guess, with a number that stands for unknown, far from all others and seen more than once."""
    for sentinel in SENTINELS:
        rest = values.filter(values != sentinel)
        if (values == sentinel).sum() > 1 and len(rest) and float(rest.abs().max()) * 5 < abs(sentinel):  # type: ignore[arg-type]
            note = f"{sentinel} looks like unknown"
            return replace(guess, metadata=guess.metadata | {"missing": [str(sentinel)]}, note=note)
    return guess


def _facts(table: pl.LazyFrame, guesses: dict[str, Spelled], rows: int) -> dict[str, dict[str, Any]]:
    """Counts and limits of each column, in one pass."""
    kept = known(table, guesses)
    both = kept.with_columns(
        parsed(name, d, guesses[name]).alias(TYPED + name) for name, d in kept.collect_schema().items()
    )
    facts = one(both.select(_asked(name, guess, rows <= EXACT) for name, guess in guesses.items()))
    read = typed(table, guesses)
    few = [name for name, guess in guesses.items() if guess.kind == "String" and facts[name]["different"] <= VALUES]
    keys = [name for name, guess in guesses.items() if guess.kind in ("Int64", "String") and _may_be_key(facts[name])]
    listed = read.select(*(pl.col(name).drop_nulls().unique().sort().implode() for name in few))
    unique = read.select(*(pl.col(name).n_unique() == pl.len() for name in keys))
    values, is_key = (one(asked) if names else {} for asked, names in ((listed, few), (unique, keys)))
    return {n: {**found, "values": values.get(n, []), "unique": is_key.get(n, False)} for n, found in facts.items()}


def _asked(name: str, guess: Spelled, exact: bool) -> pl.Expr:
    value, ordered = pl.col(TYPED + name), guess.kind in (*NUMERIC, *TEMPORAL)
    return pl.struct(
        rows=pl.len(),
        missing=value.null_count(),
        lost=value.null_count() - pl.col(name).null_count(),
        different=value.drop_nulls().n_unique() if exact else value.drop_nulls().approx_n_unique(),
        low=value.min() if ordered else pl.lit(None),
        high=value.max() if ordered else pl.lit(None),
        longest=value.str.len_bytes().max() if guess.kind == "String" else pl.lit(0),
    ).alias(name)


def _may_be_key(facts: dict[str, Any]) -> bool:
    return bool(facts["missing"] == 0 and facts["different"] > MOSTLY * facts["rows"])


def one(asked: pl.LazyFrame) -> dict[str, Any]:
    """The one row of an answer."""
    return asked.collect(engine="streaming").row(0, named=True)


def _second_guess(table: pl.LazyFrame, name: str, guess: Spelled, lost: int, rows: int) -> Spelled:
    """What the column is, once values are known that the first guess cannot read."""
    texts = known(table.select(name), {name: guess})
    unread = texts.filter(parsed(name, texts.collect_schema()[name], guess).is_null()).drop_nulls().unique()
    odd = unread.head(SAMPLE).collect(engine="streaming").to_series()
    if odd.is_in([*UNKNOWN, *PERHAPS]).all():
        return replace(guess, unknown=(*guess.unknown, *sorted(odd)))
    second = spelled(pl.concat([texts.head(SAMPLE).collect(engine="streaming").to_series(), odd]))
    if second.kind == "String" and lost < (1 - MOSTLY) * rows:
        raise FactoryError(
            f"{name}: {lost} of {rows} rows hold no {guess.kind}, e.g. {min(odd)!r}: mend them, or leave the column out"
        )
    return second


def _column(name: str, guess: Spelled, found: dict[str, Any], sample: pl.Series) -> Column:
    facts = {key: value for key, value in found.items() if key != "lost"}
    return Column(name=name, spelled=guess, sample=sample, **facts | {"longest": facts["longest"] or 0})
