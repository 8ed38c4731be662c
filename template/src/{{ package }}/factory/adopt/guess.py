"""What a column is, by some of its values, and once those are known that this cannot read."""

from dataclasses import replace

import polars as pl

from ..errors import FactoryError
from .spelling import MOSTLY, NUMERIC, PERHAPS, UNKNOWN, Spelled, known, parsed, spelled, typed

SAMPLE = 20_000
SENTINELS = (-99, -999, -9999, -99999, 9999, 99999, 999999)


def first(values: pl.Series) -> Spelled:
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
    if (
        isinstance(dtype, pl.Categorical | pl.Enum) and guess.kind != "Bool"
    ):  # which a contract takes for no numbers or times
        return Spelled("String", unknown=guess.unknown)
    if guess.kind in NUMERIC:
        return _with_sentinel(typed(values.to_frame().lazy(), {values.name: guess}).collect().to_series(), guess)
    return guess


def _with_sentinel(values: pl.Series, guess: Spelled) -> Spelled:
    """The guess, with a number that stands for unknown, far from all others and seen more than once."""
    values = values.cast(pl.Float64)
    for sentinel in SENTINELS:
        rest = values.filter(values != sentinel)
        if (values == sentinel).sum() > 1 and len(rest) and float(rest.abs().max()) * 5 < abs(sentinel):  # type: ignore[arg-type]
            note = f"{sentinel} looks like unknown"
            return replace(guess, metadata=guess.metadata | {"missing": [str(sentinel)]}, note=note)
    return guess


def second(table: pl.LazyFrame, name: str, guess: Spelled, lost: int, rows: int) -> Spelled:
    """What the column is, once values are known that the first guess cannot read."""
    values = known(table.select(name), {name: guess})
    dtype = values.collect_schema()[name]
    unread = values.filter(parsed(name, dtype, guess).is_null()).drop_nulls().unique()
    odd, some = (part.head(SAMPLE).collect(engine="streaming").to_series().cast(pl.String) for part in (unread, values))
    if odd.is_in([*UNKNOWN, *PERHAPS]).all():
        return _hiding(guess, sorted(odd), dtype)
    other = spelled(pl.concat([some, odd]))
    if other.kind == "String" and (lost < (1 - MOSTLY) * rows or dtype != pl.String):
        raise FactoryError(
            f"{name}: {lost} of {rows} rows hold no {guess.kind}, e.g. {min(odd)!r}: mend them, or leave the column out"
        )
    return other


def _hiding(guess: Spelled, words: list[str], dtype: pl.DataType) -> Spelled:
    """The guess, where these mean unknown as well: of numbers, such as NaN, the column itself has to say so."""
    if dtype == pl.String:
        return replace(guess, unknown=(*guess.unknown, *words))
    return replace(guess, metadata=guess.metadata | {"missing": [*guess.metadata.get("missing", []), *words]})
