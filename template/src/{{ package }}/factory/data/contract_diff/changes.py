"""How the values of a delivery differ from the contract, all of it in one go, and what change would admit them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import dataframely as dy
import polars as pl

from ...errors import Violation
from ...validation import bounds
from ...validation.parsing import try_cast
from ...validation.rules import rules, violation
from . import similarity
from .patch import Amendment

SIDES = {"min": ("below", "down to"), "max": ("above", "up to")}
LIMITS = ("min", "max", "min_exclusive", "max_exclusive", "min_length", "max_length")
MANY, FEW = 20, 3
DECIDE = "that a person has to decide"


@dataclass(frozen=True)
class Difference:
    """What differs, in words, and the change of the contract that admits it, where one can be proposed."""

    column: str  # or the rule
    words: str
    edit: Callable[[Amendment], None] | None = None


@dataclass
class Values:
    """A delivery's values in the contract's types as far as they go, with earlier ones to compare with."""

    rows: pl.DataFrame
    schema: type[dy.Schema]
    known: pl.DataFrame | None
    firm: set[str]  # columns that params.yaml needs in every row
    cast: pl.DataFrame = field(init=False)
    broken: dict[str, Violation] = field(init=False)
    in_other_units: set[str] = field(default_factory=set)  # and said to be so

    def __post_init__(self) -> None:
        self.cast, found = try_cast(self.rows, self.schema)
        self.broken = {breach.subject: breach for breach in found}

    def differences(self) -> Iterator[Difference]:
        """Types, categories, missing values, limits, then the rules between columns."""
        for name, found in self.broken.items():
            yield from self._categories(name) if self.cast.schema[name] == pl.Enum else [self._type(name, found)]
        for name in self.cast.columns:
            yield from self._nulls(name)
        for rule, expression in rules(self.schema).items():
            column, _, kind = rule.rpartition("|")
            if kind != "nullability" and set(expression.meta.root_names()) <= set(self.cast.columns):
                yield from self._rule(rule, expression, column, kind)

    def unit(self, column: str) -> str | None:
        """What the values say of another unit."""
        if self.known is None or column not in self.known.columns or not self.cast.schema[column].is_numeric():
            return None
        found = similarity.unit(self.known[column], self.cast[column])
        return f"; {found}: mend the delivery rather than the contract" if found else None

    def _type(self, name: str, found: Violation) -> Difference:
        for wider in bounds.wider_types(self.cast[name]):
            cast, problems = try_cast(self.rows.select(name), self._as(name, getattr(dy, wider)))
            if not problems:
                self.cast = self.cast.with_columns(cast[name])
                unit = self.unit(name)
                self.in_other_units |= {name} if unit else set()
                edit = None if unit else partial(Amendment.retype, column=name, name=wider)
                return Difference(name, f"{found}{unit or f'; {wider} holds all of them'}", edit)
        texts = self._unread(name).drop_nulls().unique().sort().to_list()
        unknown = 0 < len(texts) <= FEW and not any(letter.isdigit() for text in texts for letter in text)
        shown = " or ".join(map(repr, texts))
        return Difference(name, f"{found}{f'; if {shown} means unknown, name it in MISSING' if unknown else ''}")

    def _categories(self, name: str) -> Iterator[Difference]:
        known = list(self.cast.schema[name].categories)  # type: ignore[attr-defined]
        unread = self._unread(name)
        counts = unread.drop_nulls().value_counts()
        new = counts.sort("count", name, descending=[True, False]).rows()
        if len(new) > max(MANY, len(known)):
            yield Difference(name, f"{self.broken[name]}: {len(new)} new values: looks like something else than {name}")
            return
        for value, number in new:
            near = similarity.written_like(value, known)
            words = f"{name}: new value {value!r} in {number} of {self.rows.height} rows{f', {near}' if near else ''}"
            yield Difference(name, words, partial(Amendment.categories, column=name, values=[value]))
        wider = pl.Enum([*known, *(value for value, _ in new)])
        self.cast = self.cast.with_columns(pl.coalesce(pl.col(name).cast(wider), unread.cast(wider)))

    def _unread(self, name: str) -> pl.Series:
        """The texts of the values that cannot be of the column's type, null elsewhere."""
        text = try_cast(self.rows.select(pl.col(name).cast(pl.String)), self._as(name, dy.String))[0]
        plain = pl.col(name).str.strip_chars().replace("", None)
        return text.select(pl.when(self.cast[name].is_null()).then(plain).alias(name))[name]

    def _nulls(self, name: str) -> Iterator[Difference]:
        column = self.schema.columns()[name]
        unread = name in self.broken and self.cast.schema[name] == column.dtype
        number = (self.rows if unread else self.cast)[name].null_count()
        if not number or column.nullable:
            return
        words = f"{name}: {number} of {self.rows.height} rows are empty, none may be"
        if name in self.firm or getattr(column, "primary_key", False):
            yield Difference(name, f"{words}: each row needs it")
        else:
            yield Difference(name, words, partial(Amendment.nullable, column=name))

    def _rule(self, rule: str, expression: pl.Expr, column: str, kind: str) -> Iterator[Difference]:
        try:
            bad = self.cast.filter(~expression)
        except pl.exceptions.PolarsError as error:
            yield Difference(column or rule, f"{rule}: cannot be judged: {str(error).partition(chr(10))[0]}")
            return
        if kind in LIMITS:
            values = bad[column].filter(bad[column].is_finite()) if bad.schema[column].is_float() else bad[column]
            yield from [self._limit(values, kind)] if len(values) and column not in self.in_other_units else []
        elif bad.height:
            yield Difference(column or rule, f"{violation(self.cast, rule, self.schema)}: {DECIDE}")

    def _limit(self, bad: pl.Series, kind: str) -> Difference:
        name, limit = bad.name, getattr(self.schema.columns()[bad.name], kind)
        where, to = SIDES[kind[:3]]
        sizes = bad.str.len_bytes() if bad.dtype == pl.String else bad.list.len() if bad.dtype.is_nested() else bad
        seen = sizes.max() if kind.startswith("max") else sizes.min()
        words = f"{name}: {len(bad)} of {self.rows.height} rows {where} {kind} {limit}, {to} {seen!s}"
        proposed = bounds.rounded_bound(seen, kind, sizes.dtype if sizes is bad else pl.Int64())
        edit = partial(Amendment.limit, column=name, kind=kind, value=proposed) if proposed is not None else None
        return Difference(name, words + (self.unit(name) or ""), edit)

    def _as(self, name: str, kind: type[dy.Column]) -> type[dy.Schema]:
        """A contract of that column alone, of another type."""
        metadata = self.schema.columns()[name].metadata
        return type("One", (dy.Schema,), {"one": kind(nullable=True, alias=name, metadata=metadata)})
