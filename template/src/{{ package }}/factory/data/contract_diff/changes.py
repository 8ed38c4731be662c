"""The differences between a delivery's values and the contract, and the changes that would accept them."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dataframely as dy
import polars as pl

from ...errors import Violation
from ...validation import bounds, texts, unseen
from ...validation.missing_words import SENTINELS, are_missing
from ...validation.parsing import try_cast
from ...validation.rules import rules, violation
from . import similarity, units
from .patch import ContractEditor

DIRECTIONS = {"min": ("below", "down to"), "max": ("above", "up to")}
LIMITS = ("min", "max", "min_exclusive", "max_exclusive", "min_length", "max_length")
MOST_NEW_CATEGORIES, MOST_WORDS = 20, 3
SYSTEMATIC, FAR = 0.9, 0.1  # the share of the rows beyond a limit, and how far, as a share of it
LEAST_ROWS = 20  # that are beyond a limit, to look for another unit in them alone
PLACEHOLDER_DATES = ("0001-01-01", "1900-01-01", "1970-01-01", "9999-12-31")
DECIDE = "a person has to decide"
FIX = "fix the delivery, not the contract"
NOTATIONS = {
    r"^[+-]?\d+,\d+$": "a comma as the decimal point, or between thousands",
    r"^[+-]?\d{1,3}([., ']\d{3})+([.,]\d+)?$": "thousands apart",
    r"^[+-]?[\d.,]+\s*[^\d\s.,]+$": "a unit behind each number",
    r"^[^\d\s.,+-]+\s*[\d.,]+$": "a unit before each number",
}


@dataclass(frozen=True)
class Difference:
    """A difference in words, and the change of the contract that would accept it, where one can be proposed."""

    subject: str  # a column, or a rule
    message: str
    edit: Callable[[ContractEditor], None] | None = None


@dataclass
class Values:
    """A delivery's values in the contract's types as far as they go, with earlier ones to compare with."""

    rows: pl.DataFrame
    schema: type[dy.Schema]
    earlier: pl.DataFrame | None
    required: set[str]  # columns that params.yaml needs in every row
    cast: pl.DataFrame = field(init=False)
    losses: dict[str, Violation] = field(init=False)
    in_other_units: set[str] = field(default_factory=set)  # and reported

    def __post_init__(self) -> None:
        with unseen.counting(unseen.Tally(Counter)) as tally:
            self.cast, losses = try_cast(self.rows, self.schema)
        losses += unseen.violations(tally, self.schema, self.rows.height)
        self.losses = {loss.subject: loss for loss in losses}

    def differences(self) -> Iterator[Difference]:
        """Types, categories, missing values, limits, then the rules between columns."""
        for name, loss in self.losses.items():
            yield from self._categories(name) if self.cast.schema[name] == pl.Enum else [self._type(name, loss)]
        for name in self.cast.columns:
            yield from self._nulls(name)
        for rule, expression in rules(self.schema).items():
            column, _, kind = rule.rpartition("|")
            if kind != "nullability" and set(expression.meta.root_names()) <= set(self.cast.columns):
                yield from self._rule(rule, expression, column, kind)
        yield from self._silent_unit_changes()

    def _type(self, name: str, loss: Violation) -> Difference:
        codes = self._unread(name).drop_nulls().cast(pl.Float64, strict=False)
        if len(codes) and _is_placeholder(codes).all():
            return Difference(name, f"{loss}{_if_missing(codes)}")
        for wider in bounds.wider_types(self.cast[name]):
            cast, losses = try_cast(self.rows.select(name), self._retyped(name, getattr(dy, wider)))
            if not losses:
                self.cast = self.cast.with_columns(cast[name])
                unit = self._unit_change(name)
                edit = None if unit else partial(ContractEditor.retype, column=name, name=wider)
                return Difference(name, f"{loss}{unit or f'; {wider} holds all of them'}", edit)
        return Difference(name, f"{loss}{self._notation(self._unread(name).drop_nulls().unique().sort())}")

    def _notation(self, values: pl.Series) -> str:
        """What the texts that cannot be read have in common, as the end of a message."""
        digits = values.str.contains(r"\d")
        if len(values) and (are_missing(values).all() or (len(values) <= MOST_WORDS and not digits.any())):
            return f"; if {' or '.join(map(repr, values))} means unknown, name it in MISSING"
        notation = next((what for pattern, what in NOTATIONS.items() if values.str.contains(pattern).all()), None)
        return (
            f"; written with {notation}: {FIX}, or see `metadata` in docs/data.md" if notation and digits.all() else ""
        )

    def _categories(self, name: str) -> Iterator[Difference]:
        known = list(self.cast.schema[name].categories)  # type: ignore[attr-defined]
        unread = self._unread(name)
        if unread.is_null().all():  # they are taken as another category
            yield Difference(name, f"{self.losses[name]}: {DECIDE}")
            return
        counts = unread.drop_nulls().alias("value").value_counts()
        new = counts.sort("count", "value", descending=[True, False]).rows()
        if len(new) > max(MOST_NEW_CATEGORIES, len(known)):
            yield Difference(name, f"{self.losses[name]}: {len(new)} new values: not the values of {name}?")
            return
        meant: dict[str, str] = {}
        for value, count in new:
            spelled, where = similarity.known_spelling(value, known), f"in {count:,} of {self.rows.height:,} rows"
            meant[value] = spelled or value
            if spelled:
                yield Difference(name, f"{name}: {value!r} {where} is another spelling of {spelled!r}: {FIX}")
                continue
            message = f"{name}: new value {value!r} {where}{texts.hint(value, known)}"
            yield Difference(name, message, partial(ContractEditor.categories, column=name, values=[value]))
            known.append(value)
        wider = pl.Enum(known)
        self.cast = self.cast.with_columns(pl.coalesce(pl.col(name).cast(wider), unread.replace(meant).cast(wider)))

    def _nulls(self, name: str) -> Iterator[Difference]:
        column = self.schema.columns()[name]
        unread = name in self.losses and self.cast.schema[name] == column.dtype
        count = (self.rows if unread else self.cast)[name].null_count()
        if not count or column.nullable:
            return
        message = f"{name}: {count:,} of {self.rows.height:,} rows have no value, but the column is not nullable"
        if name in self.required or getattr(column, "primary_key", False):
            yield Difference(name, f"{message}: every row needs one")
        else:
            yield Difference(name, message, partial(ContractEditor.nullable, column=name))

    def _rule(self, rule: str, expression: pl.Expr, column: str, kind: str) -> Iterator[Difference]:
        try:
            bad = self.cast.filter(~expression)
        except pl.exceptions.PolarsError as error:
            yield Difference(column or rule, f"{rule}: cannot be evaluated: {str(error).partition(chr(10))[0]}")
            return
        if kind in LIMITS:
            values = bad[column].filter(bad[column].is_finite()) if bad.schema[column].is_float() else bad[column]
            yield from [self._limit(values, kind)] if len(values) and column not in self.in_other_units else []
        elif bad.height:
            yield Difference(column or rule, f"{violation(self.cast, rule, self.schema)}: {DECIDE}")

    def _limit(self, bad: pl.Series, kind: str) -> Difference:
        name, limit = bad.name, getattr(self.schema.columns()[bad.name], kind)
        where, to = DIRECTIONS[kind[:3]]
        sizes = bad.str.len_bytes() if bad.dtype == pl.String else bad.list.len() if bad.dtype.is_nested() else bad
        is_code = _is_placeholder(bad)
        codes = _if_missing(bad.filter(is_code)) if is_code.any() else ""
        values = sizes if is_code.all() else sizes.filter(~is_code)
        extreme = values.max() if kind.startswith("max") else values.min()
        message = f"{name}: {len(bad):,} of {self.rows.height:,} rows {where} {kind} {limit}, {to} {extreme!s}"
        suspicion = codes if is_code.all() else self._unit_change(name, bad) or self._far_beyond(bad, limit)
        if suspicion:  # a limit that admits such values admits the fault
            return Difference(name, message + suspicion)
        bound = bounds.rounded_bound(extreme, kind, sizes.dtype if sizes is bad else pl.Int64())
        edit = partial(ContractEditor.limit, column=name, kind=kind, value=bound) if bound is not None else None
        return Difference(name, message + codes, edit)

    def _far_beyond(self, bad: pl.Series, limit: Any) -> str | None:
        """Whether nearly all numbers are far beyond the limit, so that no other one will do, as the end of a message."""
        if not bad.dtype.is_numeric() or len(bad) < SYSTEMATIC * (len(self.cast) - self.cast[bad.name].null_count()):
            return None
        distance = abs(float(bad.median()) - limit)  # type: ignore[arg-type]
        return f"; nearly all values are, as if in another unit: {FIX}" if distance > FAR * abs(limit) else None

    def _unit_change(self, column: str, beyond: pl.Series | None = None, *, known: bool = False) -> str | None:
        """The other unit that all values look to be in, or those beyond a limit, as the end of a message."""
        if self.earlier is None or column not in self.earlier.columns or not self.cast.schema[column].is_numeric():
            return None
        unit = units.unit_change(self.earlier[column], self.cast[column], known=known)
        if not unit and beyond is not None and len(beyond) >= LEAST_ROWS:
            unit = units.unit_change(self.earlier[column], beyond, known=True)
            unit = unit and f"in these rows {unit}"
        if not unit:
            return None
        self.in_other_units.add(column)
        return f"; {unit}, which looks like another unit: {FIX}"

    def _silent_unit_changes(self) -> Iterator[Difference]:
        """Columns that keep their limits in a delivery in which others came in another unit."""
        for name in self.cast.columns if self.in_other_units else ():
            unit = self._unit_change(name, known=True) if name not in self.in_other_units else None
            if unit:
                yield Difference(name, f"{name}: within its limits, but {unit.removeprefix('; ')}")

    def _unread(self, name: str) -> pl.Series:
        """The texts of the values that cannot be of the column's type, null elsewhere."""
        text = try_cast(self.rows.select(pl.col(name).cast(pl.String)), self._retyped(name, dy.String))[0]
        stripped = pl.col(name).str.strip_chars().replace("", None)
        return text.select(pl.when(self.cast[name].is_null()).then(stripped).alias(name))[name]

    def _retyped(self, name: str, kind: type[dy.Column]) -> type[dy.Schema]:
        """A contract of that column alone, of another type."""
        metadata = self.schema.columns()[name].metadata
        return type("One", (dy.Schema,), {"one": kind(nullable=True, alias=name, metadata=metadata)})


def _is_placeholder(values: pl.Series) -> pl.Series:
    """Whether each value looks like a code for a missing one."""
    if values.dtype.is_numeric():
        return values.cast(pl.Float64).is_in([float(code) for code in SENTINELS]).fill_null(False)
    if values.dtype.is_temporal():
        return values.cast(pl.String).str.head(10).is_in(PLACEHOLDER_DATES)
    return pl.repeat(False, len(values), eager=True)


def _if_missing(codes: pl.Series) -> str:
    """What to do about such codes, as the end of a message."""
    texts = [f"{code:g}" if isinstance(code, int | float) else f"{code!s:.10}" for code in codes.unique().sort()]
    listed = ", ".join(f'"{text}"' for text in texts)
    return f'; if {" or ".join(texts)} means unknown, declare it in contract.py: metadata={{"missing": [{listed}]}}'
