"""How a column of text spells numbers, times, truth and what is unknown."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import dataframely as dy
import polars as pl

from ..errors import FactoryError
from ..validation import parsing

UNKNOWN = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "<NA>", "?")
PERHAPS = ("None", "none", "-", "--", ".", "unknown", "Unknown", "missing", "Missing")
"""Unknown in a column that otherwise holds numbers or times; elsewhere a value like others."""

NUMERIC = ("Int64", "Float64")
MOSTLY = 0.9
FIGURES = r"^[+-]?\d[\d.,:/ -]*$"
CODE = r"^[+-]?0\d+$"  # leading zeros: a number would lose them
NUMBERS: dict[str, dict[str, Any]] = {
    r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$": {},
    r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$|^[+-]?\d{1,3}(\.\d*)?$": {"thousands": ","},
    r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$|^[+-]?\d{1,3}(,\d*)?$": {"thousands": ".", "decimal": ","},
    r"^[+-]?\d{1,3}( \d{3})+(\.\d*)?$|^[+-]?\d{1,3}(\.\d*)?$": {"thousands": " "},
    r"^[+-]?\d+(,\d*)?$": {"decimal": ","},
}
TRUTH = (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"))
FEW = 100
DAYS = ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d-%m-%Y", "%d-%b-%Y", "%d %b %Y", "%b %d %Y", "%b %d, %Y")
CLOCKS = (" %H:%M:%S%.f", " %H:%M", "T%H:%M:%SZ", "T%H:%M:%S%.fZ")
TIMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Date", ("", *DAYS)),
    ("Datetime", ("", *(f"{day}{clock}" for day in ("%Y-%m-%d", *DAYS) for clock in CLOCKS))),
    ("Time", ("", "%H:%M", "%I:%M %p")),
)
"""The formats of each type; the first is ISO 8601, which needs none."""


@dataclass(frozen=True)
class Spelled:
    """A type of the contract, how its values are written, and which texts mean unknown."""

    kind: str
    metadata: dict[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    note: str = ""
    options: dict[str, Any] = field(default_factory=dict)  # of the type

    def column(self) -> dy.Column:
        """The column without limits."""
        hidden = {"missing": [*self.metadata.get("missing", []), *self.unknown, ""]}
        return getattr(dy, self.kind)(nullable=True, metadata=self.metadata | hidden, **self.options)  # type: ignore[no-any-return]


def known(table: pl.LazyFrame, guesses: dict[str, Spelled]) -> pl.LazyFrame:
    """The columns with null for what is unknown."""
    schema = table.collect_schema()
    return table.select(
        parsing.null_where_missing(name, schema[name], guess.column()) for name, guess in guesses.items()
    )


def typed(table: pl.LazyFrame, guesses: dict[str, Spelled]) -> pl.LazyFrame:
    """The columns' values, null where they are unknown or not so spelled."""
    rows = known(table, guesses)
    return rows.select(parsed(name, dtype, guesses[name]) for name, dtype in rows.collect_schema().items())


def parsed(name: str, found: pl.DataType, guess: Spelled) -> pl.Expr:
    """The values of a column of known ones, null where a contract admits none such."""
    value = parsing.parse(name, found, guess.column())
    if guess.kind == "Float64":
        return pl.when(value.is_finite()).then(value)
    if guess.kind in ("Date", "Datetime"):
        return pl.when(value.dt.year().is_between(1, 9999)).then(value)
    return value.str.strip_chars() if guess.kind == "String" else value


def spelled(values: pl.Series) -> Spelled:
    """What the texts are if all are of one kind; else they are text."""
    texts = values.drop_nulls().str.strip_chars().unique()
    unknown = tuple(text for text in UNKNOWN if (texts == text).any())
    texts = texts.filter(~texts.is_in(["", *unknown]))
    perhaps = tuple(text for text in PERHAPS if (texts == text).any())
    rest = texts.filter(~texts.is_in(perhaps))
    guesses = _guesses(rest) if len(rest) else iter(())
    kind, metadata = next(guesses, ("String", {}))
    if kind == "String":
        return Spelled(kind, unknown=unknown, note=_almost(rest))
    others = (also["format"] for other, also in guesses if other == kind) if "format" in metadata else iter(())
    other = next(others, None)
    return Spelled(kind, metadata, (*unknown, *perhaps), f"could be written {other} as well" if other else "")


def _almost(texts: pl.Series) -> str:
    """What keeps a column from being one of numbers or times, where it is little."""
    odd = texts.filter(~texts.str.contains(FIGURES))
    few = 0 < len(odd) < (1 - MOSTLY) * len(texts)
    return f"numbers or times but for {min(odd)[:30]!r}: mend that?" if few else ""


def _guesses(texts: pl.Series) -> Iterator[tuple[str, dict[str, Any]]]:
    """Types and spellings that all the texts fit, the plainest first."""
    lower = texts.str.to_lowercase()
    for words in TRUTH:
        if lower.n_unique() == 2 and lower.is_in(words).all():
            written = {
                kind: sorted(texts.filter(lower == word)) for kind, word in zip(("true", "false"), words, strict=True)
            }
            yield "Bool", {} if words == TRUTH[0] else written
    if texts.str.contains(CODE).any() or not texts.str.contains(r"\d").all():
        return
    for pattern, metadata in NUMBERS.items():
        if texts.str.contains(pattern).all():
            for kind in ("Int64", "Float64"):
                if _fits(texts, Spelled(kind, metadata)):
                    yield kind, metadata
    for kind, formats in TIMES:
        for form in formats:
            metadata = {"format": form} if form else {}
            if _fits(texts, Spelled(kind, metadata)):
                yield kind, metadata


def _fits(texts: pl.Series, guess: Spelled) -> bool:
    """Whether all texts can be read so; most guesses fail with the first few."""
    few = typed(texts.head(FEW).to_frame().lazy(), {texts.name: guess}).collect().to_series()
    rest = texts.slice(FEW).to_frame().lazy()
    return not few.has_nulls() and not typed(rest, {texts.name: guess}).collect().to_series().has_nulls()


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
