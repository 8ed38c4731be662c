"""What a table holds, column by column, read in batches, however long it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .source import is_readable
from .type_inference import MOSTLY, NUMERIC, SAMPLE, Spelled, first, known, parsed, second, typed

VALUES = 300
AT_ONCE = 250
EXACT = 200_000  # rows up to which different values are counted, and not estimated
TEMPORAL = ("Date", "Datetime", "Time")
TYPED = "\n"  # before the name of a column, which cannot begin so, that of its values beside it


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
    """The facts about each column. Raises FactoryError where one holds two kinds of values."""
    schema = table.collect_schema()
    rows = int(table.select(pl.len()).collect(engine="streaming").item())
    sample = table.gather_every(max(1, rows // SAMPLE)).collect(engine="streaming")
    guesses = {name: first(sample[name]) for name, dtype in schema.items() if is_readable(dtype)}
    facts = _facts(table, guesses, rows)
    doubtful = [name for name in guesses if facts[name]["lost"]]
    if doubtful:
        guesses |= {name: second(table, name, guesses[name], facts[name]["lost"], rows) for name in doubtful}
        facts |= _facts(table, {name: guesses[name] for name in doubtful}, rows)
    values = typed(sample.lazy(), guesses).collect()
    read = {name: _column(name, guesses[name], found, values[name]) for name, found in facts.items()}
    return {name: read.get(name) or _unread(name, dtype, rows) for name, dtype in schema.items()}


def _facts(table: pl.LazyFrame, guesses: dict[str, Spelled], rows: int) -> dict[str, dict[str, Any]]:
    """Counts and limits of each column, in one pass."""
    kept = known(table, guesses)
    both = kept.with_columns(
        parsed(name, d, guesses[name]).alias(TYPED + name) for name, d in kept.collect_schema().items()
    )
    facts = one(both, [_asked(name, guess, rows <= EXACT) for name, guess in guesses.items()])
    read = typed(table, guesses)
    few = [name for name, guess in guesses.items() if guess.kind == "String" and facts[name]["different"] <= VALUES]
    keys = [name for name, guess in guesses.items() if guess.kind in ("Int64", "String") and _may_be_key(facts[name])]
    values = one(read, [pl.col(name).drop_nulls().unique().sort().implode() for name in few])
    is_key = one(read, [pl.col(name).n_unique() == pl.len() for name in keys])
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


def one(table: pl.LazyFrame, asked: list[pl.Expr]) -> dict[str, Any]:
    """The one row of an answer; so many at a time, since time grows with the square of their number."""
    parts = (asked[start : start + AT_ONCE] for start in range(0, len(asked), AT_ONCE))
    answers = (table.select(part).collect(engine="streaming").row(0, named=True) for part in parts)
    return {name: value for answer in answers for name, value in answer.items()}


def _unread(name: str, dtype: pl.DataType, rows: int) -> Column:
    """A column of values that are no numbers, times, truths or texts."""
    kind = str(dtype.base_type())
    spelled = Spelled(kind, note=f"holds values of the type {kind}: derive columns from it")
    return Column(name, spelled, rows, 0, rows, False, None, None, 0, [], pl.Series(name, [], pl.Null))


def _column(name: str, guess: Spelled, found: dict[str, Any], sample: pl.Series) -> Column:
    facts = {key: value for key, value in found.items() if key != "lost"}
    return Column(name=name, spelled=guess, sample=sample, **facts | {"longest": facts["longest"] or 0})


def numbers(column: Column) -> NDArray[np.float64]:
    """The sample as numbers, NaN where unknown: times in their units, texts by their order."""
    values = column.sample
    if values.dtype == pl.String:
        values = values.rank("dense")
    return values.to_physical().cast(pl.Float64).to_numpy()
